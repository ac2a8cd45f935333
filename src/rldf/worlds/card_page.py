"""The card as files: numbers, one self-contained page that shows everything, and sheets of pictures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rldf.records.durable_files import write_file
from rldf.seeding import child_rng
from rldf.worlds.card import MeasuredCard, card_to_json
from rldf.worlds.evidence import Evidence
from rldf.worlds.fidelity import Fidelity
from rldf.worlds.misreadings import Confusion, find_confusions, worst_trials
from rldf.worlds.pictures import draw_picture
from rldf.worlds.recipe import world_mixture
from rldf.worlds.sheets import captioned_sheet, data_address, png_bytes

SHEET_PICTURES = 64

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A picture with what is said below it."""

    picture: str
    caption: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _AxisRow:
    """Everything that was measured on one axis."""

    axis: str
    fidelity: Fidelity | None
    on_drawn: Fidelity | None
    kappa: float | None
    confusions: list[Confusion]
    pictures: list[_Shown]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nearest:
    """A generated picture beside the training picture nearest to it."""

    generated: str
    training: str
    distance: float


def write_card(measured: MeasuredCard, folder: Path) -> list[Path]:
    """Writes `card.json`, `card.html`, `sheet.png` and for each axis with misread pictures `confused-AXIS.png`.

    Args:
        measured: the card and its pictures.
        folder: made if missing; older files of these names are replaced, and sheets of other axes are removed.

    Returns:
        What was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("confused-*.png"):
        old.unlink()
    trials = measured.trials
    shown = sheet_trials(measured)
    contents = {
        "card.json": (json.dumps(card_to_json(measured.card), indent=2, ensure_ascii=False) + "\n").encode(),
        "card.html": card_page(measured).encode(),
        "sheet.png": png_bytes(captioned_sheet(trials.generated[shown], [trials.sentences[t] for t in shown])),
    }
    for axis_id, wrong in _misread(measured).items():
        captions = [_asked_and_read(measured, trial, axis_id) for trial in wrong]
        sheet = captioned_sheet(trials.generated[wrong], captions, columns=6)
        contents[f"confused-{axis_id}.png"] = png_bytes(sheet)
    for name, content in contents.items():
        write_file(folder / name, content)
    return [folder / name for name in contents]


def sheet_trials(measured: MeasuredCard) -> list[int]:
    """Chooses at most 64 of the random pictures by chance, in order."""
    number = measured.trials.num_random
    rng = child_rng(measured.card.seed, "card", "sheet")
    chosen = rng.choice(number, size=min(SHEET_PICTURES, number), replace=False)
    places: list[int] = np.sort(chosen).tolist()
    return places


def card_page(measured: MeasuredCard) -> str:
    """Fills the page; it holds its pictures, needs no network and runs no script."""
    trials = measured.trials
    evidence = measured.card.evidence
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["percent"] = _percent
    return environment.get_template("card.html.j2").render(
        policy=_POLICY,
        card=measured.card,
        evidence=evidence,
        num_pictures=len(trials.encodings),
        rows=_axis_rows(measured),
        sheet=[
            _Shown(picture=data_address(trials.generated[trial]), caption=trials.sentences[trial])
            for trial in sheet_trials(measured)
        ],
        nearest=[] if evidence is None else _nearest(measured, evidence),
    )


def _axis_rows(measured: MeasuredCard) -> list[_AxisRow]:
    card, trials = measured.card, measured.trials
    confusions, misread = find_confusions(measured.percepts, trials), _misread(measured)
    kappas: Mapping[str, float | None] = {} if card.evidence is None else card.evidence.kappa.axes
    return [
        _AxisRow(
            axis=axis.id,
            fidelity=card.fidelity.get(axis.id),
            on_drawn=card.judge_on_drawn.get(axis.id),
            kappa=kappas.get(axis.id),
            confusions=confusions.get(axis.id, []),
            pictures=[
                _Shown(
                    picture=data_address(trials.generated[trial]),
                    caption=_asked_and_read(measured, trial, axis.id),
                    note=trials.sentences[trial],
                )
                for trial in misread.get(axis.id, [])
            ],
        )
        for axis in trials.space.axes
    ]


def _misread(measured: MeasuredCard) -> dict[str, list[int]]:
    """The worst pictures of each axis that has any."""
    found = {
        axis.id: worst_trials(measured.percepts, measured.trials, axis_id=axis.id)
        for axis in measured.trials.space.axes
    }
    return {axis_id: trials for axis_id, trials in found.items() if trials}


def _asked_and_read(measured: MeasuredCard, trial: int, axis_id: str) -> str:
    space = measured.trials.space
    asked = space.terms(measured.trials.encodings[trial])[axis_id]
    return f"{asked}, read as {space.terms(measured.percepts[trial].encoding)[axis_id]}"


def _nearest(measured: MeasuredCard, evidence: Evidence) -> list[_Nearest]:
    """Draws the training pictures again that lie nearest to generated ones."""
    mixture = world_mixture("full")
    size_px = measured.trials.drawn.shape[1]
    return [
        _Nearest(
            generated=data_address(measured.trials.generated[found.trial]),
            training=data_address(
                draw_picture(mixture, seed=0, split="denoiser", index=found.training, size_px=size_px).image
            ),
            distance=found.distance,
        )
        for found in evidence.memorisation.closest
    ]


def _percent(share: float) -> str:
    """Spells a share, such as 97.5 %."""
    return f"{100 * share:.1f} %"
