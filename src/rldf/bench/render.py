"""Fills a table: every state of a space drawn once with each seed, read by both scorers, block by block.

Each block of states is on disk before the next begins; called again on the same folder, the work goes on. Pictures
themselves are not kept.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from rldf.arrays import Image, ImageBatch
from rldf.bench.table import BenchTable, BenchTarget, ScorerReadings, quantise
from rldf.contracts import ImageEmbedder, ImageGenerator, Perception
from rldf.errors import RecordError
from rldf.grammar import Grammar
from rldf.records import Prompt
from rldf.records.durable_files import write_file
from rldf.seeding import child_seed

BLOCK = 16  # states between two writes; our choice
PARTS = ("a_search", "a_test", "b_test", "a_search_vectors", "a_test_vectors")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSources:
    """What a table is made with.

    Attributes:
        name: of the table.
        grammar: spells the sentences; its space is drawn whole.
        image_generator: draws.
        scorer_a: reads and, where it can, embeds.
        scorer_b: reads test pictures.
        models: "generator", "scorer_a", "scorer_b" to the digest of the weights.
        targets: pictures to search for, and what is known of them.
        command: makes the table again.
        negative_prompt: what pictures are steered away from; "" for nothing.
        sentence_vectors: scorer A's embeddings of the sentences, by state; None where it has no text side.
        seed: root of all seeds.
        num_search_seeds, num_test_seeds: pictures of each state.
        width: numbers kept of an embedding, at most 64.
        batch_size: pictures drawn at once.
    """

    name: str
    grammar: Grammar
    image_generator: ImageGenerator
    scorer_a: Perception
    scorer_b: Perception
    models: Mapping[str, str]
    targets: Sequence[tuple[Image, BenchTarget]]
    command: str
    negative_prompt: str = ""
    sentence_vectors: Float[np.ndarray, "states features"] | None = None
    seed: int = 0
    num_search_seeds: int = 8
    num_test_seeds: int = 16
    width: int = 64
    batch_size: int = 32

    @property
    def search_seeds(self) -> tuple[int, ...]:
        """Seeds of the pictures a search may see."""
        return tuple(child_seed(self.seed, "bench-search", number) for number in range(self.num_search_seeds))

    @property
    def test_seeds(self) -> tuple[int, ...]:
        """Seeds of the pictures results are judged by."""
        return tuple(child_seed(self.seed, "bench-test", number) for number in range(self.num_test_seeds))


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDone:
    """Some states are drawn.

    Attributes:
        states: drawn so far, earlier sessions included.
        num_states: in all.
    """

    states: int
    num_states: int


def render_table(sources: TableSources, folder: Path) -> Iterator[BlockDone | BenchTable]:
    """Draws what is not drawn yet, then puts the table together.

    Args:
        sources: what it is made with.
        folder: keeps the blocks; those of other sources are refused.

    Yields:
        `BlockDone` after each block, the table at last.
    """
    _claim(sources, folder)
    num_states = sources.grammar.space.size
    for first in range(0, num_states, BLOCK):
        path = folder / f"block-{first:07d}.npz"
        last = min(first + BLOCK, num_states)
        if not path.is_file():
            arrays = _draw_block(sources, range(first, last))
            partial = folder / f"partial-{first:07d}.npz"
            np.savez(partial, allow_pickle=False, **arrays)
            partial.replace(path)
        yield BlockDone(states=last, num_states=num_states)
    yield _assemble(sources, folder)


def _claim(sources: TableSources, folder: Path) -> None:
    """Writes down what the blocks are made of; refuses a folder of other blocks."""
    told = {
        "grammar": sources.grammar.digest,
        "generator": sources.image_generator.identity,
        "models": dict(sources.models),
        "search_seeds": list(sources.search_seeds),
        "test_seeds": list(sources.test_seeds),
        "negative": sources.negative_prompt,
    }
    path = folder / "blocks.json"
    if path.is_file():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
            changed = [name for name in told if before.get(name) != told[name]]
        except (OSError, ValueError, AttributeError) as error:
            raise RecordError(
                f"'{path}' cannot be read ({error}); it says in JSON what the blocks beside it are made of. Remove "
                f"the folder '{folder}', or give another --out."
            ) from error
        if changed:
            raise RecordError(
                f"the folder '{folder}' holds blocks of another table: {', '.join(changed)} changed since. "
                "Remove it, or give another --out."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_file(path, (json.dumps(told, indent=1) + "\n").encode())


def _draw_block(sources: TableSources, states: range) -> dict[str, np.ndarray]:
    """Draws some states with all seeds and reads the pictures."""
    seeds = (*sources.search_seeds, *sources.test_seeds)
    space = sources.grammar.space
    prompts = [
        Prompt(text=sources.grammar.render(space.encoding(state)), negative=sources.negative_prompt)
        for state in states
        for _ in seeds
    ]
    all_seeds = [seed for _ in states for seed in seeds]
    a_rows: list[np.ndarray] = []
    b_rows: list[np.ndarray] = []
    vectors: list[np.ndarray] = []
    is_test = np.tile(np.arange(len(seeds)) >= len(sources.search_seeds), len(states))
    for first in range(0, len(prompts), sources.batch_size):
        batch = slice(first, first + sources.batch_size)
        images = sources.image_generator.generate(prompts[batch], seeds=all_seeds[batch])
        a_rows.append(read_rows_of(sources.scorer_a, images))
        vectors.append(_embed(sources.scorer_a, images))
        chosen = is_test[batch]
        if chosen.any():
            b_rows.append(read_rows_of(sources.scorer_b, images[chosen]))
    shape = (len(states), len(seeds), -1)
    read_a, embedded = np.concatenate(a_rows).reshape(shape), np.concatenate(vectors).reshape(shape)
    cut = len(sources.search_seeds)
    return {
        "a_search": read_a[:, :cut],
        "a_test": read_a[:, cut:],
        "b_test": np.concatenate(b_rows).reshape((len(states), len(seeds) - cut, -1)),
        "a_search_vectors": embedded[:, :cut].astype(np.float16),
        "a_test_vectors": embedded[:, cut:].astype(np.float16),
    }


def _assemble(sources: TableSources, folder: Path) -> BenchTable:
    """Joins the blocks and projects the embeddings."""
    blocks: dict[str, list[np.ndarray]] = {name: [] for name in PARTS}
    for path in sorted(folder.glob("block-*.npz")):
        with np.load(path, allow_pickle=False) as file:
            for name in PARTS:
                blocks[name].append(np.asarray(file[name]))
    joined = {name: np.concatenate(parts) for name, parts in blocks.items()}
    pictures = [image[np.newaxis] for image, _ in sources.targets]
    target_vectors = np.concatenate([_embed(sources.scorer_a, picture) for picture in pictures])
    projection = projection_of(joined["a_search_vectors"].reshape(-1, target_vectors.shape[-1]), width=sources.width)
    sentences = sources.sentence_vectors
    if sentences is None:
        sentences = np.zeros((0, len(projection)))
    return BenchTable(
        name=sources.name,
        space=sources.grammar.space,
        grammar_digest=sources.grammar.digest,
        models=sources.models,
        command=sources.command,
        search_seeds=sources.search_seeds,
        test_seeds=sources.test_seeds,
        targets=tuple(target for _, target in sources.targets),
        readings=ScorerReadings(
            a_search=joined["a_search"],
            a_test=joined["a_test"],
            b_test=joined["b_test"],
            a_search_vectors=_project(joined["a_search_vectors"], projection),
            a_test_vectors=_project(joined["a_test_vectors"], projection),
            target_a=np.concatenate([read_rows_of(sources.scorer_a, picture) for picture in pictures]),
            target_b=np.concatenate([read_rows_of(sources.scorer_b, picture) for picture in pictures]),
            target_vectors=_project(target_vectors, projection),
            sentence_vectors=_project(sentences, projection),
        ),
    )


def projection_of(vectors: Float[np.ndarray, "rows features"], *, width: int) -> Float[np.ndarray, "features width"]:
    """The directions in which the vectors are longest, so that their products are kept as well as can be.

    Args:
        vectors: embeddings.
        width: directions kept; fewer where the vectors have fewer numbers.

    Returns:
        Orthonormal columns.

    Source: best approximation of a Gram matrix, Eckart and Young 1936: singular vectors without centring.
    """
    rows = vectors.astype(np.float64)
    _, directions = np.linalg.eigh(rows.T @ rows)
    kept = directions[:, ::-1][:, :width]
    signs = np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])])
    return np.asarray(kept * signs)


def _project(vectors: np.ndarray, projection: np.ndarray) -> np.ndarray:
    return np.asarray(vectors.astype(np.float64) @ projection, dtype=np.float16)


def read_rows_of(scorer: Perception, images: ImageBatch) -> np.ndarray:
    """What a scorer reads in each picture, in the steps of a table: (pictures, terms), uint8."""
    return np.stack([quantise(np.concatenate(percept.probabilities)) for percept in scorer.perceive(images)])


def _embed(scorer: Perception, images: ImageBatch) -> np.ndarray:
    """Embeddings, (pictures, features); one zero each where the scorer makes none."""
    if isinstance(scorer, ImageEmbedder):
        return np.asarray(scorer.embed_images(images), dtype=np.float32)
    return np.zeros((len(images), 1), dtype=np.float32)
