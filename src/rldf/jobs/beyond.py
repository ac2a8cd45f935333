"""Going on after the goal: the words found stay, and the control axes of a larger grammar are searched as well."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from rldf.errors import ConfigError
from rldf.jobs.request import PreparedRun, begin_or_reopen
from rldf.presets.config import SearchConfig
from rldf.presets.shelf import SHELF
from rldf.records import Extra, ExtraPicture, RunRecord, read_json, write_extra
from rldf.web import write_report

FOLDER = "beyond"
NUM_PAIRS = 8


def check_beyond(config: SearchConfig, *, grammar_name: str) -> None:
    """Refuses to go on from one grammar to another where that can be seen before anything is searched.

    Args:
        config: settings of the first search.
        grammar_name: the larger grammar.

    Raises:
        ConfigError: if it lacks an axis of the smaller one, or has no axis more.
    """
    larger = replace(config, grammar=replace(config.grammar, name=grammar_name, locked={}))
    theirs, ours = ([axis.id for axis in SHELF.grammar(each).space.axes] for each in (larger, config))
    lost = [axis for axis in ours if axis not in theirs]
    if lost:
        raise ConfigError(
            f"the grammar '{grammar_name}' has no axis '{lost[0]}', which is searched first; going on keeps all found "
            "words. Name a grammar that has it by --beyond."
        )
    if set(theirs) == set(ours):
        raise ConfigError(
            f"the grammar '{grammar_name}' has no axis beside those of the run; going on after the goal searches "
            "further axes. Search with a smaller grammar first, such as --grammar base, or name a larger one by "
            "--beyond."
        )


def beyond_config(run: RunRecord, config: SearchConfig, *, grammar_name: str) -> SearchConfig:
    """Makes the settings of the search that goes on: found words locked, every other axis free.

    Args:
        run: a finished run.
        config: its settings.
        grammar_name: the larger grammar.

    Returns:
        The settings. It starts where the run ended: axes the run did not have stand at their first term, which says
        nothing or least.

    Raises:
        ConfigError: if the larger grammar lacks an axis or a word that was found, or has no axis more.
    """
    check_beyond(config, grammar_name=grammar_name)
    larger = replace(config, grammar=replace(config.grammar, name=grammar_name, locked={}))
    axes = {axis.id: axis for axis in SHELF.grammar(larger).space.axes}
    lost = [f"{axis}={term}" for axis, term in run.terms.items() if axis not in axes or term not in axes[axis].terms]
    if lost:
        raise ConfigError(
            f"the grammar '{grammar_name}' cannot say {lost[0]}, which was found; going on keeps all found words. "
            "Name a grammar that has them by --beyond."
        )
    free = [axis for axis in axes if axis not in run.terms]
    start = {**{axis_id: axes[axis_id].terms[0] for axis_id in free}, **run.terms}
    return replace(
        larger,
        grammar=replace(larger.grammar, locked=dict(run.terms)),
        search=replace(config.search, start="given", start_terms=start, misread={}, learn_from=()),
    )


def prepare_beyond(run: RunRecord, config: SearchConfig, *, grammar_name: str, force: bool = False) -> PreparedRun:
    """Makes the folder `beyond` in a finished run, in which the search goes on, or takes up what lies there.

    Args:
        run: a finished run.
        config: its settings.
        grammar_name: the larger grammar.
        force: True to begin anew whatever lies there.

    Returns:
        What `run_prepared` takes.
    """
    wider = beyond_config(run, config, grammar_name=grammar_name)
    inputs = [run.folder / entry["file"] for entry in run.run["inputs"]]
    return begin_or_reopen(inputs, run.folder / FOLDER, config=wider, force=force)


def tell_beyond(run_folder: Path) -> dict[str, Any]:
    """Puts what came of going on onto the report of the run it went on from, and writes that report.

    Args:
        run_folder: the first run; its `beyond` is finished.

    Returns:
        Content of the further run's `summary.json`.
    """
    summary = read_json(run_folder / FOLDER / "summary.json")
    pairs = zip(summary["images"]["start"], summary["images"]["found"], strict=False)
    low, high = summary["score_ci95"]
    write_extra(
        run_folder,
        "beyond",
        Extra(
            kind="beyond",
            title="After the goal: the further axes",
            text=f"With the words found held, the further axes gave: “{summary['sentence']}”. "
            "Above the words before, below the words after, with the same seeds.",
            layout="pairs",
            pictures=tuple(
                ExtraPicture(file=f"{FOLDER}/{file}", caption=what)
                for pair in list(pairs)[:NUM_PAIRS]
                for file, what in zip(pair, ("before", "after"), strict=True)
            ),
            facts=(
                ("score over all axes before", f"{summary['start_score']:.2f}"),
                ("score over all axes after", f"{summary['score']:.2f} ({low:.2f} to {high:.2f})"),
            ),
        ),
    )
    write_report(run_folder)
    return summary
