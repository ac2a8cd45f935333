"""Sentences of a space, embedded beside the pictures by the scorer that ships."""

from dataclasses import replace
from functools import cache

import numpy as np

from rldf.contracts import ImageEmbedder
from rldf.hub import say_nothing
from rldf.jobs.bench_sentences import embed_sentences, sentences_of, text_side
from rldf.perception.embedded import load_embedded_scorer
from rldf.presets.build import build_parts
from rldf.presets.config import GrammarConfig, SearchConfig
from rldf.presets.shelf import SHELF
from rldf.renderer.drawing import draw
from rldf.search import SearchParts


@cache
def parts() -> SearchParts:
    blocked = [f"count={term}" for term in ("two", "three", "many")] + ["density=one", "density=many"]
    return build_parts(SearchConfig(grammar=GrammarConfig(name="base", blocked=tuple(blocked))), shelf=SHELF)


def test_sentences__are_embedded_in_the_order_of_the_states() -> None:
    embedded = embed_sentences(parts(), announce=say_nothing)
    assert embedded is not None
    space = parts().grammar.space
    assert len(embedded) == space.size == len(sentences_of(parts().grammar))
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1.0, atol=1e-5)
    matcher = text_side(parts(), announce=say_nothing)
    assert matcher is not None
    np.testing.assert_array_equal(matcher.embed_texts([parts().grammar.render(space.encoding(7))])[0], embedded[7])


def test_sentences__lie_in_the_space_of_the_pictures_embeddings() -> None:
    matcher = text_side(parts(), announce=say_nothing)
    perception = parts().perception
    assert matcher is not None
    assert isinstance(perception, ImageEmbedder)
    space = parts().grammar.space
    images = np.stack([draw(space.terms(space.encoding(state)), seed=5, size_px=128) for state in (0, 9, 21)])
    np.testing.assert_allclose(perception.embed_images(images), matcher.embed_images(images), atol=1e-3)


def test_a_scorer_without_words__gives_no_sentences() -> None:
    mute = replace(parts(), perception=load_embedded_scorer("b", space=parts().grammar.space))
    assert embed_sentences(mute, announce=say_nothing) is None
