"""`rldf search`: the main job."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rldf.cli import workflows
from rldf.cli.manners import FAILED, print_json, say, well_behaved
from rldf.cli.options import (
    AsJson,
    Debug,
    Device,
    DryRun,
    Dtype,
    Force,
    Grammar,
    Judge,
    Lora,
    LowMemory,
    Model,
    OptionalSeed,
    Perception,
    Preset,
    Setting,
    read_pairs,
)
from rldf.cli.searching import Further, print_summary, search_further, watch_folder, watch_run
from rldf.cli.settings import Given, settings

if TYPE_CHECKING:
    from rldf.jobs.search import SearchPlan
    from rldf.presets.config import SearchConfig

StartName = Literal["percept", "random"]


@well_behaved
def search(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...|DIR", help="Pictures, or a folder of them.", show_default=False)
    ],
    *,
    budget: Annotated[
        int | None, typer.Option("--budget", min=1, help="Distinct pictures it may ask for.", show_default="48")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The run folder.", show_default="runs/<time>-<picture>")
    ] = None,
    is_together: Annotated[
        bool, typer.Option("--together", help="Take several pictures as one concept.", show_default=False)
    ] = False,
    start: Annotated[
        StartName | None,
        typer.Option("--start", help="Begin at what perception reads, or anywhere.", show_default="percept"),
    ] = None,
    start_at: Annotated[
        list[str] | None,
        typer.Option("--start-at", metavar="AXIS=TERM", help="Correct the start; may be repeated.", show_default=False),
    ] = None,
    locked: Annotated[
        list[str] | None,
        typer.Option("--lock", "--set", metavar="AXIS=TERM", help="Fix an axis; may be repeated.", show_default=False),
    ] = None,
    reward: Annotated[
        str | None,
        typer.Option(
            "--reward", help="agreement, multi-semantic, partial-semantic, clip or random.", show_default="agreement"
        ),
    ] = None,
    searcher: Annotated[
        str | None,
        typer.Option(
            "--searcher",
            help="factored, q-learning, random or another of docs/methods/searchers.md.",
            show_default="factored",
        ),
    ] = None,
    learn_from: Annotated[
        list[str] | None,
        typer.Option(
            "--learn-from",
            metavar="RUN",
            help="A finished run whose pictures this search learns from; may be repeated.",
            show_default=False,
        ),
    ] = None,
    learns: Annotated[
        bool,
        typer.Option("--learn", help="Of several pictures, each search learns from those before.", show_default=False),
    ] = False,
    goes_on: Annotated[
        bool,
        typer.Option(
            "--continue-after-goal",
            help="Then hold the words found and search the further axes of a larger grammar.",
            show_default=False,
        ),
    ] = False,
    larger: Annotated[
        str, typer.Option("--beyond", metavar="GRAMMAR", help="The larger grammar of --continue-after-goal.")
    ] = "full",
    captioner: Annotated[
        str | None,
        typer.Option(
            "--captioner",
            help="An image-to-text model, by folder or hub id: judge its caption beside the words found.",
            show_default=False,
        ),
    ] = None,
    preset: Preset = "embedded",
    model: Model = None,
    lora: Lora = None,
    perception: Perception = None,
    judge: Judge = None,
    grammar: Grammar = None,
    device: Device = None,
    dtype: Dtype = None,
    is_low_memory: LowMemory = False,
    seed: OptionalSeed = None,
    changes: Setting = None,
    is_dry_run: DryRun = False,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Searches the words whose pictures match yours; leaves a run folder with a report.

    A folder, or several pictures without --together, gives one run each.
    """
    del debug
    given = Given(
        model=model,
        perception=perception,
        judge=judge,
        device=device,
        dtype=dtype,
        grammar=grammar,
        seed=seed,
        use_low_memory=is_low_memory,
        others={
            "model.adapter": None if lora is None else workflows.find_lora(lora),
            "budget.max_renders": budget,
            "search.searcher": searcher,
            "search.learn_from": learn_from or None,
            "reward.name": reward,
            **_start(start, read_pairs(start_at, option="--start-at")),
            "grammar.locked": read_pairs(locked, option="--lock") or None,
        },
        changes=changes,
    )
    config = settings(workflows.load_preset(preset).config, given)
    paths = [path for given_path in images for path in _pictures(given_path)]
    is_one_run = is_together or (len(images) == 1 and not images[0].is_dir())
    _require_one_run(is_one_run, goes_on=goes_on, captioner=captioner)
    _require_several(is_one_run, learns=learns)
    _require_larger(config.grammar.name if goes_on else "", larger)
    if is_dry_run:
        plan = workflows.plan_search(
            config,
            num_runs=1 if is_one_run else len(paths),
            goes_on=goes_on,
            has_caption=captioner is not None,
        )
        _print_plan(plan, as_json=as_json)
    elif is_one_run and (goes_on or captioner is not None):
        further = Further(grammar=larger if goes_on else None, captioner=captioner)
        print_summary(search_further(paths, further, config=config, out=out, force=force), as_json=as_json)
    elif is_one_run:
        prepared = workflows.prepare_search(paths, config=config, out=out, force=force)
        events = workflows.run_prepared(prepared, announce=say)
        print_summary(watch_run(events, folder=prepared.store.folder), as_json=as_json)
    else:
        _search_each(paths, config=config, out=out, force=force, learns=learns, as_json=as_json)


