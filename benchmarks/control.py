"""Measures control: sets, strips, actions, ablation, captions, going on after the goal, transfer.

    python benchmarks/control.py set --count 64
    python benchmarks/control.py slide --count 50
    python benchmarks/control.py actions --count 50
    python benchmarks/control.py two-objects --count 50
    python benchmarks/control.py ablate --concept style="oil painting" --count 50 --budget 48
    python benchmarks/control.py captions --captioner DIR --count 100 --budget 48
    python benchmarks/control.py beyond --count 30 --budget 48 --inputs full
    python benchmarks/control.py transfer --count 30 --budget 48 --model DIR

Inputs are drawn by the renderer with seeds that no training split has. Scorer B judges. Searches go to OUT and are
taken from there when they are finished, so an interrupted measurement goes on; OUT/measure.json says of what, and a
folder of another measurement is refused. One line an input goes to OUT/rows.jsonl, the summary to stdout. Intervals
are 95 %, by bootstrap over inputs.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rldf.grammar import Grammar
from rldf.jobs.ablate import Ablated, ablate
from rldf.jobs.beyond import FOLDER, prepare_beyond
from rldf.jobs.captions import compare_caption
from rldf.jobs.generate import SetFinished, SetRequest, generate_pictures, redraw_pictures
from rldf.jobs.search import run_prepared, search_events
from rldf.jobs.slide import slide
from rldf.jobs.transfer import transfer
from rldf.presets.config import GrammarConfig, SearchConfig
from rldf.presets.shelf import SHELF
from rldf.records import Prompt, read_json, read_run
from rldf.renderer.drawing import draw_with_truth
from rldf.renderer.examples import DrawnExample, draw_example
from rldf.sampling import Controls, Strip
from rldf.seeding import child_rng, child_seed
from rldf.worlds.fidelity import wilson_interval
from rldf.worlds.trials import UNMENTIONED, visible_axes

MAX_LOOKED_AT = 400  # seeds looked at for each input that must show something
CONTROL_AXES = ("weather", "time", "style", "colour", "age", "skin-tone", "gender", "emotion", "city")


def say(line: str) -> None:
    """Prints a line at once."""
    print(line, flush=True)  # noqa: T201


def config_of(args: argparse.Namespace, grammar: str) -> SearchConfig:
    """Makes the settings that all inputs share."""
    config = SearchConfig(seed=args.root, grammar=GrammarConfig(name=grammar))
    config = replace(config, budget=replace(config.budget, max_renders=args.budget))
    return replace(config, result=replace(config.result, num_new=0))


def share(counts: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """The share of successes over all inputs, each of which gives its successes and its trials."""
    rows = np.asarray([row for row in counts if row[1]], dtype=np.float64).reshape(-1, 2)
    if not len(rows):
        return {"share": None, "trials": 0}
    drawn = rows[child_rng(0, "bootstrap").integers(len(rows), size=(4000, len(rows)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    if low == high:  # all alike: Wilson's interval of as many inputs
        low, high = wilson_interval(round(len(rows) * low), len(rows))
    total, trials = rows.sum(axis=0)
    bounds = [round(float(low), 4), round(float(high), 4)]
    return {"share": round(total / trials, 4), "ci95": bounds, "trials": int(trials), "inputs": len(rows)}


def mean_interval(values: Sequence[float]) -> dict[str, Any]:
    """A mean with its percentile bootstrap interval over inputs."""
    rows = np.asarray(values)
    means = rows[child_rng(0, "bootstrap").integers(len(rows), size=(4000, len(rows)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {"mean": round(float(rows.mean()), 4), "ci95": [round(float(low), 4), round(float(high), 4)], "n": len(rows)}


def familiar(grammar: Grammar, args: argparse.Namespace, *, seed: int) -> dict[str, str]:
    """Draws the noun, its count and the scene from another grammar's terms, where `--words` names one."""
    if not args.words:
        return {}
    terms = draw_example(SHELF.grammar(config_of(args, args.words)), seed=seed).terms
    known = {axis.id for axis in grammar.space.axes}
    return {axis: terms[axis] for axis in ("object", "count", "scene") if axis in known}


