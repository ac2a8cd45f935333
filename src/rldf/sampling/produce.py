"""Draws the pictures of a plan into a folder with sidecars and a manifest; can be interrupted and goes on."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, final

import numpy as np
import PIL.Image

from rldf.arrays import Image
from rldf.contracts import ImageEmbedder, ImageGenerator, Perception
from rldf.grammar import Grammar
from rldf.records import Prompt, encoding_to_json
from rldf.records.durable_files import write_file
from rldf.records.pictures import encode_png
from rldf.sampling.controls import PicturePlan
from rldf.sampling.manifest import begin_manifest, picture_name, read_sidecar, require_no_more_than, sidecar_path
from rldf.sampling.selection import Drawn, Selection, choose, novelties, quality
from rldf.seeding import child_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureProduced:
    """One picture lies on the disk.

    Attributes:
        path: the PNG file; its sidecar lies beside it.
        sentence: what it shows.
        seed: seed it was drawn with.
        position: from 1.
        count: pictures in all.
        is_new: False where it lay there from an earlier, interrupted call.
        sidecar: all that is known of it.
    """

    path: Path
    sentence: str
    seed: int
    position: int
    count: int
    is_new: bool
    sidecar: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be drawn.

    Attributes:
        grammar: renders the encodings.
        plans: what each picture shall show, in order.
        seed: root seed, 0 or larger; every picture's seed is derived from it.
        facts: what else fixes the set, for the manifest; a folder holds pictures of equal facts.
        negative_prompt: what to steer away from.
        batch_size: pictures drawn at once.
        selection: how pictures are chosen; None keeps whatever is drawn.
        judge: scorer B, whose reading goes into the sidecars and decides nothing; None for none.
    """

    grammar: Grammar
    plans: Sequence[PicturePlan]
    seed: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    negative_prompt: str = ""
    batch_size: int = 8
    selection: Selection | None = None
    judge: Perception | None = None


def produce(
    image_generator: ImageGenerator, order: Order, *, folder: Path, force: bool = False
) -> Iterator[PictureProduced]:
    """Draws pictures, one seed each.

    A folder with pictures of other settings is refused by a `RecordError`. Called again with the same order, or with
    more plans, it draws only what is missing, and ends with the same files as without an interruption.

    Args:
        image_generator: draws.
        order: what to draw.
        folder: receives `000000.png`, `000000.json` ... and `manifest.json`.
        force: True to draw again what lies there of other settings.

    Yields:
        One event per picture, in order.
    """
    settings = {
        "negative": order.negative_prompt,
        "grammar": {"name": order.grammar.name, "digest": order.grammar.digest},
        "model": {"identity": image_generator.identity},
        "seed": order.seed,
        "selection": None if order.selection is None else order.selection.as_json(),
        **order.facts,
    }
    begin_manifest(folder, settings=settings, force=force)
    require_no_more_than(folder, len(order.plans))
    producer = _Producer(image_generator, order, folder=folder)
    for first in range(0, len(order.plans), order.batch_size):
        yield from producer.batch(order.plans[first : first + order.batch_size])


