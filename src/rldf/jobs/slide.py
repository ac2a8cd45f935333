"""`slide`: a strip along one axis, everything else and the seed fixed, with what else changed in numbers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image as PillowImage

from rldf.arrays import ImageBatch
from rldf.errors import RecordError
from rldf.hub import Announce, say_nothing
from rldf.jobs.generate import folder_name, require_axes, say_other_weights, words_of
from rldf.presets.config import SearchConfig
from rldf.presets.shelf import SHELF
from rldf.records import Extra, ExtraPicture, RunRecord, write_extra
from rldf.records.durable_files import write_file
from rldf.records.pictures import encode_png
from rldf.sampling import Strip, draw_strip, strip_encodings
from rldf.seeding import child_seed
from rldf.space import EncodingSpace
from rldf.web import keep_picture, name_of, write_report
from rldf.worlds.sheets import captioned_sheet, png_bytes
from rldf.worlds.trials import UNMENTIONED

StripForm = Literal["png", "webp"]
FRAME_MS = 700  # our choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Slide:
    """A strip that lies on the disk.

    Attributes:
        folder: where.
        picture: the labelled strip, or the animation.
        strip: what was drawn and read.
        facts: content of `slide.json`.
    """

    folder: Path
    picture: Path
    strip: Strip
    facts: Mapping[str, Any]


def slide(
    source: str | Path | RunRecord,
    axis_id: str,
    *,
    config: SearchConfig | None = None,
    terms: Mapping[str, str] | None = None,
    form: StripForm = "png",
    out: str | Path | None = None,
    force: bool = False,
    announce: Announce = say_nothing,
) -> Slide:
    """Draws an encoding with every term of one axis, with one seed, and has scorer B read what changed.

    Args:
        source: a run, its folder, or a sentence of the grammar.
        axis_id: the axis.
        config: the settings; None for those of the run, or the embedded ones.
        terms: axis id to term, to change the words before.
        form: a labelled strip, or an animation.
        out: folder of the pictures; None for `slides/<axis>` in the run folder or beneath `pictures/<sentence>`.
        force: True to remove a strip that lies there.
        announce: is given one line before anything is downloaded.

    Returns:
        The strip, its files and its numbers.

    Raises:
        RecordError: if a strip lies there already.
    """
    used, encoding, run = words_of(source, config=config, terms={} if terms is None else terms)
    require_axes(SHELF.grammar(used), [axis_id])
    parent = Path("pictures") / folder_name(str(source)) if run is None else run.folder
    folder = parent / "slides" / axis_id if out is None else Path(out)
    if _files_of(folder) and not force:
        raise RecordError(
            f"the folder '{folder}' holds a strip already; nothing is overwritten. Choose another --out, or give "
            "--force."
        )
    grammar = SHELF.grammar(used)
    generator = SHELF.generator(used.model, announce=announce)
    say_other_weights(run, generator.card, announce=announce)
    judge = SHELF.judge(used, announce=announce)
    perception = SHELF.perception(used, announce=announce)[0] if judge is None else judge.perception
    strip = draw_strip(
        generator.image_generator,
        perception,
        grammar=grammar,
        encoding=encoding,
        axis_id=axis_id,
        seed=child_seed(used.seed, "slide"),
        negative_prompt=used.model.negative_prompt,
        unmentioned=UNMENTIONED,
    )
    return _write(strip, grammar.space, folder=folder, form=form, run=run, scorer="a" if judge is None else "b")


def plan_slide(
    source: str | Path | RunRecord,
    axis_id: str,
    *,
    config: SearchConfig | None = None,
    terms: Mapping[str, str] | None = None,
) -> int:
    """Counts the pictures of a strip, without loading or drawing anything; arguments are those of `slide`."""
    used, encoding, _ = words_of(source, config=config, terms={} if terms is None else terms)
    require_axes(SHELF.grammar(used), [axis_id])
    return len(strip_encodings(SHELF.grammar(used).space, encoding, axis_id))


def _files_of(folder: Path) -> list[Path]:
    """The files of a strip that lies in a folder."""
    return [path for pattern in ("[0-9][0-9].png", "slide.*") for path in folder.glob(pattern)]


def _write(
    strip: Strip, space: EncodingSpace, *, folder: Path, form: StripForm, run: RunRecord | None, scorer: str
) -> Slide:
    folder.mkdir(parents=True, exist_ok=True)
    for old in _files_of(folder):
        old.unlink()
    files = [folder / f"{number:02d}.png" for number in range(len(strip.images))]
    for path, image in zip(files, strip.images, strict=True):
        write_file(path, encode_png(np.asarray(image)))
    picture = folder / f"slide.{form}"
    labels = [f"{strip.axis_id}: {term}" for term in strip.terms]
    if form == "webp":
        write_file(picture, animate(strip.images))
    else:
        write_file(picture, png_bytes(captioned_sheet(strip.images, labels, columns=len(labels))))
    facts = {
        "axis": strip.axis_id,
        "seed": strip.seed,
        "scorer": scorer,
        "followed": strip.locality.followed,
        "kept": strip.locality.kept,
        "kept_mean": strip.locality.kept_mean,
        "steps": [
            {"term": term, "sentence": sentence, "file": path.name, "read": space.terms(percept.encoding)}
            for term, sentence, path, percept in zip(strip.terms, strip.sentences, files, strip.percepts, strict=True)
        ],
    }
    write_file(folder / "slide.json", (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode())
    if run is not None:
        _tell_run(strip, files, run=run, scorer=scorer)
        write_report(run.folder)
    return Slide(folder=folder, picture=picture, strip=strip, facts=facts)


def animate(images: ImageBatch) -> bytes:
    """Makes an animated WebP: from the first picture to the last, and round again."""
    first, *others = [PillowImage.fromarray(image) for image in images]
    buffer = BytesIO()
    first.save(buffer, format="WEBP", save_all=True, append_images=others, duration=FRAME_MS, loop=0, quality=90)
    return buffer.getvalue()


def _tell_run(strip: Strip, files: list[Path], *, run: RunRecord, scorer: str) -> None:
    """Puts the strip on the run's report."""
    kept = strip.locality.kept_mean
    name = name_of(run.folder, "strip", files[0].parent)
    write_extra(
        run.folder,
        name,
        Extra(
            kind="strip",
            title=f"One axis: {strip.axis_id}",
            text=f"The same words and the same seed, with every term of the axis '{strip.axis_id}'.",
            layout="strip",
            pictures=tuple(
                ExtraPicture(file=keep_picture(run.folder, path, name=name), caption=term)
                for path, term in zip(files, strip.terms, strict=True)
            ),
            facts=(
                (f"the axis is read as asked (scorer {scorer.upper()})", f"{strip.locality.followed:.0%} of the steps"),
                *((("the other axes stay as in the first picture", f"{kept:.0%}"),) if kept is not None else ()),
            ),
        ),
    )