def _require_one_run(is_one_run: bool, *, goes_on: bool, captioner: str | None) -> None:  # noqa: FBT001
    """Refuses options that belong to one search where several are asked for."""
    if not is_one_run and (goes_on or captioner is not None):
        name = "--continue-after-goal" if goes_on else "--captioner"
        raise typer.BadParameter(f"{name} belongs to one search, and several pictures are given. Give one picture.")


def _require_several(is_one_run: bool, *, learns: bool) -> None:  # noqa: FBT001
    """Refuses an option that belongs to several searches where one is asked for."""
    if is_one_run and learns:
        raise typer.BadParameter("--learn is for several pictures, and this is one search. Give --learn-from RUN.")


def _require_larger(smaller: str, larger: str) -> None:
    """Refuses to go on in the grammar that was searched already."""
    if smaller == larger:
        raise typer.BadParameter(
            f"--continue-after-goal goes from a smaller grammar to --beyond, and both are '{larger}'. Search with a "
            "smaller one, such as --grammar base."
        )


def _start(start: str | None, terms: Mapping[str, str]) -> dict[str, object]:
    """Where the search begins, as settings."""
    if not terms:
        return {"search.start": start}
    if start == "random":
        raise typer.BadParameter("--start random and --start-at contradict each other. Give one of them.")
    return {"search.start": "given", "search.start_terms": terms}


def _pictures(path: Path) -> Sequence[Path]:
    """The pictures of a folder, or the path itself."""
    return workflows.list_image_files(path) if path.is_dir() else [path]


def _print_plan(plan: "SearchPlan", *, as_json: bool) -> None:
    """Says what would be done."""
    if as_json:
        print_json(
            {
                "runs": plan.num_runs,
                "max_pictures": plan.max_pictures,
                "max_renders": plan.max_renders,
                "max_test_renders": plan.max_test_renders,
                "new_pictures": plan.new_pictures,
                "further_pictures": plan.further_pictures,
                "max_cost_usd": plan.max_cost_usd,
            }
        )
        return
    typer.echo(
        f"{plan.num_runs} search{'es' if plan.num_runs != 1 else ''}: at most {plan.max_pictures} pictures: "
        f"{plan.max_renders} to search, {plan.max_test_renders} to judge, {plan.new_pictures} new"
        + (f", {plan.further_pictures} for what follows" if plan.further_pictures else "")
    )
    typer.echo(f"cost at most {plan.max_cost_usd:.2f} USD")


def _search_each(
    paths: list[Path], *, config: "SearchConfig", out: Path | None, force: bool, learns: bool, as_json: bool
) -> None:
    """Searches each picture by itself: with --json one line for each as soon as it is done."""
    folder = (
        workflows.default_folder(paths[0].parent, now=workflows.utc_now(), parent=Path("runs")) if out is None else out
    )
    num_failed = 0
    for result in watch_folder(
        workflows.search_folder(paths, config=config, out=folder, force=force, learns=learns, announce=say),
        folder=folder,
    ):
        num_failed += "error" in result
        typer.echo(json.dumps(result, ensure_ascii=False, allow_nan=False) if as_json else _one_line(result))
    if num_failed:
        say(f"error: {num_failed} of {len(paths)} pictures failed; {folder / 'results.jsonl'} says why.")
        raise typer.Exit(FAILED)


def _one_line(result: Mapping[str, Any]) -> str:
    """What came of one picture of a folder."""
    if "error" in result:
        return f"{result['image']}: failed"
    return (
        f"{result['image']}: {result['sentence']}   score {result['score']:.3f}{'   ALARM' if result['alarm'] else ''}"
    )
