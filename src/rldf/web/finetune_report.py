"""The report of a fine-tuning run: one self-contained HTML page from records alone."""

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from markupsafe import Markup

from rldf.web.charts import Curve, curve_chart
from rldf.web.fields import Fields
from rldf.web.finetune_run import StoredFinetune, read_finetune_folder
from rldf.web.pages import render_page, write_page
from rldf.web.pictures import Picture, embed
from rldf.web.references import FINETUNING
from rldf.web.wording import NOTHING, amount, duration, number, plural

MAX_SHEETS = 12
"""At most so many sheets of the fixed prompts are shown, the first and the last among them (our choice)."""
SHEET_PX = 1024
_MIB_PER_GIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """The fixed prompts after some epochs."""

    picture: Picture | None
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What judging found on one set of prompts: what was measured on, then label, base, tuned, difference."""

    name: str
    pictures: int
    features: str
    rows: tuple[tuple[str, str, str, str], ...]


def write_finetune_report(run_folder: Path, *, out: Path | None = None) -> Path:
    """Writes one self-contained HTML page about a fine-tuning run, finished or not.

    Args:
        run_folder: the run folder.
        out: where to write; the run folder's report.html if None. An older page there is replaced.

    Returns:
        Where it was written.
    """
    run = read_finetune_folder(run_folder)
    page = render_page("finetune.html.j2", _values(run))
    return write_page(page, run_folder / "report.html" if out is None else out)


def _values(run: StoredFinetune) -> dict[str, object]:
    config, prompts = run.header.optional_child("config"), run.header.optional_child("prompts")
    reward, train = config.optional_child("reward"), config.optional_child("train")
    return {
        "run": run,
        "name": run.folder.resolve().name,
        "created": run.header.optional_text("created"),
        "command": run.header.optional_text("command"),
        "notes": _notes(run),
        "method": train.optional_text("method"),
        "reward_name": " + ".join(reward.texts("parts")),
        "second_name": reward.optional_text("second"),
        "model": run.header.optional_child("model"),
        "prompt_set": prompts.optional_text("set"),
        "num_prompts": len(prompts.texts("trained")),
        "first": run.epochs[0] if run.epochs else None,
        "last": run.epochs[-1] if run.epochs else None,
        "decimals": _decimals(run),
        "alarm": _alarm_sentence(run, second=reward.optional_text("second")),
        "is_watched": bool(run.looks),
        "charts": _charts(run, second=reward.optional_text("second")),
        "sheets": _sheets(run),
        "num_sheets": len(run.sheets),
        "fixed_prompts": _fixed_prompts(config, prompts.texts("trained")),
        "judged": _judged(run),
        "attacks": _attacks(run),
        "attack_verdicts": _attack_verdicts(run),
        "papers": FINETUNING,
        "ledger": list(_ledger(run)),
        "settings": list(_flatten(config)),
        "versions": run.header.text_map("versions"),
        "device": run.header.optional_text("device"),
        "resume_command": f"rldf finetune run --resume {shlex.quote(os.fspath(run.folder))}",
        "evaluate_command": f"rldf finetune evaluate {shlex.quote(os.fspath(run.folder))}",
    }


def _notes(run: StoredFinetune) -> list[str]:
    """What a reader must know of the run and of its judgement, each once."""
    judged = () if run.evaluation is None else run.evaluation.texts("notes")
    return list(dict.fromkeys([*run.header.texts("notes"), *judged]))


def _charts(run: StoredFinetune, *, second: str) -> list[tuple[str, Markup, str]]:
    """Title, drawing and explanation of each chart that has points."""
    epochs = Curve(
        points=tuple((float(e.queries), e.reward_mean) for e in run.epochs),
        style="found",
        hints=tuple(f"epoch {e.epoch + 1}: {e.reward_mean:.4f}, deviation {e.reward_std:.4f}" for e in run.epochs),
    )
    fixed = Curve(
        points=tuple((float(look.queries), look.reward) for look in run.looks),
        style="start",
        hints=tuple(f"fixed pictures after epoch {look.epoch}: {look.reward:.4f}" for look in run.looks),
    )
    seconds = [(look, look.second) for look in run.looks if look.second is not None]
    judged = Curve(
        points=tuple((float(look.queries), value) for look, value in seconds),
        style="start",
        hints=tuple(f"after epoch {look.epoch}: {v:.4f}{', alarm' if look.is_alarm else ''}" for look, v in seconds),
        marks=frozenset(place for place, (look, _) in enumerate(seconds) if look.is_alarm),
    )
    clipped = _measured([(e.epoch, e.queries, e.clip_fraction) for e in run.epochs])
    moved = _measured([(e.epoch, e.queries, _thousandths(e.approx_kl)) for e in run.epochs])
    rows = (
        ("Reward", [epochs, fixed], "Green: mean of each epoch's pictures. Orange: the fixed pictures below."),
        (
            f"Second reward: {second}",
            [judged],
            "On the fixed pictures; nothing is trained on it. A diamond is an alarm: it fell while the reward rose.",
        ),
        ("Clipped ratios", [clipped], "Share of the denoising steps outside the clip range, at the last update."),
        (
            "Step of the policy",
            [moved],
            "Root mean square of the log-ratio a dimension, in thousandths, at the last update of each epoch.",
        ),
    )
    drawn = [(title, curve_chart(curves, title=title, x_label="reward queries"), text) for title, curves, text in rows]
    return [row for row in drawn if row[1]]


def _measured(values: Sequence[tuple[int, int, float | None]]) -> Curve:
    """A curve of epoch, queries and value; epochs without a value are left out."""
    rows = [(epoch, float(asked), value) for epoch, asked, value in values if value is not None]
    return Curve(
        points=tuple((asked, value) for _, asked, value in rows),
        style="try",
        hints=tuple(f"epoch {epoch + 1}: {value:.4g}" for epoch, _, value in rows),
    )


def _thousandths(approx_kl: float | None) -> float | None:
    return None if approx_kl is None else 1000.0 * sqrt(2.0 * approx_kl)


def _sheets(run: StoredFinetune) -> list[_Sheet]:
    count = len(run.sheets)
    places = {round(place * (count - 1) / (MAX_SHEETS - 1)) for place in range(MAX_SHEETS)} if count else set()
    looks = {look.epoch: look for look in run.looks}
    shown = []
    for epoch, file in [run.sheets[place] for place in sorted(places)]:
        caption = "the model as it was given" if epoch == 0 else f"after {plural(epoch, 'epoch')}"
        if epoch in looks:
            look = looks[epoch]
            caption += f" · reward {number(look.reward, decimals=_decimals(run))}"
            caption += "" if look.second is None else f", second reward {number(look.second, decimals=3)}"
            caption += " · alarm" if look.is_alarm else ""
        shown.append(_Sheet(picture=embed(run.folder, file, max_px=SHEET_PX), caption=caption))
    return shown


def _fixed_prompts(config: Fields, trained: Sequence[str]) -> list[str]:
    count = config.optional_child("run").number("num_samples")
    if count is None or not trained:
        return []
    return [trained[place % len(trained)] for place in range(int(count))]


def _judged(run: StoredFinetune) -> list[_Judged]:
    if run.evaluation is None:
        return []
    sets = run.evaluation.optional_child("prompts")
    second = run.evaluation.optional_text("second_reward")
    return [_judged_set(name, sets.child(name), second=second) for name in sets.names]


def _judged_set(name: str, found: Fields, *, second: str) -> _Judged:
    rows = [("reward", *_gain(found.child("reward")))]
    if "second" in found:
        rows.append((f"second reward: {second}" if second else "second reward", *_gain(found.child("second"))))
    base, tuned = (found.child("diversity").child(side) for side in ("base", "tuned"))
    for label, key in (("distance of pictures of one prompt", "pairwise"), ("Vendi score", "vendi")):
        rows.append((label, *_change(base.number(key), tuned.number(key))))
    before, after = base.optional_child("scorer_class_score"), tuned.optional_child("scorer_class_score")
    rows += [
        (f"scorer class score, {axis}", *_change(before.number(axis), after.number(axis))) for axis in before.names
    ]
    drift = found.child("drift")
    rows.append(("Fréchet distance from the base", NOTHING, number(drift.number("frechet"), decimals=4), NOTHING))
    rows.append(("KL divergence from the base, nats", NOTHING, number(drift.number("kl_nats")), NOTHING))
    return _Judged(
        name=name,
        pictures=found.whole("pictures"),
        features=found.optional_text("features"),
        rows=tuple(rows),
    )


def _gain(found: Fields) -> tuple[str, str, str]:
    base, tuned, gain = (found.child(name) for name in ("base", "tuned", "gain"))
    difference = f"{number(gain.number('mean'), decimals=4)} ± {number(gain.number('error'), decimals=4)}"
    return number(base.number("mean"), decimals=4), number(tuned.number("mean"), decimals=4), difference


def _change(base: float | None, tuned: float | None) -> tuple[str, str, str]:
    difference = None if base is None or tuned is None else tuned - base
    return number(base, decimals=4), number(tuned, decimals=4), number(difference, decimals=4)


def _attacks(run: StoredFinetune) -> list[tuple[str, str]]:
    if run.evaluation is None or "attacks" not in run.evaluation:
        return []
    found = run.evaluation.child("attacks")
    named = [name for name in found.names if isinstance(found.raw(name), dict)]
    return [(name, number(found.child(name).number("mean"), decimals=4)) for name in named]


def _attack_verdicts(run: StoredFinetune) -> list[str]:
    if run.evaluation is None or "attacks" not in run.evaluation:
        return []
    found = run.evaluation.child("attacks")
    apart = "that of the same pictures under another prompt"
    sentences = {
        "is_fooled": (
            "Words printed on a picture raise the reward: it can be had by writing.",
            "Words printed on a picture do not raise the reward.",
        ),
        "tells_apart": (
            f"The reward of honest pictures lies above {apart}.",
            f"The reward of honest pictures does not lie above {apart}: it hardly depends on what was asked for.",
        ),
    }
    return [said[0] if found.flag(name) else said[1] for name, said in sentences.items() if name in found]


def _alarm_sentence(run: StoredFinetune, *, second: str) -> str:
    if not run.is_alarm:
        return ""
    first = next((look for look in run.looks if look.is_alarm), None)
    if first is None and run.evaluation is not None and "second_reward" in run.evaluation:
        second = run.evaluation.text("second_reward")  # judging may have had another one
    when = "" if first is None else f" It was first seen after epoch {first.epoch}, at {amount(first.queries)} queries."
    kept = ""
    if run.summary is not None and run.summary.optional_text("stopped") == "alarm":
        kept = f" The run stopped, and its result is the model after epoch {run.summary.whole('result_epoch')}."
    return (
        f"The reward rose, and the second reward ({second}), on which nothing was trained, fell by more than two "
        f"standard errors: the model has learned to please the reward instead of drawing what is asked for.{when}{kept}"
    )


def _ledger(run: StoredFinetune) -> Iterator[tuple[str, str, str]]:
    if run.summary is None:
        return
    budget = run.summary.child("budget")
    queries = f"{amount(budget.number('queries'))} of at most {amount(budget.number('max_queries'))}"
    yield "reward queries", queries, "pictures drawn, scored and trained on: the unit of cost"
    if "watched" in budget:
        yield (
            "watched pictures",
            amount(budget.number("watched")),
            "fixed pictures scored along training; counted apart",
        )
    yield "updates", amount(budget.number("updates")), "of the weights"
    if skipped := budget.number("skipped"):
        yield "updates left out", amount(skipped), "among them, since gradients overflowed in float16"
    seconds, peak = budget.number("seconds"), budget.number("peak_rss_mib")
    if seconds is not None:
        yield "time", duration(seconds), "of training, without judging"
    if peak is not None and peak > 0:  # 0 on systems that do not tell
        gibibytes = f"{number(peak / _MIB_PER_GIB, decimals=1)} GiB"
        yield "memory", gibibytes if peak >= _MIB_PER_GIB else f"{amount(round(peak))} MiB", "the most held at once"


def _decimals(run: StoredFinetune) -> int:
    """Digits that tell the rewards of the run apart."""
    largest = max((abs(epoch.reward_mean) for epoch in run.epochs), default=1.0)
    return 2 if largest >= 10 else 3 if largest >= 1 else 4


def _flatten(config: Fields, *, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name in config.names:
        value = config.raw(name)
        if isinstance(value, dict):
            yield from _flatten(config.child(name), prefix=f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)