def plain(grammar: Grammar, args: argparse.Namespace, *, show: Sequence[str]) -> dict[str, str]:
    """Holds every axis that `base` has not, nor the measurement, at its first term, where `--plain` asks for it."""
    if not args.plain:
        return {}
    own = {axis.id for axis in SHELF.grammar(config_of(args, "base")).space.axes}
    return {axis.id: axis.terms[0] for axis in grammar.space.axes if axis.id not in own and axis.id not in show}


def examples(
    grammar: Grammar, args: argparse.Namespace, *, terms: Mapping[str, str], show: Sequence[str]
) -> list[DrawnExample]:
    """Draws inputs whose named axes can be told from the picture."""
    found: list[DrawnExample] = []
    seed = args.seed
    held = plain(grammar, args, show=show)
    while len(found) < args.count and seed < args.seed + MAX_LOOKED_AT * args.count:
        example = draw_example(grammar, seed=seed, terms={**held, **familiar(grammar, args, seed=seed), **terms})
        if set(show) <= set(example.visible):
            found.append(example)
        seed += 1
    return found


def save(example: DrawnExample, path: Path) -> Path:
    """Writes an input."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(example.image).save(path)
    return path


def searched(image: Path, config: SearchConfig, folder: Path) -> Path:
    """Does a search, unless it is done already."""
    if not (folder / "summary.json").is_file():
        for _ in search_events([image], config=config, out=folder, force=folder.exists()):
            pass
    return folder


def begin(args: argparse.Namespace) -> None:
    """Opens OUT: one that holds another measurement, or one with other weights, is refused."""
    args.out.mkdir(parents=True, exist_ok=True)
    card = SHELF.generator(config_of(args, "base").model, announce=say).card
    told = {**{key: value for key, value in vars(args).items() if key != "out"}, "model": card.identity}
    path = args.out / "measure.json"
    if path.is_file() and json.loads(path.read_text()) != told:
        raise SystemExit(f"{args.out} holds another measurement; measure.json says which. Give another --out.")
    path.write_text(json.dumps(told, indent=1) + "\n")
    for rows in args.out.rglob("rows.jsonl"):
        rows.unlink()


def note(args: argparse.Namespace, row: Mapping[str, Any]) -> None:
    """Keeps one line of an input."""
    with (args.out / "rows.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def measure_set(args: argparse.Namespace) -> dict[str, Any]:
    """Balanced sets: exact cells, class by scorer B, diversity, and everything again from the manifest."""
    config = config_of(args, args.grammar)
    grammar = SHELF.grammar(config)
    request = SetRequest(count=args.count, controls=Controls(balance=tuple(args.balance)), terms={"density": "one"})
    rows = []
    for number in range(args.sets):
        terms = dict.fromkeys(("emotion", "weather", "time", "city", "colour", "character", "action"), "none")
        held = {**terms, "style": "photo", "density": "one", **familiar(grammar, args, seed=args.seed + number)}
        held = {axis.id: held[axis.id] for axis in grammar.space.axes if axis.id in held}
        base = draw_example(grammar, seed=args.seed + number, terms=held)
        folder = args.out / f"set-{number}"
        events = list(generate_pictures(base.sentence, request, config=config, out=folder))
        finished = events[-1]
        assert isinstance(finished, SetFinished)
        manifest = finished.manifest
        sidecars = [json.loads((folder / f"{k:06d}.json").read_text()) for k in range(args.count)]
        again = list(redraw_pictures(folder / "manifest.json", out=folder / "again", force=True))
        rows.append(
            {
                "sentence": base.sentence,
                "cells": [min(c["count"] for c in manifest["cells"]), max(c["count"] for c in manifest["cells"])],
                "class_by_b": sum(s["read"]["b"]["object"] == base.terms["object"] for s in sidecars),
                "passed": sum(s["is_passed"] for s in sidecars),
                "class_by_b_of_passed": sum(
                    s["read"]["b"]["object"] == base.terms["object"] for s in sidecars if s["is_passed"]
                ),
                "cell_by_b": {
                    axis: sum(s["read"]["b"][axis] == s["cell"][axis] for s in sidecars) for axis in args.balance
                },
                "rejected": manifest["rejected"],
                "drawn": manifest["drawn"],
                "diversity": manifest["diversity"],
                "equal_again": sum(event.is_equal for event in again),
            }
        )
        note(args, rows[-1])
    size = args.count
    return {
        "sets": len(rows),
        "cells": [row["cells"] for row in rows],
        "class_by_b": share([(row["class_by_b"], size) for row in rows]),
        "class_by_b_of_passed": share([(row["class_by_b_of_passed"], row["passed"]) for row in rows]),
        "cell_by_b": {axis: share([(row["cell_by_b"][axis], size) for row in rows]) for axis in args.balance},
        "rejected": share([(row["rejected"], row["drawn"]) for row in rows]),
        "vendi_ratio": mean_interval([row["diversity"]["vendi_ratio"] for row in rows]),
        "distance_ratio": mean_interval([row["diversity"]["distance_ratio"] for row in rows]),
        "equal_again": f"{sum(row['equal_again'] for row in rows)} of {size * len(rows)}",
    }


def measure_slide(args: argparse.Namespace) -> dict[str, Any]:
    """Strips: whether the asked factor follows and the others stay as in the first picture, where both can be seen."""
    config = config_of(args, args.grammar)
    grammar = SHELF.grammar(config)
    result = {}
    for axis in args.axes:
        followed: list[tuple[int, int]] = []
        kept: dict[str, list[tuple[int, int]]] = {}
        people = {"density": "one"} if axis in ("age", "skin-tone", "gender", "emotion") else {}
        for number, example in enumerate(examples(grammar, args, terms=people, show=(axis,))):
            own = replace(config, seed=child_seed(args.root, "strip", number))
            strip = slide(
                example.sentence, axis, config=own, out=args.out / f"slide-{axis}" / str(number), force=True
            ).strip
            read, visible = readings(grammar, strip)
            steps = [
                row[axis] == term
                for term, row, seen in zip(strip.terms, read, visible, strict=True)
                if term not in UNMENTIONED and seen[axis]
            ]
            followed.append((sum(steps), len(steps)))
            for other in (each for each in visible[0] if each != axis and visible[0][each]):
                same = [
                    row[other] == read[0][other] for row, seen in zip(read[1:], visible[1:], strict=True) if seen[other]
                ]
                kept.setdefault(other, []).append((sum(same), len(same)))
        result[axis] = {
            "followed": share(followed),
            "others_kept": share([row for rows in kept.values() for row in rows]),
            "kept": {other: share(rows)["share"] for other, rows in kept.items()},
        }
        note(args, {"axis": axis, **result[axis]})
        say(f"{axis}: {result[axis]}")
    return result


def readings(grammar: Grammar, strip: Strip) -> tuple[list[dict[str, str]], list[dict[str, bool]]]:
    """What scorer B reads in each picture of a strip, and which axes the renderer can show in it."""
    read, visible = [], []
    for encoding, percept in zip(strip.encodings, strip.percepts, strict=True):
        read.append(grammar.space.terms(percept.encoding))
        terms = grammar.space.terms(encoding)
        seen = draw_with_truth(terms, seed=strip.seed, size_px=64).seen
        visible.append(dict(zip((a.id for a in grammar.space.axes), visible_axes(terms, seen), strict=True)))
    return read, visible


def measure_recovery(
    args: argparse.Namespace, *, grammar_name: str, terms: Mapping[str, str], axes: Sequence[str]
) -> list[dict[str, bool]]:
    """Searches drawn pictures: for each, whether the named axes are found as drawn."""
    config = config_of(args, grammar_name)
    grammar = SHELF.grammar(config)
    pool = examples(grammar, args, terms=terms, show=axes)
    right = []
    for number, example in enumerate(pool):
        image = save(example, args.out / f"{grammar_name}-{number}.png")
        folder = searched(image, config, args.out / f"{grammar_name}-{number}")
        found = read_run(folder).terms
        right.append({axis: found[axis] == example.terms[axis] for axis in axes})
        note(args, {"number": number, "truth": dict(example.terms), "found": found})
    return right


def recovered(right: Sequence[Mapping[str, bool]]) -> dict[str, Any]:
    """How often all axes are right, and each."""
    return {
        "all": share([(all(row.values()), 1) for row in right]),
        **{axis: share([(row[axis], 1) for row in right]) for axis in right[0]},
    }


def measure_actions(args: argparse.Namespace) -> dict[str, Any]:
    """Pictures with an action: object and action both recovered."""
    config = config_of(args, args.grammar)
    grammar = SHELF.grammar(config)
    spoken = [term for term in grammar.space.axis("action").terms if term not in UNMENTIONED]
    right = []
    for place, action in enumerate(spoken):
        count = args.count // len(spoken) + (place < args.count % len(spoken))
        part = argparse.Namespace(**{**vars(args), "out": args.out / action.replace(" ", "-"), "count": count})
        part.out.mkdir(parents=True, exist_ok=True)
        terms = {"action": action, "density": "one", "style": "photo"}
        right += measure_recovery(part, grammar_name=args.grammar, terms=terms, axes=("object", "action"))
    return recovered(right)


def measure_two_objects(args: argparse.Namespace) -> dict[str, Any]:
    """Pictures with two objects: both with their counts."""
    axes = ("object", "count", "second-object", "second-count")
    return recovered(measure_recovery(args, grammar_name="two-objects", terms={}, axes=axes))


def measure_ablate(args: argparse.Namespace) -> dict[str, Any]:
    """Inputs that show a concept: presence with and without its words, at chance, and by the strongest sentence."""
    config = config_of(args, args.grammar)
    grammar = SHELF.grammar(config)
    axis, _, term = args.concept.partition("=")
    rows = []
    for number, example in enumerate(examples(grammar, args, terms={axis: term}, show=(axis, "object"))):
        image = save(example, args.out / f"input-{number}.png")
        done = args.out / f"ablate-{number}" / "ablation.json"
        if not done.is_file():
            for event in ablate(args.concept, image, config=config, out=done.parent):
                if isinstance(event, Ablated):
                    say(f"{number}: {event.folder}")
        rows.append(read_json(done))

    def total(name: str, key: str = "presence") -> dict[str, Any]:
        return share([(round(row[name][key] * row[name]["pictures"]), row[name]["pictures"]) for row in rows])

    gaps = {
        name: mean_interval([row[name]["presence"] - row["chance"]["presence"] for row in rows])
        for name in ("before", "after", "strongest")
    }
    return {
        **{name: total(name) for name in ("before", "after", "strongest", "chance")},
        "above_chance": gaps,
        "inputs_with_concept_before": share([(row["before"]["presence"] >= 0.5, 1) for row in rows]),
        "class_kept": total("after", "class_kept"),
    }


def each_run(
    args: argparse.Namespace, config: SearchConfig, act: Callable[[Path], Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Searches drawn inputs and does something with each run."""
    grammar = SHELF.grammar(config)
    rows = []
    for number in range(args.count):
        example = draw_example(grammar, seed=args.seed + number)
        if args.inputs == "full":  # the same words, and chance on every further axis
            example = draw_example(load_full(args), seed=args.seed + number, terms=example.terms)
        image = save(example, args.out / f"input-{number}.png")
        run = searched(image, config, args.out / f"run-{number}")
        rows.append(act(run))
        note(args, {"number": number, **rows[-1]})
    return rows


