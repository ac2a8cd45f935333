"""A table without an image model: pictures, scorers and targets are drawn from a simulation."""

import numpy as np

from rldf.bench.table import BenchTable, BenchTarget, ScorerReadings, TargetKind, quantise
from rldf.seeding import child_rng
from rldf.space import EncodingSpace

ERROR_RATE = 0.08  # mean share of pictures that show a neighbouring term; each term has its own around it
BAD_SHARE = 0.06  # terms the image model draws wrong more often than right
BAD_RATE = 0.6
STATE_DEVIATION = 0.06  # of the error rate, from one combination of terms to the next
CERTAINTY = 0.92
CERTAINTY_DEVIATION = 0.08
MISREADING = 0.005  # share of pictures in which a scorer reads a term that is not there
MAX_RATE = 0.95
WIDTH = 16
VECTOR_NOISE = 0.15

Terms = np.ndarray
"""Term indices, (pictures, axes)."""


def simulated_table(
    space: EncodingSpace,
    *,
    name: str = "simulated",
    num_search_seeds: int = 8,
    num_test_seeds: int = 16,
    num_targets: int = 20,
    seed: int = 0,
) -> BenchTable:
    """Makes a table of a simulated world: faulty image model, two scorers that err independently.

    A picture shows a neighbouring term instead of the one asked for at a rate that depends on the term and on the
    combination; some terms are mostly drawn wrong. Scorers read what is shown, surely or not, and now and then wrong.
    Half of the targets are drawn by the image model, half by hand; every other one is a test target.

    Args:
        space: the grid, without exclusions.
        name: of the table.
        num_search_seeds: pictures of each state that a search may see.
        num_test_seeds: pictures of each state that results are judged by, at least 2.
        num_targets: targets.
        seed: of the world, 0 or larger.

    Returns:
        The table.
    """
    world = _World(space, seed=seed)
    asked = np.array([encoding.indices for encoding in map(space.encoding, range(space.size))])
    search = world.show(asked, num_pictures=num_search_seeds, purpose="search")
    test = world.show(asked, num_pictures=num_test_seeds, purpose="test")
    rng = child_rng(seed, "targets")
    truth = np.array([space.sample(rng).indices for _ in range(num_targets)]).reshape(num_targets, len(space.axes))
    kinds: list[TargetKind] = ["in-generator" if number % 4 < 2 else "drawn" for number in range(num_targets)]
    shown = world.show(truth, num_pictures=1, purpose="targets")[:, 0]
    shown[[kind == "drawn" for kind in kinds]] = truth[[kind == "drawn" for kind in kinds]]
    readings = ScorerReadings(
        a_search=world.read(search, scorer="a", purpose="search"),
        a_test=world.read(test, scorer="a", purpose="test"),
        b_test=world.read(test, scorer="b", purpose="test"),
        a_search_vectors=world.embed(search, purpose="search"),
        a_test_vectors=world.embed(test, purpose="test"),
        target_a=world.read(shown[:, np.newaxis], scorer="a", purpose="targets")[:, 0],
        target_b=world.read(shown[:, np.newaxis], scorer="b", purpose="targets")[:, 0],
        target_vectors=world.embed(shown[:, np.newaxis], purpose="targets")[:, 0],
        sentence_vectors=world.embed(asked[:, np.newaxis], purpose="sentences")[:, 0],
    )
    targets = tuple(
        BenchTarget(
            kind=kind,
            split="test" if number % 2 else "development",
            terms={axis.id: axis.terms[index] for axis, index in zip(space.axes, indices, strict=True)},
            sentence="",
            seed=number,
        )
        for number, (kind, indices) in enumerate(zip(kinds, truth, strict=True))
    )
    return BenchTable(
        name=name,
        space=space,
        grammar_digest="",
        models={"generator": f"simulated-{seed}", "scorer_a": f"simulated-{seed}", "scorer_b": f"simulated-{seed}"},
        command=f"rldf bench run --table simulated-{name}",
        search_seeds=tuple(range(num_search_seeds)),
        test_seeds=tuple(range(1000, 1000 + num_test_seeds)),
        targets=targets,
        readings=readings,
    )


class _World:
    """A simulated image model and its two scorers."""

    def __init__(self, space: EncodingSpace, *, seed: int) -> None:
        rng = child_rng(seed, "world")
        self._space = space
        self._seed = seed
        self._rates = [
            np.where(rng.random(len(axis)) < BAD_SHARE, BAD_RATE, ERROR_RATE * rng.uniform(0.2, 1.8, len(axis)))
            for axis in space.axes
        ]
        self._directions = [rng.standard_normal((len(axis), WIDTH)) for axis in space.axes]

    def show(self, asked: Terms, *, num_pictures: int, purpose: str) -> np.ndarray:
        """Which terms the pictures show: (rows, pictures, axes)."""
        rng = child_rng(self._seed, "show", purpose)
        shown = np.repeat(asked[:, np.newaxis, :], num_pictures, axis=1)
        for place, axis in enumerate(self._space.axes):
            own = rng.normal(0.0, STATE_DEVIATION, len(asked))
            rates = np.clip(self._rates[place][asked[:, place]] + own, 0.0, MAX_RATE)
            is_wrong = rng.random(shown.shape[:2]) < rates[:, np.newaxis]
            side = rng.choice((-1, 1), size=shown.shape[:2])
            moved = shown[..., place] + side
            moved = np.where((moved < 0) | (moved >= len(axis)), shown[..., place] - side, moved)
            if len(axis) > 1:
                shown[..., place] = np.where(is_wrong, moved, shown[..., place])
        return shown

    def read(self, shown: np.ndarray, *, scorer: str, purpose: str) -> np.ndarray:
        """What a scorer reads: (rows, pictures, terms), uint8."""
        rng = child_rng(self._seed, "read", scorer, purpose)
        parts: list[np.ndarray] = []
        for place, axis in enumerate(self._space.axes):
            terms = shown[..., place]
            is_misread = rng.random(terms.shape) < MISREADING
            terms = np.where(is_misread, rng.integers(len(axis), size=terms.shape), terms)
            certainty = np.clip(rng.normal(CERTAINTY, CERTAINTY_DEVIATION, terms.shape), 1 / len(axis), 0.999)
            others = rng.gamma(1.0, size=(*terms.shape, len(axis)))
            np.put_along_axis(others, terms[..., np.newaxis], 0.0, axis=-1)
            others /= np.maximum(others.sum(axis=-1, keepdims=True), 1e-12)
            probabilities = others * (1 - certainty)[..., np.newaxis]
            np.put_along_axis(probabilities, terms[..., np.newaxis], certainty[..., np.newaxis], axis=-1)
            parts.append(quantise(probabilities))
        return np.concatenate(parts, axis=-1)

    def embed(self, shown: np.ndarray, *, purpose: str) -> np.ndarray:
        """Embeddings, whose directions add up over the axes: (rows, pictures, width), float16, unit length."""
        rng = child_rng(self._seed, "embed", purpose)
        vectors = sum(directions[shown[..., place]] for place, directions in enumerate(self._directions))
        vectors = vectors + VECTOR_NOISE * len(self._directions) ** 0.5 * rng.standard_normal((*shown.shape[:2], WIDTH))
        return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float16)
