"""Loads, lists and checks grammar files, bundled ones and the user's."""

import tomllib
from pathlib import Path

from rldf.errors import GrammarError, did_you_mean
from rldf.grammar.checks import find_problems
from rldf.grammar.definition import Definition, GrammarProblem
from rldf.grammar.grammar import Grammar
from rldf.grammar.lines import TomlSpans
from rldf.grammar.schema import DefinitionReader

DATA_PATH = Path(__file__).parent / "data"


def list_grammars() -> list[str]:
    """Names the bundled grammars, in alphabetical order."""
    return sorted(path.stem for path in DATA_PATH.glob("*.toml"))


def grammars_with(axis_id: str) -> list[str]:
    """Names the bundled grammars that have an axis, in alphabetical order; reads their files without checking them."""
    read = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in DATA_PATH.glob("*.toml")}
    return sorted(name for name, table in read.items() if axis_id in (axis["id"] for axis in table["axes"]))


def load_grammar(name_or_path: str | Path) -> Grammar:
    """Loads a grammar and checks it.

    Args:
        name_or_path: name of a bundled grammar, or path of a TOML file.

    Returns:
        The grammar.

    Raises:
        GrammarError: if there is no such grammar, or something is wrong with it; one line per problem, each with
            file, line and advice.

    Example:
        >>> load_grammar("base").space.size
        480
    """
    path = _find(name_or_path)
    definition, problems = _read(path)
    if definition is None or problems:
        raise GrammarError("\n".join(map(str, problems)))
    return Grammar(definition=definition)


def check_grammar(grammar: Grammar | str | Path) -> list[GrammarProblem]:
    """Checks a grammar without loading it.

    Args:
        grammar: a grammar, the name of a bundled one, or the path of a TOML file.

    Returns:
        What is wrong with it; empty where it is fine. A file that cannot be read is a GrammarError.
    """
    if isinstance(grammar, Grammar):
        definition = grammar.definition
        return [GrammarProblem(file=definition.file, line=0, message=text) for _, text in find_problems(definition)]
    return _read(_find(grammar))[1]


def _find(name_or_path: str | Path) -> Path:
    """Finds the file of a name or path."""
    names = list_grammars()
    if name_or_path in names:
        return DATA_PATH / f"{name_or_path}.toml"
    path = Path(name_or_path)
    if path.is_file():
        return path
    raise GrammarError(
        f"there is no grammar '{name_or_path}': neither a file nor bundled. Bundled are: {', '.join(names)}."
        f"{did_you_mean(str(name_or_path), names) or ' Check the path.'}"
    )


def _read(path: Path) -> tuple[Definition | None, list[GrammarProblem]]:
    """Reads a file and finds its problems."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GrammarError(f"the grammar {path} cannot be read: {error}. Give a TOML file in UTF-8.") from error
    reader = DefinitionReader(text, path=path)
    if reader.definition is None:
        return None, reader.problems
    spans = TomlSpans(text)
    problems = [
        GrammarProblem(file=str(path), line=spans.line(place), message=message)
        for place, message in find_problems(reader.definition)
    ]
    return reader.definition, problems