def load_full(args: argparse.Namespace) -> Grammar:
    """The grammar of everything."""
    return SHELF.grammar(config_of(args, args.grammar))


def measure_captions(args: argparse.Namespace) -> dict[str, Any]:
    """The words found against a caption, on the same seeds."""
    config = config_of(args, args.space)

    def act(run: Path) -> Mapping[str, Any]:
        facts = compare_caption(run, args.captioner).facts
        return {"gain": facts["gain_of_search"], "caption": facts["caption"]["score"], "found": facts["found"]["score"]}

    rows = each_run(args, config, act)
    return {key: mean_interval([row[key] for row in rows]) for key in ("found", "caption", "gain")}


def measure_beyond(args: argparse.Namespace) -> dict[str, Any]:
    """Going on after the goal: the score over all axes before and after, on the same test seeds."""
    config = config_of(args, args.space)

    def act(run: Path) -> Mapping[str, Any]:
        if not (run / FOLDER / "summary.json").is_file():
            for _ in run_prepared(prepare_beyond(read_run(run), config, grammar_name=args.grammar, force=True)):
                pass
        summary = read_json(run / FOLDER / "summary.json")
        return {
            "before": summary["start_score"],
            "after": summary["score"],
            "gain": summary["score"] - summary["start_score"],
        }

    rows = each_run(args, config, act)
    return {key: mean_interval([row[key] for row in rows]) for key in ("before", "after", "gain")}


