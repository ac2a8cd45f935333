"""A world of real parts that need no model: pictures that are painted numbers, and a scorer that reads them."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float

from rldf.arrays import Image, ImageBatch
from rldf.contracts import ImageGenerator, Perception, Reward, Searcher, Target
from rldf.feedback import DiffusionFeedback
from rldf.grammar import Grammar, load_grammar
from rldf.records import Outcome, Percept, Prompt, RunStore
from rldf.search import (
    Budget,
    InputPicture,
    PartCard,
    SearchEvent,
    SearchJob,
    SearchParts,
    Wiring,
    run_search,
)
from rldf.search.parts import MakeSearcher, StartSource
from rldf.searchers import RandomSearcher
from rldf.space import Encoding, EncodingSpace

GRAMMAR = load_grammar("base")
STEP = 20  # grey levels between two terms
REQUEST = {"created": "2026-01-02T03:04:05+00:00", "command": "rldf search cow.png", "config": {"seed": 0}}


@final
@dataclass
class Painter(ImageGenerator):
    """Paints each axis as one row, whose grey says the term; the seed adds noise."""

    noise: float = 4.0
    num_pictures: int = 0
    before: Callable[[], None] = field(default=lambda: None)

    @property
    def identity(self) -> str:
        return f"painter noise={self.noise}"

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        self.before()
        self.num_pictures += len(seeds)
        return np.stack([self.paint(p.text, seed) for p, seed in zip(prompts, seeds, strict=True)])

    def paint(self, sentence: str, seed: int) -> Image:
        encoding = ENCODINGS[sentence]
        rng = np.random.default_rng([seed % 2**32, *encoding.indices])
        image = np.zeros((8, 8, 3))
        for axis, index in enumerate(encoding.indices):
            image[axis] = STEP * (index + 0.5) + self.noise * rng.standard_normal()
        return image.clip(0, 255).round().astype(np.uint8)


@final
class Reader(Perception):
    """Reads the painted rows; sharper or less sharp."""

    def __init__(self, *, sharpness: float = 2.0, unsure_axes: tuple[str, ...] = ()) -> None:
        self.space: EncodingSpace = GRAMMAR.space
        self._sharpness = sharpness
        self._unsure_axes = unsure_axes

    def perceive(self, images: ImageBatch) -> list[Percept]:
        return [self._read(image) for image in images]

    def _read(self, image: Image) -> Percept:
        rows: list[np.ndarray] = []
        for position, axis in enumerate(self.space.axes):
            value = float(image[position].mean()) / STEP - 0.5
            logits = -self._sharpness * (np.arange(len(axis)) - value) ** 2
            shares = np.exp(logits - logits.max())
            rows.append((shares / shares.sum()).astype(np.float32))
        encoding = Encoding(tuple(int(row.argmax()) for row in rows))
        return Percept(encoding=encoding, probabilities=tuple(rows), unsure_axes=self._unsure_axes)


@final
class Likeness(Reward):
    """Mean probability of the target's terms."""

    bounds = (0.0, 1.0)

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        assert target.percept is not None
        wish = target.percept.encoding
        return np.array([outcome.percept.probability_of(wish).mean() for outcome in outcomes], dtype=np.float64)


ENCODINGS = {GRAMMAR.render(encoding): encoding for encoding in GRAMMAR.space.all_encodings()}


def encode(**terms: str) -> Encoding:
    return GRAMMAR.space.encode({"object": "cow", "count": "two", "density": "no", "scene": "park", **terms})


def make_parts(
    *,
    painter: Painter | None = None,
    judge: Perception | None = None,
    unsure_axes: tuple[str, ...] = (),
    locked: dict[str, str] | None = None,
    make_searcher: MakeSearcher | None = None,
) -> SearchParts:
    generator = Painter() if painter is None else painter
    reader = Reader(unsure_axes=unsure_axes)

    def wire(target: Target) -> Wiring:
        feedback = DiffusionFeedback(
            grammar=GRAMMAR, image_generator=generator, perception=reader, reward=Likeness(), target=target
        )
        return Wiring(feedback=feedback, reward_bounds=Likeness.bounds, reward_again=feedback.reward_again)

    def random_searcher(space: EncodingSpace, start: Encoding, seed: int, prior: object) -> Searcher:
        del prior
        return RandomSearcher(space=space, start=start, seed=seed)

    return SearchParts(
        grammar=GRAMMAR,
        space=GRAMMAR.space.lock({} if locked is None else locked),
        image_generator=generator,
        perception=reader,
        judge=Reader(sharpness=1.0) if judge is None else judge,
        is_judge_independent=True,
        generator_card=PartCard(id="painter", digest="p1", kind="painter", identity=generator.identity),
        perception_card=PartCard(id="reader", digest="r1", kind="reader"),
        judge_card=PartCard(id="blunt reader", digest="r2", kind="reader"),
        wire=wire,
        make_searcher=random_searcher if make_searcher is None else make_searcher,
        evaluations_per_picture=3,
    )


def make_input(encoding: Encoding, *, seed: int = 99) -> InputPicture:
    image = Painter().paint(GRAMMAR.render(encoding), seed)
    return InputPicture(path="cow.png", sha256=sha256(image.tobytes()).hexdigest(), image=image)


def make_job(
    *,
    budget: int = 16,
    seed: int = 0,
    start: StartSource = "random",
    num_new: int = 3,
    batch_size: int = 4,
    num_test_seeds: int = 16,
) -> SearchJob:
    return SearchJob(
        inputs=(make_input(encode()),),
        seed=seed,
        budget=Budget(max_renders=budget),
        start=start,
        batch_size=batch_size,
        num_new=num_new,
        num_test_seeds=num_test_seeds,
    )


def do_run(folder: Path, parts: SearchParts, job: SearchJob) -> list[SearchEvent]:
    """Does a new run, or goes on with the one that lies there."""
    is_begun = any((folder / name).exists() for name in ("run.json", "request.json"))
    store = RunStore.reopen(folder) if is_begun else RunStore.create(folder, request=REQUEST)
    with store:
        return list(run_search(parts, job, store=store, request=REQUEST))


def grammar() -> Grammar:
    return GRAMMAR


if __name__ == "__main__":  # run by the test that kills it: slow enough to be hit
    import time

    do_run(Path(sys.argv[1]), make_parts(painter=Painter(before=lambda: time.sleep(0.05))), make_job())
