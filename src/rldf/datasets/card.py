"""The data card: where a synthetic data set comes from, and what was left out of it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rldf.datasets.plan import Plan
from rldf.datasets.verdicts import Missing, count_missing
from rldf.records import utc_now, versions

_NUM_EXAMPLES = 3
_WHAT = (
    "Every picture was drawn by an image model from a sentence; none is a photograph. Labels say what was asked "
    "for, and may be wrong where the model did not follow."
)
_LIMITS = (
    "The licence and the terms of use of the image model hold for these pictures. What the model cannot draw, or "
    "draws in one way only, is missing here. `provenance.json` holds versions and digests."
)


def write_card(
    folder: Path,
    rounds: Sequence[Plan],
    *,
    counts: Mapping[str, int],
    verdicts: Sequence[str] | None,
    gates: Mapping[str, str] | None,
    missing: Missing,
    form: str,
) -> None:
    """Writes `README.md` and `provenance.json` into a data set.

    Args:
        folder: of the data set.
        rounds: the plan it comes from.
        counts: split to number of pictures.
        verdicts: of the gates; None where none were applied.
        gates: what each of them compared with; None where none were applied.
        missing: split to class to pictures that its planned count lacks.
        form: of the data set.
    """
    plan = rounds[0]
    verdict_counts = None if verdicts is None else dict(Counter(verdicts))
    provenance = {
        "made": utc_now(),
        "generator": plan.settings.generator,
        "seed": plan.settings.seed,
        "plan_digests": [entry.digest for entry in rounds],
        "counts": dict(counts),
        "verdicts": verdict_counts,
        "gates": None if gates is None else dict(gates),
        "missing": missing,
        "about": dict(plan.settings.about),
        "versions": versions(),
    }
    text = json.dumps(provenance, indent=2, ensure_ascii=False)
    (folder / "provenance.json").write_text(text + "\n", encoding="utf-8")
    left_out = [*_left_out(verdict_counts, gates), *_lacking(missing)]
    (folder / "README.md").write_text(_card(plan, counts, left_out, num_rounds=len(rounds), form=form), "utf-8")


def _left_out(verdicts: Mapping[str, int] | None, gates: Mapping[str, str] | None) -> list[str]:
    if verdicts is None:
        return ["No gates were applied: blank and unsafe pictures aside, nothing was left out."]
    counted = [f"- {name}: {number}" for name, number in sorted(verdicts.items()) if name != "kept"]
    settings = [f"- {name}: {what}" for name, what in ({} if gates is None else gates).items()]
    return [
        *(counted or ["Nothing was left out."]),
        *(["", "Gates, and what they compared with:", *settings] if gates else []),
    ]


def _lacking(missing: Missing) -> list[str]:
    if not missing:
        return []
    lines = [f"- {split}, {name}: {number}" for split, row in missing.items() for name, number in row.items()]
    return ["", f"{count_missing(missing)} planned pictures are missing, and their classes are smaller:", *lines]


def _card(plan: Plan, counts: Mapping[str, int], left_out: Sequence[str], *, num_rounds: int, form: str) -> str:
    header = ["---", "task_categories:", "- image-classification", "tags:", "- synthetic"]
    if form == "huggingface":
        header += ["configs:", "- config_name: default", "  data_files:"]
        for split in counts:
            header += [f"  - split: {split}", f"    path: data/{split}-*.parquet"]
    sizes = [f"| {split} | {number} |" for split, number in counts.items()]
    examples = [f"- {plan.recipes[row].sentence}" for row in range(min(_NUM_EXAMPLES, len(plan.recipes)))]
    origin = [f"- {name}: {value}" for name, value in plan.settings.about.items()]
    return "\n".join(
        [
            *header,
            "---",
            "# A synthetic image data set",
            _WHAT,
            "",
            "| split | pictures |",
            "|---|---|",
            *sizes,
            "",
            f"{len(plan.class_names)} classes; {len(plan.recipes)} sentences, such as:",
            *examples,
            "",
            "## Where it comes from",
            f"- image model: {plan.settings.generator}",
            f"- root seed: {plan.settings.seed}; every picture has its own, stored beside it",
            f"- plan: {plan.digest} and {num_rounds - 1} top-up rounds",
            *origin,
            "",
            "## What was left out",
            *left_out,
            "",
            "## Limits",
            _LIMITS,
            "",
        ]
    )