def measure_transfer(args: argparse.Namespace) -> dict[str, Any]:
    """The found words with another generator, or with other settings of this one."""
    config = config_of(args, args.space)
    model = replace(config.model, id=args.model, steps=args.steps, adapter=args.adapter)

    def act(run: Path) -> Mapping[str, Any]:
        facts = transfer(run, replace(config, model=model)).facts
        after, start = facts["after"]["score"], facts["after_start"]["score"]
        return {
            "before": facts["before"]["score"],
            "after": after,
            "difference": facts["difference"],
            "gain": after - start,
        }

    rows = each_run(args, config, act)
    return {key: mean_interval([row[key] for row in rows]) for key in ("before", "after", "difference", "gain")}


def measure_chance(args: argparse.Namespace) -> dict[str, Any]:
    """How often scorer B reads a concept in pictures of sentences that cannot name it."""
    config = config_of(args, args.grammar)
    axis, _, term = args.concept.partition("=")
    grammar = SHELF.grammar(replace(config, grammar=replace(config.grammar, blocked=(args.concept,))))
    judge = SHELF.judge(config, announce=say)
    assert judge is not None
    rng = child_rng(args.seed, "chance")
    prompts = [Prompt(text=grammar.render(grammar.space.sample(rng))) for _ in range(args.count)]
    seeds = [child_seed(args.seed, "chance", number) for number in range(args.count)]
    images = SHELF.generator(config.model, announce=say).image_generator.generate(prompts, seeds=seeds)
    space = SHELF.grammar(config).space
    read = [space.terms(percept.encoding)[axis] for percept in judge.perception.perceive(images)]
    return {"chance": share([(each == term, 1) for each in read])}


