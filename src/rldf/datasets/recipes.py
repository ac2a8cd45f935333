"""Which sentences draw a class: what was found for it, spread over control axes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from rldf.errors import ConfigError
from rldf.grammar import Grammar
from rldf.seeding import child_rng
from rldf.space import Encoding

MAX_RECIPES = 64  # our choice: sentences of one class
_MAX_REDRAWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One sentence that draws a class.

    Attributes:
        sentence: what the model is given.
        terms: axis id to term; empty where the sentence comes from no grammar.
    """

    sentence: str
    terms: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRecipes:
    """How one class is drawn; its pictures are spread evenly over the recipes.

    Attributes:
        name: of the class.
        recipes: at least one.
    """

    name: str
    recipes: tuple[Recipe, ...]

    def __post_init__(self) -> None:
        if not self.recipes:
            raise ConfigError(f"the class '{self.name}' has no recipe; it needs at least one sentence. Give one.")


def recipes_of_encodings(
    name: str,
    encodings: Sequence[Encoding],
    *,
    grammar: Grammar,
    vary: Sequence[str] = (),
    max_recipes: int = MAX_RECIPES,
    seed: int = 0,
) -> ClassRecipes:
    """Makes the recipes of a class from encodings, with some axes varied evenly.

    All combinations are taken where there are few. Where there are more than `max_recipes`, each varied axis goes
    through its terms in a random order again and again, so all its terms are proposed equally often, give or take one.
    A combination that the grammar excludes, or that came before, is replaced by one drawn at random from all terms, so
    the counts may differ by as many more as were replaced; where none is found in a few tries, it is left out.

    Args:
        name: of the class.
        encodings: what was found for it, at least one; repeats count once.
        grammar: spells them.
        vary: axis ids to vary; an axis that does not exist is an `UnknownTermError`.
        max_recipes: sentences at most, at least 1.
        seed: root seed.

    Returns:
        The recipes; equal arguments give equal recipes.
    """
    space = grammar.space
    distinct = list(dict.fromkeys(encodings))
    axes = [space.axis(axis_id) for axis_id in dict.fromkeys(vary)]
    rng = child_rng(seed, "recipes", name)
    choices = [axis.terms for axis in axes]
    num_combinations = len(distinct) * prod(len(terms) for terms in choices)
    if num_combinations <= max_recipes:
        rows = [(encoding, terms) for encoding in distinct for terms in product(*choices)]
    else:
        columns = [_in_turns(terms, count=max_recipes, rng=rng) for terms in choices]
        rows = [
            (distinct[number % len(distinct)], tuple(column[number] for column in columns))
            for number in range(max_recipes)
        ]
    found: dict[Encoding, None] = {}
    for encoding, first_terms in rows:
        terms = first_terms
        for _ in range(_MAX_REDRAWS):
            varied = space.encode(
                {**space.terms(encoding), **dict(zip((axis.id for axis in axes), terms, strict=True))}
            )
            if space.allows(varied) and varied not in found:
                found[varied] = None
                break
            if num_combinations <= max_recipes:
                break  # every combination has its own turn
            terms = tuple(str(rng.choice(row)) for row in choices)
    kept = list(found) if found else distinct
    return ClassRecipes(
        name=name,
        recipes=tuple(Recipe(sentence=grammar.render(encoding), terms=space.terms(encoding)) for encoding in kept),
    )


def recipes_of_name(name: str) -> ClassRecipes:
    """The baseline: the class name and nothing else, as in "a photo of a golden retriever"."""
    words = " ".join(name.replace("_", " ").replace("-", " ").split())
    return ClassRecipes(name=name, recipes=(Recipe(sentence=f"a photo of {words}"),))


def read_recipes(path: Path, *, grammar: Grammar) -> list[ClassRecipes]:
    """Reads recipes a user wrote: a JSON object of class name to a list of sentences, or of axis-to-term objects.

    Args:
        path: the file.
        grammar: spells the objects; sentences are taken as they are, whatever the grammar.

    Returns:
        The recipes, in the order of the file.

    Raises:
        ConfigError: if the file is not of that form.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the recipes '{path}' cannot be read: {error}. Give a JSON file.") from error
    if not isinstance(data, dict) or not data or not all(isinstance(rows, list) and rows for rows in data.values()):
        raise ConfigError(
            f"the recipes '{path}' are no object of class name to a list; write them like "
            '{"cow": ["a photo of two cows"]}.'
        )
    return [
        ClassRecipes(name=name, recipes=tuple(_read_recipe(row, name=name, path=path, grammar=grammar) for row in rows))
        for name, rows in data.items()
    ]


def _read_recipe(row: Any, *, name: str, path: Path, grammar: Grammar) -> Recipe:  # noqa: ANN401 - from a JSON file
    if isinstance(row, str) and row.strip():
        return Recipe(sentence=row)
    if isinstance(row, dict):
        encoding = grammar.space.encode(row)
        return Recipe(sentence=grammar.render(encoding), terms=grammar.space.terms(encoding))
    raise ConfigError(
        f"the recipe {row!r} of class '{name}' in '{path}' is neither a sentence nor an object of axis to "
        "term. Correct it."
    )


def _in_turns(terms: Sequence[str], *, count: int, rng: np.random.Generator) -> list[str]:
    """So many terms, all equally often give or take one, in random order."""
    turns = [str(term) for _ in range(-(-count // len(terms))) for term in rng.permutation(list(terms))]
    return turns[:count]
