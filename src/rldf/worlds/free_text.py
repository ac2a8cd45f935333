"""Free descriptions of drawn pictures: what a person might write, in words and orders the grammars do not have."""

from collections.abc import Mapping, Sequence

import numpy as np

COUNTS: Mapping[str, tuple[str, ...]] = {
    "one": ("a single", "just one"),
    "two": ("a couple of", "a pair of"),
    "three": ("three", "a trio of"),
    "four": ("four",),
    "many": ("lots of", "a whole bunch of"),
}
PEOPLE: Mapping[str, tuple[str, ...]] = {
    "no": ("nobody around", "not a soul about"),
    "one": ("somebody", "one human being"),
    "few": ("some folks", "a handful of folks"),
    "many": ("a crowd", "plenty of folks"),
}
STYLES: Mapping[str, str] = {
    "pixel art": "done as pixel art",
    "oil painting": "done in oil paint",
    "watercolour": "done in watercolour",
    "sketch": "done with a pencil",
}
WEATHERS: Mapping[str, str] = {
    "sunny": "while the sun shines",
    "rainy": "while it pours",
    "snowy": "while snow falls",
    "foggy": "while it is misty",
}
TIMES: Mapping[str, str] = {"sunset": "as the sun goes down", "night": "after dark"}
_SILENT = ("none", "person")
_IRREGULAR = {
    "broccoli": "broccoli",
    "corn": "corn",
    "sheep": "sheep",
    "tomato": "tomatoes",
    "strawberry": "strawberries",
    "bus": "buses",
    "person": "people",
    "woman": "women",
    "man": "men",
}


def describe(seen: Mapping[str, str], rng: np.random.Generator) -> str:
    """Describes a picture freely.

    Args:
        seen: axis id to the term a viewer sees; see `Drawing`.
        rng: chooses words and order.

    Returns:
        One sentence in small letters, without punctuation.
    """
    subject, people, place = _subject(seen, rng), _people(seen, rng), _place(seen, rng)
    tails = [
        phrase
        for axis, phrases in (("weather", WEATHERS), ("time", TIMES), ("style", STYLES))
        if (phrase := phrases.get(seen.get(axis, "none")))
    ]
    orders = (
        ("there you see", subject, "with", people, place),
        (place, "there is", subject, "and", people),
        (subject, place, "and", people),
        (people, "near", subject, place),
    )
    parts = list(orders[int(rng.integers(len(orders)))])
    return " ".join(part for part in [*parts, *tails] if part)


def vocabulary(terms: Mapping[str, Sequence[str]]) -> list[str]:
    """Every word that `describe` can write.

    Args:
        terms: axis id to its terms.

    Returns:
        The words, sorted.
    """
    phrases = [phrase for table in (COUNTS, PEOPLE) for row in table.values() for phrase in row]
    phrases += [*STYLES.values(), *WEATHERS.values(), *TIMES.values()]
    phrases += ["there you see with is and near inside at a an over in"]
    for axis_terms in terms.values():
        phrases += [form for term in axis_terms for form in (term, _plural(term))]
    return sorted({word for phrase in phrases for word in phrase.split()})


def _subject(seen: Mapping[str, str], rng: np.random.Generator) -> str:
    """The thing or the people the picture is of, and the second thing where there is one."""
    first = _things(seen, rng, count="count", noun="person" if "person" in seen else "object", colour="colour")
    second = _things(seen, rng, count="second-count", noun="second-object", colour="")
    return f"{first} and {second}" if second else first


def _things(seen: Mapping[str, str], rng: np.random.Generator, *, count: str, noun: str, colour: str) -> str:
    if noun not in seen or count not in seen:
        return ""
    words = _pick(COUNTS[seen[count]], rng)
    look = seen.get(colour, "none")
    name = seen[noun] if seen[count] == "one" else _plural(seen[noun])
    return " ".join(word for word in (words, "" if look in _SILENT else look, name) if word)


def _people(seen: Mapping[str, str], rng: np.random.Generator) -> str:
    if "density" not in seen:
        return _pick(PEOPLE["no"], rng)
    words = _pick(PEOPLE[seen["density"]], rng)
    action = seen.get("action", "none")
    if seen["density"] == "no" or action == "none":
        return words
    return f"{words} {action}"


def _place(seen: Mapping[str, str], rng: np.random.Generator) -> str:
    if "scene" not in seen:
        return ""
    article = "an" if seen["scene"][0] in "aeiou" else "a"
    place = f"{_pick(('inside', 'at'), rng)} {article} {seen['scene']}"
    city = seen.get("city", "none")
    return place if city in _SILENT else f"{place} over in {city}"


def _plural(term: str) -> str:
    if term in _IRREGULAR:
        return _IRREGULAR[term]
    return f"{term}es" if term.endswith(("s", "x", "ch", "sh")) else f"{term}s"


def _pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
