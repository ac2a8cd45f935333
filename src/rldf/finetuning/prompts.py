"""Prompt sets: data files of the paper's prompts, a text file of the user, or sentences of a grammar."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from rldf.errors import ConfigError, did_you_mean
from rldf.grammar import Grammar
from rldf.seeding import child_rng
from rldf.space import Encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSet:
    """Prompts to train on, and others that are never trained on.

    Attributes:
        name: of the set.
        trained: different prompts.
        unseen: prompts for judging alone; may be empty.
        encodings: prompt to encoding, for prompts that are sentences of a grammar.
    """

    name: str
    trained: tuple[str, ...]
    unseen: tuple[str, ...]
    encodings: dict[str, Encoding]


def prompt_set_names() -> list[str]:
    """Names of the prompt sets that ship with the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in _data().iterdir() if entry.name.endswith(".toml"))


def load_prompt_set(name: str) -> PromptSet:
    """Reads a prompt set.

    Args:
        name: one that ships, a .toml file of the same form, or a .txt file with one prompt a line.

    Returns:
        The set.

    Raises:
        ConfigError: if there is no such set, or it is empty.
    """
    if name.endswith(".txt"):
        lines = [line.strip() for line in _read(Path(name)).splitlines()]
        return _made(name, trained=[line for line in lines if line], unseen=[])
    if name.endswith(".toml"):
        data = _parse(_read(Path(name)), place=name)
    elif name in prompt_set_names():
        data = _parse((_data() / f"{name}.toml").read_text(encoding="utf-8"), place=f"{name}.toml")
    else:
        raise ConfigError(
            f"there is no prompt set '{name}'; there are: {', '.join(prompt_set_names())}, 'grammar', or a .txt file "
            f"with one prompt a line.{did_you_mean(name, prompt_set_names()) or ' Name one of these.'}"
        )
    return _made(name, trained=_spelled(data, "trained"), unseen=_spelled(data, "unseen"))


def grammar_prompts(grammar: Grammar, *, num_prompts: int, num_unseen: int, seed: int) -> PromptSet:
    """Draws different sentences of a grammar, some of which are kept for judging.

    Args:
        grammar: spells them.
        num_prompts: to train on.
        num_unseen: for judging alone.
        seed: root seed.

    Returns:
        The set, with the encoding of each sentence.

    Raises:
        ConfigError: if the grammar has fewer sentences.
    """
    wanted = num_prompts + num_unseen
    if wanted > grammar.space.size:
        raise ConfigError(
            f"{wanted} different prompts are asked for, and the grammar '{grammar.name}' has {grammar.space.size} "
            "encodings; there cannot be more. Lower prompts.num_prompts or prompts.num_unseen."
        )
    rng = child_rng(seed, "finetune", "sentences")
    encodings: dict[str, Encoding] = {}
    for _ in range(100 * wanted):
        if len(encodings) == wanted:
            break
        encoding = grammar.space.sample(rng)
        encodings.setdefault(grammar.render(encoding), encoding)
    sentences = list(encodings)
    if len(sentences) < wanted:
        raise ConfigError(
            f"only {len(sentences)} different sentences of the grammar '{grammar.name}' were found, and {wanted} are "
            "asked for. Lower prompts.num_prompts."
        )
    return PromptSet(
        name=f"grammar {grammar.name}",
        trained=tuple(sentences[:num_prompts]),
        unseen=tuple(sentences[num_prompts:]),
        encodings=encodings,
    )


def _made(name: str, *, trained: Sequence[str], unseen: Sequence[str]) -> PromptSet:
    different = tuple(dict.fromkeys(trained))
    if not different:
        raise ConfigError(f"the prompt set '{name}' is empty; it needs at least one prompt. Write one a line.")
    others = tuple(prompt for prompt in dict.fromkeys(unseen) if prompt not in different)
    return PromptSet(name=name, trained=different, unseen=others, encodings={})


def _spelled(data: dict[str, Any], key: str) -> list[str]:
    """Puts nouns and activities of a file into its template."""
    template = data.get("template", "{noun}")
    activities = data.get("activities", [""])
    spelled = []
    for noun in data.get(key, []):
        article = "an" if noun[0].lower() in "aeiou" else "a"
        spelled += [template.format(noun=noun, article=article, activity=activity) for activity in activities]
    return spelled


def _parse(text: str, *, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the prompt set '{place}' is not TOML: {error}. Correct that line.") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the prompt set '{path}' cannot be read: {error}. Give a text file.") from error


def _data() -> Any:  # noqa: ANN401 - importlib.resources' Traversable moved between Python versions
    return files("rldf.finetuning") / "data"