@final
class _Producer:
    """Draws batch after batch and remembers what was kept."""

    def __init__(self, image_generator: ImageGenerator, order: Order, *, folder: Path) -> None:
        self._image_generator = image_generator
        self._order = order
        self._folder = folder
        self._kept: list[np.ndarray] = []

    def batch(self, plans: Sequence[PicturePlan]) -> Iterator[PictureProduced]:
        """Draws a batch, or what is missing of it: a picture never depends on what was interrupted."""
        paths = [self._folder / picture_name(plan.index) for plan in plans]
        missing = {plan.index for plan, path in zip(plans, paths, strict=True) if not _is_there(path)}
        if missing:
            kept = self._choose(self._draw(plans))
            for plan, path, (drawn, tries) in zip(plans, paths, kept, strict=True):
                if plan.index in missing:
                    write_file(path, encode_png(drawn.image))
                    write_file(sidecar_path(path), self._sidecar(plan, drawn, tries))
        elif self._embedder is not None:
            self._kept += [self._embedder.embed_images(_read(path)[None])[0].astype(np.float64) for path in paths]
        for plan, path in zip(plans, paths, strict=True):
            sidecar = read_sidecar(path)
            yield PictureProduced(
                path=path,
                sentence=sidecar["sentence"],
                seed=sidecar["seed"],
                position=plan.index + 1,
                count=len(self._order.plans),
                is_new=plan.index in missing,
                sidecar=sidecar,
            )

    @property
    def _embedder(self) -> ImageEmbedder | None:
        return None if self._order.selection is None else self._order.selection.embedder

    def _draw(self, plans: Sequence[PicturePlan]) -> list[list[Drawn]]:
        """Draws until each plan has a picture that passes, or its tries are used; all tries for a diverse choice."""
        selection, space = self._order.selection, self._order.grammar.space
        drawn: list[list[Drawn]] = [[] for _ in plans]
        pending = list(range(len(plans)))
        for number in range(1 if selection is None else selection.max_tries):
            for place, candidate in zip(pending, self._try([plans[p] for p in pending], number), strict=True):
                drawn[place].append(candidate)
            if selection is not None and selection.embedder is None:
                pending = [p for p in pending if not quality(drawn[p][-1], space=space, axes=selection.axes)[0]]
            if not pending:
                break
        return drawn

    def _try(self, plans: Sequence[PicturePlan], number: int) -> list[Drawn]:
        """Draws one picture for each plan."""
        order = self._order
        encodings = [plan.encodings[number % len(plan.encodings)] for plan in plans]
        names = [("generate", s.index) if number == 0 else ("generate", s.index, "try", number) for s in plans]
        seeds = [child_seed(order.seed, *name) for name in names]
        prompts = [Prompt(text=order.grammar.render(e), negative=order.negative_prompt) for e in encodings]
        images = self._image_generator.generate(prompts, seeds=seeds)
        percepts = [None] * len(images) if order.selection is None else order.selection.perception.perceive(images)
        rows = zip(encodings, seeds, images, percepts, strict=True)
        return [Drawn(encoding=e, seed=s, number=number, image=image, percept=p) for e, s, image, p in rows]

    def _choose(self, drawn: Sequence[Sequence[Drawn]]) -> list[tuple[Drawn, Sequence[Drawn]]]:
        """Chooses one picture for each plan, in order."""
        space = self._order.grammar.space
        selection = self._order.selection
        axes = () if selection is None else selection.axes
        kept = []
        for candidates in drawn:
            if self._embedder is None:
                kept.append((choose(candidates, space=space, axes=axes), candidates))
                continue
            rows = self._embedder.embed_images(np.stack([c.image for c in candidates])).astype(np.float64)
            fresh = novelties(rows, np.array(self._kept).reshape(-1, rows.shape[1]))
            chosen = choose(candidates, space=space, axes=axes, novelty=fresh)
            self._kept.append(rows[chosen.number])
            kept.append((chosen, candidates))
        return kept

    def _sidecar(self, plan: PicturePlan, drawn: Drawn, tries: Sequence[Drawn]) -> bytes:
        """Writes all that is known of a picture."""
        order, space = self._order, self._order.grammar.space
        axes = () if order.selection is None else order.selection.axes
        passed = [quality(candidate, space=space, axes=axes)[0] for candidate in tries]
        judged = None if order.judge is None else order.judge.perceive(drawn.image[None])[0]
        scores = {"a": drawn.percept, "b": judged}
        content = {
            "file": picture_name(plan.index),
            "sentence": order.grammar.render(drawn.encoding),
            "negative": order.negative_prompt,
            "encoding": encoding_to_json(space, drawn.encoding),
            "cell": dict(plan.cell),
            "seed": drawn.seed,
            "try": drawn.number,
            "tries": len(tries),
            "rejected": passed.count(False),
            "is_passed": passed[drawn.number],
            "model": {"identity": self._image_generator.identity},
            "scores": {
                name: {
                    axis.id: round(float(value), 6)
                    for axis, value in zip(space.axes, percept.probability_of(drawn.encoding), strict=True)
                }
                for name, percept in scores.items()
                if percept is not None
            },
            "read": {name: space.terms(percept.encoding) for name, percept in scores.items() if percept is not None},
            "pixels_sha256": sha256(np.ascontiguousarray(drawn.image).tobytes()).hexdigest(),
        }
        return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _is_there(path: Path) -> bool:
    return path.is_file() and sidecar_path(path).is_file()


def _read(path: Path) -> Image:
    with PIL.Image.open(path) as picture:
        return np.array(picture.convert("RGB"))
