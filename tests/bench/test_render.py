"""A table rendered by real parts at tiny size: resumable, and equal to what the parts say themselves."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import final

import numpy as np
import pytest
from jaxtyping import Float

from rldf.arrays import Image, ImageBatch
from rldf.bench import BenchTable, TableSources, read_table, render_table, write_table
from rldf.bench.render import BlockDone, projection_of
from rldf.bench.table import BenchTarget, quantise
from rldf.contracts import ImageEmbedder, ImageGenerator, Perception
from rldf.errors import RecordError
from rldf.grammar import load_grammar
from rldf.records import Percept, Prompt
from rldf.space import Encoding

BASE = load_grammar("base")
KEPT = {"object": ("cow", "car"), "count": ("one", "many"), "density": ("no", "one", "many"), "scene": ("park",)}
GRAMMAR = BASE.block(
    [f"{axis.id}={term}" for axis in BASE.space.axes for term in axis.terms if term not in KEPT[axis.id]]
)
ENCODINGS = {GRAMMAR.render(encoding): encoding for encoding in GRAMMAR.space.all_encodings()}
STEP = 40  # grey levels between two terms
NUM_SEEDS = 5


@final
class StripedWorld(ImageGenerator, Perception, ImageEmbedder):
    """Draws each axis as one row of grey, reads it back, and embeds the rows' means: a world of 12 states."""

    def __init__(self, *, error: int = 0) -> None:
        self.space = GRAMMAR.space
        self.num_pictures = 0
        self._error = error

    @property
    def identity(self) -> str:
        return "striped"

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        self.num_pictures += len(seeds)
        return np.stack([self._draw(prompt.text, seed) for prompt, seed in zip(prompts, seeds, strict=True)])

    def perceive(self, images: ImageBatch) -> list[Percept]:
        return [self._read(image) for image in images]

    def embed_images(self, images: ImageBatch) -> Float[np.ndarray, "batch features"]:
        rows = images[:, :, 0, 0].astype(np.float32) + 1
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    def _draw(self, text: str, seed: int) -> Image:
        rows = [STEP * index + seed % 7 for index in ENCODINGS[text].indices]
        return np.repeat(np.array(rows, dtype=np.uint8)[:, np.newaxis, np.newaxis], 3, axis=2)

    def _read(self, image: Image) -> Percept:
        rows: list[np.ndarray] = []
        for place, axis in enumerate(self.space.axes):
            logits = -0.01 * (STEP * np.arange(len(axis)) - float(image[place, 0, 0]) + self._error) ** 2
            shares = np.exp(logits - logits.max())
            rows.append(shares / shares.sum())
        return Percept(encoding=Encoding(tuple(int(row.argmax()) for row in rows)), probabilities=tuple(rows))


def sources(world: StripedWorld) -> TableSources:
    encoding = GRAMMAR.space.encoding(4)
    terms, sentence = GRAMMAR.space.terms(encoding), GRAMMAR.render(encoding)
    picture = world.generate([Prompt(text=sentence)], seeds=[3])[0]
    world.num_pictures = 0
    target = BenchTarget(kind="drawn", split="test", terms=terms, sentence=sentence, seed=0)
    return TableSources(
        name="tiny",
        grammar=GRAMMAR,
        image_generator=world,
        scorer_a=world,
        scorer_b=StripedWorld(error=3),
        models={"generator": "g", "scorer_a": "a", "scorer_b": "b"},
        targets=((picture, target),),
        command="rldf bench table",
        num_search_seeds=2,
        num_test_seeds=3,
        width=2,
        batch_size=7,
    )


def table_of(source: TableSources, folder: Path) -> BenchTable:
    *blocks, table = render_table(source, folder)
    assert all(isinstance(block, BlockDone) for block in blocks)
    assert isinstance(table, BenchTable)
    return table


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rldf.bench.render.BLOCK", 5)


def test_render__holds_what_the_scorers_read(tmp_path: Path) -> None:
    world = StripedWorld()
    table = table_of(sources(world), tmp_path / "blocks")
    assert world.num_pictures == 12 * NUM_SEEDS
    state, seed = 7, 1
    prompt = Prompt(text=GRAMMAR.render(world.space.encoding(state)))
    image = world.generate([prompt], seeds=[table.test_seeds[seed]])
    for scorer, rows in ((world, table.readings.a_test), (StripedWorld(error=3), table.readings.b_test)):
        expected = quantise(np.concatenate(scorer.perceive(image)[0].probabilities))
        np.testing.assert_array_equal(rows[state, seed], expected)
    assert table.target_state(0) == 4


def test_render__interrupted_goes_on_to_the_same_table(tmp_path: Path) -> None:
    whole = table_of(sources(StripedWorld()), tmp_path / "whole")
    begun = render_table(sources(StripedWorld()), tmp_path / "cut")
    next(begun)
    del begun
    second = StripedWorld()
    resumed = table_of(sources(second), tmp_path / "cut")
    assert second.num_pictures == (12 - 5) * NUM_SEEDS
    for name in ("one", "two"):
        write_table(whole if name == "one" else resumed, tmp_path / f"{name}.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert read_table(tmp_path / "one.npz").name == "tiny"


def test_render__refuses_blocks_of_other_weights(tmp_path: Path) -> None:
    table_of(sources(StripedWorld()), tmp_path)
    other = replace(sources(StripedWorld()), models={"generator": "new", "scorer_a": "a", "scorer_b": "b"})
    with pytest.raises(RecordError, match=r"blocks of another table: models changed.*another --out"):
        next(render_table(other, tmp_path))


@pytest.mark.parametrize("content", ['{"grammar": "a', "[]"])
def test_render__refuses_blocks_of_which_nothing_is_known(tmp_path: Path, content: str) -> None:
    (tmp_path / "blocks.json").write_text(content)
    with pytest.raises(RecordError, match=r"blocks.json' cannot be read .*Remove the folder"):
        next(render_table(sources(StripedWorld()), tmp_path))


def test_projection__keeps_products_of_vectors_in_a_plane() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((30, 2)) @ rng.standard_normal((2, 9))
    kept = vectors @ projection_of(vectors, width=2)
    np.testing.assert_allclose(kept @ kept.T, vectors @ vectors.T, atol=1e-8)
