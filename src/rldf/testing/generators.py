"""Conformance suite for the ImageGenerator contract: subclass it and override `make_generator`."""

from abc import ABC, abstractmethod

import numpy as np
import pytest

from rldf.arrays import ImageBatch
from rldf.contracts import ImageGenerator
from rldf.errors import GenerationError
from rldf.records.percept import Prompt
from rldf.seeding import MAX_SEED

PROMPTS = (
    Prompt(text="a photo of one cow and no people in a park"),
    Prompt(text="a photo of two cows and many people in a street"),
    Prompt(text="a photo of many cars and one person in a beach"),
    Prompt(text="a photo of one cow and no people in a park"),
    Prompt(text="a photo of three bananas and no people in a farm"),
)
SEEDS = (3, 1, MAX_SEED, 2**31, 0)
TOLERANCE = 1 / 255  # mean absolute difference between batch sizes, on a scale of 0 to 1


class ImageGeneratorSuite(ABC):
    """What every image generator keeps.

    A generator whose service takes no seeds keeps it behind the render cache, so that is what its test makes.

    Attributes:
        has_exact_batches: False where bits may depend on the batch; pictures may then differ by a mean of 1/255.

    Example:
        ```python
        class TestMyGenerator(ImageGeneratorSuite):
            def make_generator(self) -> ImageGenerator:
                return MyGenerator(...)
        ```
    """

    has_exact_batches: bool = True

    @abstractmethod
    def make_generator(self) -> ImageGenerator:
        """Makes the generator to test, equal each time."""

    @pytest.fixture
    def generator(self) -> ImageGenerator:
        """The generator under test."""
        return self.make_generator()

    def test_generate__one_rgb_picture_per_prompt(self, generator: ImageGenerator) -> None:
        """Pictures are uint8, (batch, height, width, 3), and not blank."""
        images = generator.generate(PROMPTS, seeds=SEEDS)
        assert images.dtype == np.uint8
        assert images.ndim == len("bhwc")
        assert (len(images), images.shape[3]) == (len(PROMPTS), 3)
        assert all(image.std() > 0 for image in images)

    def test_generate__same_pictures_whatever_the_batch(self, generator: ImageGenerator) -> None:
        """A picture does not depend on the other pictures of the batch, nor on its place among them."""
        together = generator.generate(PROMPTS, seeds=SEEDS)
        alone = [generator.generate([prompt], seeds=[seed])[0] for prompt, seed in zip(PROMPTS, SEEDS, strict=True)]
        backwards = generator.generate(PROMPTS[::-1], seeds=SEEDS[::-1])[::-1]
        self._require_same(together, np.stack(alone))
        self._require_same(together, backwards)

    def test_generate__same_pictures_from_a_second_generator(self, generator: ImageGenerator) -> None:
        """Nothing but identity, prompt and seed decides a picture."""
        second = self.make_generator()
        assert second.identity == generator.identity
        np.testing.assert_array_equal(generator.generate(PROMPTS, seeds=SEEDS), second.generate(PROMPTS, seeds=SEEDS))

    def test_generate__another_seed_another_picture(self, generator: ImageGenerator) -> None:
        """Different seeds draw different pictures of one prompt."""
        images = generator.generate([PROMPTS[0]] * 4, seeds=[0, 1, 2**31, MAX_SEED])
        for first in range(4):
            for second in range(first):
                assert not np.array_equal(images[first], images[second])

    def test_generate__equal_requests_in_one_call(self, generator: ImageGenerator) -> None:
        """The same prompt and seed twice in one call give the same picture twice."""
        images = generator.generate([PROMPTS[0], PROMPTS[1], PROMPTS[0]], seeds=[7, 7, 7])
        self._require_same(images[:1], images[2:])

    def test_generate__no_prompts_no_pictures(self, generator: ImageGenerator) -> None:
        """An empty request gives an empty batch."""
        images = generator.generate([], seeds=[])
        assert images.shape[0] == 0
        assert images.dtype == np.uint8

    def test_generate__numbers_differ__refused(self, generator: ImageGenerator) -> None:
        """Every prompt needs a seed of its own."""
        with pytest.raises(GenerationError, match=r"5 prompts and 2 seeds.*Give as many seeds as prompts"):
            generator.generate(PROMPTS, seeds=SEEDS[:2])

    @pytest.mark.parametrize("seed", [-1, MAX_SEED + 1])
    def test_generate__seed_out_of_range__refused(self, generator: ImageGenerator, seed: int) -> None:
        """Seeds go from 0 to 2**63 - 1."""
        with pytest.raises(GenerationError, match=rf"the seed {seed} is out of range.*Give another"):
            generator.generate(PROMPTS[:1], seeds=[seed])

    def test_identity__one_line_that_stays(self, generator: ImageGenerator) -> None:
        """The identity is one line, and drawing does not change it."""
        before = generator.identity
        assert before
        assert "\n" not in before
        generator.generate(PROMPTS[:1], seeds=SEEDS[:1])
        assert generator.identity == before

    def _require_same(self, first: ImageBatch, second: ImageBatch) -> None:
        if self.has_exact_batches:
            np.testing.assert_array_equal(first, second)
        else:
            difference = np.abs(first.astype(np.float64) - second.astype(np.float64)).mean() / 255.0
            assert difference <= TOLERANCE
