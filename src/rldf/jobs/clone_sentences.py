"""The sentences of a class from searches of some of its pictures: which of what they found is trusted, and why not."""

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rldf.errors import ConfigError
from rldf.grammar import Grammar
from rldf.hub import Announce
from rldf.jobs.generate import require_axes
from rldf.jobs.search import FileBegan, FileFailed, FolderEvent, search_folder
from rldf.presets.config import SearchConfig
from rldf.presets.shelf import SHELF
from rldf.search import RunFinished
from rldf.space import Encoding

LEARNER = "factored"
"""The searcher that can be told what earlier searches drew."""

_READERS = {"--vary": ("search", "read"), "--inputs": ("search", "read"), "--budget": ("search",)}
_ORIGINS = {"search": "searches", "read": "perception", "names": "class names", "recipes": "a file of recipes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one search of a class found.

    Attributes:
        path: the picture that was searched.
        sentence: what was found.
        terms: the same, axis id to term.
        has_alarm: True where the judge finds it worse than the start.
    """

    path: Path
    sentence: str
    terms: Mapping[str, str]
    has_alarm: bool


def require_read(how: str, given: Mapping[str, object]) -> None:
    """Refuses options that the way sentences are made does not look at.

    Args:
        how: "search", "read", "names" or "recipes".
        given: option to value; what is empty or None was not given.

    Raises:
        ConfigError: if one would change nothing.
    """
    for option, readers in _READERS.items():
        value = given.get(option)
        if value and how not in readers:
            shown = " ".join(value) if isinstance(value, list | tuple) else value
            raise ConfigError(
                f"{option} is {shown}, and sentences come from {_ORIGINS[how]}, which it does not change; it is for "
                f"--sentences {' or '.join(readers)}. Leave it out, or give that."
            )


def class_axis(grammar: Grammar) -> str | None:
    """Tells the axis whose term is the class: "object"; else the first where its words take a number; else none."""
    first = grammar.axes[0]
    if "object" in {axis.id for axis in grammar.axes}:
        return "object"
    return first.id if first.agreement == "takes-number" else None


def require_variable(vary: Sequence[str], *, grammar: Grammar) -> None:
    """Refuses axes that the grammar has not, by an `UnknownTermError`, and the one that is the class.

    Args:
        vary: axis ids.
        grammar: spells the sentences.

    Raises:
        ConfigError: if the axis of the class is among them.
    """
    require_axes(grammar, vary)
    axis = class_axis(grammar)
    if axis in vary:
        raise ConfigError(
            f"--vary {axis} would draw other things under the label of a class; the other axes of the grammar "
            f"'{grammar.name}' may vary: {', '.join(each.id for each in grammar.axes if each.id != axis)}. Take one."
        )


def tell_learning(config: SearchConfig, *, announce: Announce) -> None:
    """Says so where the searcher cannot be told what the earlier searches of a class drew."""
    if config.search.searcher != LEARNER:
        announce(
            f"The searcher '{config.search.searcher}' cannot learn from earlier searches of a class; '{LEARNER}' can. "
            "Each search begins anew."
        )


def search_class(
    name: str, paths: Sequence[Path], *, out: Path, config: SearchConfig, announce: Announce
) -> Generator[FolderEvent, None, list[Encoding]]:
    """Searches pictures of a class; says which findings are left out.

    Args:
        name: of the class.
        paths: the pictures.
        out: folder of their runs.
        config: of every search.
        announce: is given one line for each finding that is left out, and before anything is downloaded.

    Yields:
        What happens.

    Returns:
        The encodings that are trusted, at least one.

    Raises:
        ConfigError: if none of the pictures could be searched.
    """
    findings: list[Finding] = []
    failures: list[str] = []
    path = paths[0]
    learns = config.search.searcher == LEARNER
    for event in search_folder(paths, config=config, out=out, learns=learns, announce=announce):
        yield event
        match event:
            case FileBegan():
                path = event.path
            case RunFinished():
                found = event.summary
                findings.append(
                    Finding(path=path, sentence=found["sentence"], terms=found["encoding"], has_alarm=found["alarm"])
                )
            case FileFailed():
                failures.append(event.message)
    if not findings:
        raise ConfigError(
            f"no input of class '{name}' could be searched: {failures[0]} Give readable pictures, or other sentences."
        )
    grammar = SHELF.grammar(config)
    kept, left_out = trusted(findings, axis=class_axis(grammar))
    for finding, reason in left_out:
        announce(f"class '{name}': '{finding.sentence}', found for '{finding.path}', is left out: {reason}")
    if kept[0].has_alarm:
        announce(f"class '{name}': the judge finds every sentence worse than the start; all of them are used anyhow")
    return [grammar.space.encode(finding.terms) for finding in kept]


def trusted(
    findings: Sequence[Finding], *, axis: str | None
) -> tuple[tuple[Finding, ...], tuple[tuple[Finding, str], ...]]:
    """Leaves out findings with an alarm, then those whose object is another than most of the class's searches found.

    Args:
        findings: of the searches of one class, at least one.
        axis: whose term is the class; None to look at alarms alone.

    Returns:
        Those that are kept, at least one: all of them where all have an alarm, and all objects that were found equally
        often and more often than others. And those that are left out, each with the reason.
    """
    calm = [finding for finding in findings if not finding.has_alarm]
    kept = calm if calm else list(findings)
    left_out = [
        (finding, "the judge finds it worse than the start of its search")
        for finding in findings
        if calm and finding.has_alarm
    ]
    if axis is not None:
        often = Counter(finding.terms[axis] for finding in kept)
        usual = {term for term, number in often.items() if number == max(often.values())}
        left_out += [
            (finding, f"its {axis} is {finding.terms[axis]}, and most searches of the class found {min(usual)}")
            for finding in kept
            if finding.terms[axis] not in usual
        ]
        kept = [finding for finding in kept if finding.terms[axis] in usual]
    return tuple(kept), tuple(left_out)
