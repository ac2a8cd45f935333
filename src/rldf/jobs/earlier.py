"""What earlier searches drew is evidence for the next one: their pictures, rewarded anew for its input."""

from collections.abc import Iterator
from pathlib import Path

from rldf.errors import ConfigError, RecordError
from rldf.presets.config import SearchConfig
from rldf.records import Outcome, read_json, step_from_json
from rldf.records.pictures import read_png
from rldf.records.run_store import read_step_lines
from rldf.search import SearchParts


def earlier_pictures(config: SearchConfig, parts: SearchParts) -> tuple[Outcome, ...]:
    """Reads the pictures of the runs that a search is to learn from.

    Args:
        config: of the search; `search.learn_from` names the runs.
        parts: of the search; the runs must have been made with the same generator, scorer A and grammar.

    Returns:
        Every distinct picture of encoding and seed once, in the order of the runs; none that a lock of this search
        forbids.

    Raises:
        ConfigError: if the searcher cannot be told of tries that it did not ask for.
    """
    if config.search.learn_from and config.search.searcher != "factored":
        raise ConfigError(
            f"the searcher '{config.search.searcher}' cannot learn from earlier runs; 'factored' can. Leave "
            "search.learn_from out, or choose that searcher."
        )
    pictures = [outcome for folder in config.search.learn_from for outcome in _pictures_of(Path(folder), parts)]
    return tuple({(outcome.encoding, outcome.seed): outcome for outcome in pictures}.values())


def _pictures_of(folder: Path, parts: SearchParts) -> Iterator[Outcome]:
    if not (folder / "summary.json").is_file():
        raise RecordError(
            f"'{folder}' is not the folder of a finished search; only such can be learned from. Check the path, or "
            f"finish it: rldf runs resume {folder}"
        )
    run = read_json(folder / "run.json")
    wanted = {
        ("model", "identity"): parts.generator_card.identity,
        ("perception", "digest"): parts.perception_card.digest,
        ("grammar", "digest"): parts.grammar.digest,
    }
    for (part, field), value in wanted.items():
        if run.get(part, {}).get(field) != value:
            raise RecordError(
                f"the run '{folder}' was made with another {part}, {run.get(part, {}).get(field)!r}; a search learns "
                f"from runs with its own, {value!r}. Leave the run out, or use its {part}."
            )
    for line in read_step_lines(folder):
        step = step_from_json(parts.space, line)
        if step.is_new_render and parts.space.allows(step.encoding):
            yield Outcome(
                encoding=step.encoding,
                prompt=step.prompt,
                seed=step.seed,
                image=read_png(folder / step.image),
                percept=step.percept,
            )
