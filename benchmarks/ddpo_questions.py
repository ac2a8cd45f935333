"""Open questions of the DDPO paper as short experiments on the embedded world, which needs no GPU and no downloads.

    python benchmarks/ddpo_questions.py steps
    python benchmarks/ddpo_questions.py jpeg --queries 4992
    python benchmarks/ddpo_questions.py all --plan

Questions: steps, samplers, rewards, guidance, estimators, clip, jpeg, together. Every cell of a question is a run
folder of `rldf finetune` under --folder (default: ddpo-questions/QUESTION), with a report. A cell that is finished is
not run again and one that was stopped goes on, so the same command always continues; one that was begun with other
settings is refused. At the end a table is printed, and written beside the runs as table.md; with several --seeds it has
a row of means and standard errors for each cell. --plan prints the cells and their cost, and runs nothing.
"""

# ruff: noqa: T201

import argparse
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ddpo_answers import Cell, make_table, tell_size
from PIL import Image

from rldf.finetuning.session import FinetuneFinished
from rldf.jobs.finetune import plan_finetune, resume_finetune, run_finetune
from rldf.jobs.search import search_events
from rldf.presets.build import build_parts
from rldf.presets.config import GrammarConfig, ModelConfig, SearchConfig
from rldf.presets.finetune_config import (
    FinetuneConfig,
    finetune_from_dict,
    load_finetune_preset,
    override_finetune,
)
from rldf.presets.shelf import SHELF
from rldf.records import read_json
from rldf.records.durable_files import write_file
from rldf.renderer.examples import draw_example
from rldf.search import RunFinished
from rldf.web import write_report
from rldf.worlds.fidelity import read_fidelity
from rldf.worlds.trials import draw_trials

