"""The card of the embedded world: how faithfully it draws what the grammar says, axis by axis, and the evidence."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rldf.contracts import ImageGenerator, Perception
from rldf.grammar import Grammar
from rldf.records.percept import Percept
from rldf.worlds.card_facts import Stopwatch
from rldf.worlds.evidence import Evidence, Instruments, measure_evidence
from rldf.worlds.fidelity import Fidelity, read_fidelity
from rldf.worlds.trials import Trials, draw_trials


def _say_nothing(line: str) -> None:
    del line


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldCard:
    """What was measured.

    Attributes:
        space: name of the grammar.
        num_encodings: encodings drawn by chance, one picture each.
        seed: fixes encodings and pictures.
        trials: axis id to the number of pictures in which the renderer marks the axis visible.
        fidelity: axis id to what the judge reads in generated pictures; an axis that was never visible is missing.
        judge_on_drawn: axis id to what the judge reads in the renderer's own pictures of the same encodings.
        evidence: what was measured beside; None where it was not asked for.
    """

    space: str
    num_encodings: int
    seed: int
    trials: Mapping[str, int]
    fidelity: Mapping[str, Fidelity]
    judge_on_drawn: Mapping[str, Fidelity]
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCard:
    """A card and the pictures it was measured on.

    Attributes:
        card: the numbers.
        trials: encodings and pictures.
        percepts: what the judge read in the generated pictures.
    """

    card: WorldCard
    trials: Trials
    percepts: tuple[Percept, ...]


def measure_card(
    *,
    grammar: Grammar,
    image_generator: ImageGenerator,
    judge: Perception,
    num_encodings: int,
    seed: int,
    least: int | None = None,
    size_px: int = 128,
    instruments: Instruments | None = None,
    announce: Callable[[str], None] = _say_nothing,
) -> MeasuredCard:
    """Draws random encodings with the generator and with the renderer, and lets the judge read both.

    Args:
        grammar: its terms must be drawable.
        image_generator: what is measured.
        judge: scorer B, which no search ever asks.
        num_encodings: 1 or more; 200 give intervals of about 8 points.
        seed: 0 or larger; equal seeds measure equal encodings and pictures.
        least: how many pictures shall show each axis; None for 200, or two fifths of the encodings if that is less.
        size_px: side of the drawn pictures.
        instruments: what the other evidence is measured with; None measures fidelity alone.
        announce: is told what is being measured.

    Returns:
        The card with its pictures.
    """
    watch = Stopwatch()
    announce(f"drawing {num_encodings} encodings ...")
    with watch.time("pictures"):
        trials = draw_trials(
            grammar=grammar,
            image_generator=image_generator,
            num_encodings=num_encodings,
            seed=seed,
            least=least,
            size_px=size_px,
        )
    announce(f"reading {len(trials.encodings)} pictures ...")
    with watch.time("fidelity"):
        percepts = judge.perceive(trials.generated)
        judge_on_drawn = read_fidelity(judge.perceive(trials.drawn), trials)
    evidence = None
    if instruments is not None:
        evidence = measure_evidence(
            percepts,
            trials,
            grammar=grammar,
            image_generator=image_generator,
            judge=judge,
            instruments=instruments,
            seed=seed,
            watch=watch,
            announce=announce,
        )
    card = WorldCard(
        space=grammar.name,
        num_encodings=num_encodings,
        seed=seed,
        trials={axis.id: int(trials.counted[:, k].sum()) for k, axis in enumerate(trials.space.axes)},
        fidelity=read_fidelity(percepts, trials),
        judge_on_drawn=judge_on_drawn,
        evidence=evidence,
    )
    return MeasuredCard(card=card, trials=trials, percepts=tuple(percepts))


def card_to_json(card: WorldCard) -> dict[str, Any]:
    """Turns a card into plain values: the evidence, where there is any, stands beside the fidelity."""
    plain = asdict(card)
    evidence = plain.pop("evidence")
    return plain if evidence is None else plain | evidence


def card_text(card: WorldCard) -> str:
    """Spells a card for a terminal: fidelity axis by axis, and the evidence in a few lines."""
    lines = [f"{card.num_encodings} random encodings of '{card.space}', seed {card.seed}, read as asked by scorer B:"]
    for axis, trials in card.trials.items():
        if axis not in card.fidelity:
            lines.append(f"  {axis:<13} not visible in any picture")
            continue
        fidelity, drawn = card.fidelity[axis], card.judge_on_drawn[axis]
        low, high = fidelity.ci95
        lines.append(
            f"  {axis:<13} {fidelity.accuracy:6.1%} of {trials}, 95 % interval {low:.1%} to {high:.1%}; "
            f"of drawn pictures {drawn.accuracy:.1%}"
        )
    return "\n".join([*lines, *(() if card.evidence is None else _evidence_lines(card.evidence))])


def _evidence_lines(evidence: Evidence) -> list[str]:
    kappa, diversity, memorisation = evidence.kappa.overall, evidence.diversity, evidence.memorisation
    return [
        f"kappa of the errors of scorers A and B: {'not defined' if kappa is None else f'{kappa:.2f}'}",
        f"Vendi score: generated {diversity.generated.vendi_score:.2f}, drawn {diversity.drawn.vendi_score:.2f}",
        f"nearer to a training picture than 99 % of fresh ones: {memorisation.share_below:.1%}",
        *(
            f"change of {axis}: read {edit.changed:.1%}"
            + ("" if edit.kept is None else f", the other axes kept {edit.kept:.1%}")
            for axis, edit in evidence.edit_locality.items()
        ),
        f"sentence to picture: {evidence.retrieval.top1:.1%} of {evidence.retrieval.num_pictures}",
        f"weights: {evidence.sizes_mb['total']:.1f} MB; measured on {evidence.hardware}",
    ]
