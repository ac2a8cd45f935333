"""Streams of drawn pictures: seeded, mixed from grammars, with their truth."""

import numpy as np
import pytest

from rldf.errors import ConfigError
from rldf.grammar import load_grammar
from rldf.renderer.vocabulary import DRAWABLE
from rldf.worlds.pictures import DrawnPictures, Mixture, MixturePart, draw_picture, seen_indices
from rldf.worlds.recipe import world_mixture
from rldf.worlds.source import UNSEEN

FULL = load_grammar("full")


def draw(mixture: Mixture, index: int, split: str = "a") -> bytes:
    return draw_picture(mixture, seed=0, split=split, index=index, size_px=32).image.tobytes()


def test_pictures__are_fixed_by_seed_split_and_index() -> None:
    mixture = world_mixture("full")
    assert draw(mixture, 3) == draw(mixture, 3)
    assert len({draw(mixture, 3), draw(mixture, 4), draw(mixture, 3, "b")}) == 3


def test_mixture__draws_its_parts_by_their_shares() -> None:
    parts = [MixturePart(grammar=load_grammar("base"), share=3), MixturePart(grammar=load_grammar("wide"), share=1)]
    mixture = Mixture(parts)
    rng = np.random.default_rng(0)
    names = [mixture.sample(rng)[0].name for _ in range(800)]
    assert 0.70 < names.count("base") / 800 < 0.80


def test_mixture__holds_terms() -> None:
    mixture = Mixture([MixturePart(grammar=load_grammar("base"), held={"density": "one"})])
    rng = np.random.default_rng(0)
    for _ in range(20):
        grammar, encoding = mixture.sample(rng)
        assert grammar.space.terms(encoding)["density"] == "one"


def test_mixture__leaves_axes_out_as_often_as_said() -> None:
    rng = np.random.default_rng(0)

    def mentioned(mention: float) -> float:
        mixture = Mixture([MixturePart(grammar=FULL, mention=mention)])
        terms = [FULL.space.terms(mixture.sample(rng)[1]) for _ in range(300)]
        return float(np.mean([term["weather"] != "none" for term in terms]))

    assert mentioned(0.0) == 0.0
    assert 0.2 < mentioned(0.4) < 0.45  # a fifth of what may be said is "none" again
    assert mentioned(1.0) > 0.7


def test_mixture__an_axis_may_have_a_probability_of_its_own() -> None:
    mixture = Mixture([MixturePart(grammar=FULL, mention=0.0, mentions={"weather": 1.0})])
    rng = np.random.default_rng(0)
    terms = [FULL.space.terms(mixture.sample(rng)[1]) for _ in range(100)]
    assert {term["time"] for term in terms} == {"none"}
    assert len({term["weather"] for term in terms}) > 2


@pytest.mark.parametrize("shares", [[], [1.0, 0.0]])
def test_mixture__without_shares_above_0_is_refused(shares: list[float]) -> None:
    with pytest.raises(ConfigError, match="needs parts with shares above 0"):
        Mixture([MixturePart(grammar=FULL, share=share) for share in shares])


def test_seen__is_numbered_by_the_vocabulary() -> None:
    row = seen_indices({"object": "broccoli", "count": "two"})
    assert len(row) == len(DRAWABLE)
    assert row[:2] == [0, 1]
    assert set(row[2:]) == {UNSEEN}


def test_batches__come_in_order_and_whole() -> None:
    mixture = world_mixture("base")
    source = DrawnPictures(mixture, seed=0, size_px=32)
    batches = list(source.batches("a", start=2, stop=7, batch_size=2, num_workers=0))
    assert [len(batch.sentences) for batch in batches] == [2, 2]
    assert batches[0].images[0].numpy().tobytes() == draw(mixture, 2)
    assert batches[1].images[1].numpy().tobytes() == draw(mixture, 5)
    assert batches[0].seen.shape == (2, len(DRAWABLE))