MEASURES: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "set": measure_set,
    "slide": measure_slide,
    "actions": measure_actions,
    "two-objects": measure_two_objects,
    "ablate": measure_ablate,
    "chance": measure_chance,
    "captions": measure_captions,
    "beyond": measure_beyond,
    "transfer": measure_transfer,
}


def main() -> None:
    """Measures what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("measure", choices=sorted(MEASURES))
    parser.add_argument("--count", type=int, default=50, help="inputs; pictures of a set")
    parser.add_argument("--sets", type=int, default=5, help="sets")
    parser.add_argument("--seed", type=int, default=5000, help="seed of the first drawn input")
    parser.add_argument("--root", type=int, default=0, help="root seed of searches and sets")
    parser.add_argument("--budget", type=int, default=48, help="renders of a search")
    parser.add_argument("--grammar", default="full", help="grammar of sets, strips, actions, ablation and further axes")
    parser.add_argument("--words", default="", help="grammar that nouns, counts and scenes of the inputs come from")
    parser.add_argument("--plain", action="store_true", help="inputs that mention nothing else than base does")
    parser.add_argument("--balance", nargs="+", default=["age", "skin-tone", "gender"], help="axes of a set")
    parser.add_argument("--space", default="base", help="grammar of the searches")
    parser.add_argument("--inputs", default="base", choices=("base", "full"), help="grammar of the drawn inputs")
    parser.add_argument("--axes", nargs="+", default=list(CONTROL_AXES), help="axes of slide")
    parser.add_argument("--concept", default="style=oil painting", help="of ablate, as axis=term")
    parser.add_argument("--captioner", default="", help="of captions: folder or hub id")
    parser.add_argument("--model", default="embedded", help="of transfer")
    parser.add_argument("--steps", type=int, default=20, help="denoising steps of transfer's model; 0 for its own")
    parser.add_argument("--adapter", default="none", help="adapter of transfer's model; '' for its own")
    parser.add_argument("--out", type=Path, default=None, help="folder of the runs; a temporary one if left out")
    args = parser.parse_args()
    args.out = Path(tempfile.mkdtemp(prefix="rldf-")) if args.out is None else args.out
    begin(args)
    say(json.dumps({args.measure: MEASURES[args.measure](args)}, indent=2))


if __name__ == "__main__":
    main()