EVALUATIONS_PER_SECOND = 40.0  # of the denoiser, measured on one core: an epoch of 64 pictures at 10 steps took 63 s
GRADIENT_COST = 3.0  # a trained evaluation costs about as much as three others
BASE = ("run.use_watch=true", "run.sample_every=4", "run.num_samples=16")
WIDE = ("prompts.grammar=wide", "prompts.num_prompts=64")  # of `base` nearly all is drawn right before any training
AGREEMENT = (*WIDE, "reward.parts=['agreement']", "reward.second=jpeg-compressibility")
RWR = ("train.samples_per_epoch=256", "train.update_batch_size=32", "advantage.inverse_temperature=2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question.

    Attributes:
        asks: what is asked.
        cells: label to changes of the preset `embedded`.
        queries: reward queries of each cell.
    """

    asks: str
    cells: dict[str, tuple[str, ...]]
    queries: int = 1024


def _methods() -> dict[str, tuple[str, ...]]:
    return {
        "ddpo-is": ("train.method=ddpo-is",),
        "ddpo-sf": ("train.method=ddpo-sf", "train.update_batch_size=64"),
        "rwr": ("train.method=rwr", *RWR, "train.num_passes=5"),
        "rwr-sparse": ("train.method=rwr-sparse", *RWR, "train.num_passes=50"),
    }


SAMPLERS = {
    "ddim eta 1": ("sampler.kind=ddim", "sampler.eta=1.0"),
    "ddim eta 0.5": ("sampler.kind=ddim", "sampler.eta=0.5"),
    "ddpm large": ("sampler.kind=ddpm", "sampler.variance=large"),
}

QUESTIONS = {
    "steps": Question(
        asks="Does the number of denoising steps T matter?",
        cells={f"T {count}": (f"sampler.num_steps={count}",) for count in (5, 10, 20)},
    ),
    "samplers": Question(
        asks="Does the order of the methods depend on the sampler?",
        cells={
            f"{sampler}, {method}": (*kind, *changes)
            for sampler, kind in SAMPLERS.items()
            for method, changes in _methods().items()
        },
        queries=512,
    ),
    "rewards": Question(
        asks="Are more complex rewards harder to train on?",
        cells={
            "pixels: redness": (*WIDE, "reward.parts=['redness']", "reward.second=agreement"),
            "pixels: jpeg": WIDE,
            "one scorer: agreement": AGREEMENT,
            "sum: agreement and jpeg": (
                *WIDE,
                "reward.parts=['agreement', 'jpeg-compressibility=0.1']",
                "reward.second=redness",
            ),
        },
    ),
    "guidance": Question(
        asks="Does training without guidance ruin RWR-sparse over several rounds?",
        cells={
            f"guided training {word}": (
                *_methods()["rwr-sparse"],
                *AGREEMENT,
                "prompts.num_prompts=8",  # so that a tenth of a prompt's pictures is a tenth of them
                "sampler.guidance_scale=2.0",
                f"sampler.has_guided_training={flag}",
                "run.sample_every=1",
            )
            for word, flag in (("on", "true"), ("off", "false"))
        },
    ),
    "estimators": Question(
        asks="How do IS and SF compare at equal queries?",
        cells={
            f"{method}, {reward}": (*_methods()[method], *changes)
            for reward, changes in (("jpeg", ()), ("agreement", AGREEMENT))
            for method in ("ddpo-is", "ddpo-sf")
        },
    ),
    "clip": Question(
        asks="Does the paper's narrow clip range give a monotonic curve, and a wide one not?",
        cells={
            "1e-4 a dimension": ("train.clip_unit=dimension", "train.clip_range=1e-4"),
            "1.64 a transition (paper at 512 px)": ("train.clip_unit=transition", "train.clip_range=1.64"),
            "1e-2 a dimension": ("train.clip_unit=dimension", "train.clip_range=1e-2"),
            "none (1e6)": ("train.clip_unit=dimension", "train.clip_range=1e6"),
        },
    ),
    "jpeg": Question(
        asks="Does the mean size of a picture fall by 30 % within 5,000 queries, and does the alarm see what it costs?",
        cells={"ddpo-is": ("prompts.num_prompts=16", "run.num_samples=16")},
        queries=4992,
    ),
    "together": Question(
        asks="Does training on the scorer's signal make the generator follow the grammar better, and searches shorter?",
        cells={"agreement": (*AGREEMENT, "prompts.num_prompts=128")},
        queries=2048,
    ),
}


def main() -> None:
    """Answers one question, or plans it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("question", choices=[*QUESTIONS, "all"])
    parser.add_argument("--folder", type=Path, default=Path("ddpo-questions"))
    parser.add_argument("--queries", type=int, default=None, help="of each cell, instead of the question's own")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--config", action="append", default=[], help="changes every cell, for a shorter run")
    parser.add_argument("--encodings", type=int, default=200, help="pictures of 'together', before and after")
    parser.add_argument("--searches", type=int, default=20, help="of 'together', before and after")
    parser.add_argument("--plan", action="store_true", help="say what would be run")
    given = parser.parse_args()
    for name in QUESTIONS if given.question == "all" else [given.question]:
        question = QUESTIONS[name]
        folder = given.folder / name
        cells = list(
            _cells(question, folder=folder, queries=given.queries, seeds=given.seeds, changes=given.config),
        )
        if given.plan:
            print_plan(name, cells)
            continue
        require_same_settings(cells)
        for cell in cells:
            train(cell)
        table = make_table(question.asks, cells)
        if name == "jpeg":
            table += "\n" + "".join(f"{tell_size(cell)}\n" for cell in cells)
        if name == "together":
            table += compare_search(cells[0], encodings=given.encodings, searches=given.searches)
        write_file(folder / "table.md", table.encode())
        print(table)


def _cells(
    question: Question, *, folder: Path, queries: int | None, seeds: int, changes: Sequence[str]
) -> Iterator[Cell]:
    base = load_finetune_preset("embedded")
    asked = question.queries if queries is None else queries
    for seed in range(seeds):
        for name, own in question.cells.items():
            label = name if seeds == 1 else f"{name}, seed {seed}"
            config = override_finetune(base, [*BASE, *own, f"run.max_queries={asked}", f"seed={seed}", *changes])
            yield Cell(name=name, label=label, config=config, folder=folder / _folder_name(label))


def require_same_settings(cells: Sequence[Cell]) -> None:
    """Ends the script where a cell was begun with other settings: neither is its result these cells', nor can it go on.

    Args:
        cells: that are asked for.

    Raises:
        SystemExit: with one line.
    """
    for cell in cells:
        if others := other_settings(cell):
            raise SystemExit(
                f"the run '{cell.folder}' was begun with other settings: {', '.join(others)}. It is not taken for "
                "these; give another --folder, remove the run, or ask with its settings."
            )


def other_settings(cell: Cell) -> list[str]:
    """Names the settings in which a run differs from what is asked for; none where it was not begun."""
    files = [cell.folder / name for name in ("run.json", "request.json") if (cell.folder / name).is_file()]
    if not files:
        return []
    stored = finetune_from_dict(read_json(files[0])["config"], place=f"the run '{cell.folder}'")
    told, asked = _flat(stored), _flat(cell.config)
    return [f"{name} {told[name]!r} instead of {asked[name]!r}" for name in asked if told[name] != asked[name]]


def _flat(config: FinetuneConfig) -> dict[str, object]:
    """Settings by their whole names, such as train.method."""
    flat: dict[str, object] = {}
    for name, value in asdict(config).items():
        flat |= {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def print_plan(name: str, cells: Sequence[Cell]) -> None:
    """Prints what would be run, with an estimate of its time on one core."""
    print(f"{name}: {QUESTIONS[name].asks}")
    hours = 0.0
    for cell in cells:
        plan = plan_finetune(cell.config)
        seconds = _estimate(cell.config)
        hours += seconds / 3600
        done = "done" if (cell.folder / "summary.json").is_file() else "to do"
        others = other_settings(cell)
        state = f"REFUSED, was begun with {', '.join(others)}" if others else done
        print(f"  {cell.label}: {plan.queries} queries, {plan.epochs} epochs, about {seconds / 60:.0f} min ({state})")
    print(f"  about {hours:.1f} h of one core in all; {shlex.join(['python', 'benchmarks/ddpo_questions.py', name])}")


def _estimate(config: FinetuneConfig) -> float:
    """Seconds of one core: evaluations of the denoiser, those with gradients counted thrice."""
    plan, sampler, train = plan_finetune(config), config.sampler, config.train
    guided = 2 if sampler.guidance_scale > 1 else 1
    drawn = guided * sampler.num_steps * (plan.queries + plan.sample_pictures)
    steps = max(1, int(train.timestep_share * sampler.num_steps)) if train.is_ddpo else 1
    share = config.advantage.kept_share if train.method == "rwr-sparse" else 1.0
    trained = guided * plan.queries * train.num_passes * steps * share
    return (drawn + GRADIENT_COST * trained) / EVALUATIONS_PER_SECOND


def train(cell: Cell) -> None:
    """Runs one cell, goes on with it, or leaves it as it is where it is finished."""
    folder = cell.folder
    if (folder / "summary.json").is_file():
        return
    has_begun = (folder / "run.json").is_file() or (folder / "request.json").is_file()
    events = (
        resume_finetune(folder, announce=_say)
        if has_begun
        else run_finetune(cell.config, out=folder, force=False, command=shlex.join(sys.argv), announce=_say)
    )
    for event in events:
        if not isinstance(event, FinetuneFinished):
            result = event.result
            _say(f"{folder.name}: {result.num_queries} queries, {result.rewards.mean():.4f}, {result.seconds:.1f} s")
    write_report(folder)


def compare_search(cell: Cell, *, encodings: int, searches: int) -> str:
    """Draws and searches with the base model and with the tuned one, both as they were trained: steps and guidance."""
    config, tuned = cell.config, cell.folder
    drawn = {"steps": config.sampler.num_steps, "guidance_scale": config.sampler.guidance_scale}
    models = {
        "before": ModelConfig(adapter="none", **drawn),
        "after": ModelConfig(adapter=str(tuned / "lora"), **drawn),
    }
    lines = ["\n| axis | before | after |", "|---|---|---|"]
    grammar = config.prompts.grammar
    found = {side: _fidelity(model, grammar=grammar, encodings=encodings) for side, model in models.items()}
    for axis in found["before"]:
        shares = [
            f"{f.accuracy:.3f} ({f.ci95[0]:.3f} to {f.ci95[1]:.3f})" for f in (row[axis] for row in found.values())
        ]
        lines.append(f"| {axis} | {' | '.join(shares)} |")
    lines += ["\n| searches | renders to the words found | renders asked | score | reached |", "|---|---|---|---|---|"]
    for side, model in models.items():
        folder = tuned.parent / side
        rows = [_search(model, grammar=grammar, number=number, folder=folder) for number in range(searches)]
        means = {name: np.mean([row[name] for row in rows]) for name in ("first", "renders", "score", "reached")}
        lines.append(
            f"| {side} ({searches}) | {means['first']:.1f} | {means['renders']:.1f} | {means['score']:.3f} "
            f"| {means['reached']:.0%} |"
        )
    return "\n".join(lines) + "\n"


def _fidelity(model: ModelConfig, *, grammar: str, encodings: int) -> dict[str, Any]:
    parts = build_parts(SearchConfig(model=model, grammar=GrammarConfig(name=grammar)), shelf=SHELF)
    trials = draw_trials(grammar=parts.grammar, image_generator=parts.image_generator, num_encodings=encodings, seed=1)
    return dict(read_fidelity(parts.judge.perceive(trials.generated), trials))


def _search(model: ModelConfig, *, grammar: str, number: int, folder: Path) -> dict[str, float]:
    """One search of a drawn picture, from a random start; done once, then read."""
    out = folder / f"search-{number}"
    kept = folder / f"search-{number}.json"
    if kept.is_file():
        told: dict[str, float] = json.loads(kept.read_text())
        return told
    base = SearchConfig(model=model, grammar=GrammarConfig(name=grammar))
    config = replace(base, search=replace(base.search, start="random"), result=replace(base.result, num_new=0))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"drawn-{number}.png"
    Image.fromarray(draw_example(build_parts(config, shelf=SHELF).grammar, seed=1000 + number).image).save(path)
    events = search_events([path], config=config, out=out, force=True)
    summary = next(event.summary for event in events if isinstance(event, RunFinished))
    steps = [json.loads(line) for line in (out / "steps.jsonl").read_text().splitlines()]
    first = next(
        (place for place, step in enumerate(steps, start=1) if step["encoding"]["terms"] == summary["encoding"]),
        len(steps),
    )
    row = {
        "first": first,
        "renders": summary["budget"]["renders"],
        "score": summary["score"],
        "reached": float(summary["reached"]),
    }
    write_file(kept, json.dumps(row).encode())
    return row


def _folder_name(label: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in label)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
