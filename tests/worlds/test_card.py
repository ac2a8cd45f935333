"""The card of the embedded world."""

from collections.abc import Sequence
from typing import final

import numpy as np
import pytest

from rldf.arrays import ImageBatch
from rldf.contracts import ImageGenerator, Perception
from rldf.grammar import load_grammar
from rldf.records.percept import Percept, Prompt
from rldf.worlds.card import measure_card, read_fidelity, wilson_interval
from rldf.worlds.drawing import draw

GRAMMAR = load_grammar("base")


@final
class _Renderer(ImageGenerator):
    """Draws sentences with the renderer itself; the scene is always a farm."""

    @property
    def identity(self) -> str:
        return "renderer on the farm"

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        def picture(prompt: Prompt, seed: int) -> np.ndarray:
            terms = GRAMMAR.space.terms(GRAMMAR.parse(prompt.text)) | {"scene": "farm"}
            return draw(terms, seed=seed)

        return np.stack([picture(prompt, seed) for prompt, seed in zip(prompts, seeds, strict=True)])


@final
class _SceneReader(Perception):
    """Knows the farm by its yellow ground and gives the first term of everything else."""

    space = GRAMMAR.space

    def perceive(self, images: ImageBatch) -> list[Percept]:
        percepts = []
        for image in images:
            red, green, blue = image[100:].reshape(-1, 3).mean(0)
            scene = "farm" if red > green > blue and red - blue > 75 else "street"
            terms = {axis.id: axis.terms[0] for axis in self.space.axes} | {"scene": scene}
            encoding = self.space.encode(terms)
            probabilities = tuple(
                np.eye(len(axis), dtype=np.float32)[index]
                for axis, index in zip(self.space.axes, encoding.indices, strict=True)
            )
            percepts.append(Percept(encoding=encoding, probabilities=probabilities))
        return percepts


def test_card__measures_what_the_judge_reads() -> None:
    card = measure_card(grammar=GRAMMAR, image_generator=_Renderer(), judge=_SceneReader(), num_encodings=40, seed=3)
    again = measure_card(grammar=GRAMMAR, image_generator=_Renderer(), judge=_SceneReader(), num_encodings=40, seed=3)
    assert card == again
    assert set(card.fidelity) == {"object", "count", "density", "scene"}
    assert card.fidelity["scene"].accuracy < card.judge_on_drawn["scene"].accuracy
    low, high = card.fidelity["object"].ci95
    assert 0 <= low <= card.fidelity["object"].accuracy <= high <= 1


def test_fidelity__is_the_share_read_as_asked() -> None:
    encodings = [GRAMMAR.space.encoding(index) for index in (0, 1)]
    images = np.zeros((2, 128, 128, 3), dtype=np.uint8)
    fidelity = read_fidelity(images, encodings, judge=_SceneReader())
    assert fidelity["object"].accuracy == 1.0
    assert fidelity["scene"].accuracy == 0.0


@pytest.mark.parametrize(("successes", "trials", "low", "high"), [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0)])
def test_wilson_interval__matches_its_formula(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=1e-3)
