"""A generator that only paints noise: light, exact, and it remembers what it was asked for."""

from collections.abc import Sequence
from hashlib import sha256
from typing import final

import numpy as np

from rldf.arrays import Image, ImageBatch
from rldf.contracts import ImageGenerator
from rldf.generators.requests import check_request
from rldf.records.percept import Prompt


@final
class PaintingGenerator(ImageGenerator):
    """Paints noise from prompt and seed, and remembers what it was asked for."""

    def __init__(self, identity: str = "painting side=8") -> None:
        self._identity = identity
        self.calls: list[list[tuple[str, int]]] = []

    @property
    def identity(self) -> str:
        return self._identity

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        check_request(prompts, seeds=seeds)
        if prompts:
            self.calls.append([(prompt.text, seed) for prompt, seed in zip(prompts, seeds, strict=True)])
        images = [paint(self._identity, prompt, seed) for prompt, seed in zip(prompts, seeds, strict=True)]
        return np.stack(images) if images else np.zeros((0, 8, 8, 3), dtype=np.uint8)

    @property
    def num_drawn(self) -> int:
        return sum(map(len, self.calls))


def paint(identity: str, prompt: Prompt, seed: int) -> Image:
    text = f"{identity}|{prompt.text}|{prompt.negative}|{seed}"
    rng = np.random.default_rng(int.from_bytes(sha256(text.encode()).digest()[:8], "big"))
    return rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
