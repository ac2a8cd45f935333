"""The contracts every part keeps: one page, no code.

An image goes through `Perception` to a `Target`; a `Searcher` (or an `Agent` on the grid) proposes encodings; a
`Feedback` tries them: grammar, `ImageGenerator`, `Perception`, `Reward`. Whoever fulfils one of these can replace
any part; `rldf.testing` holds one conformance suite for each.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from rldf.arrays import Image, ImageBatch
from rldf.records.percept import Outcome, Percept, Prompt, StepRecord
from rldf.space import Encoding, EncodingSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is known of the wish; each part may be missing.

    Attributes:
        percept: what perception read in the reference images.
        references: the images the user gave, each RGB, 0 to 255.
        prompt: a text, where a reward compares with one.
    """

    percept: Percept | None = None
    references: tuple[Image, ...] = ()
    prompt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a searcher asks to be tried.

    Attributes:
        encoding: the point to try.
        seed_index: which of the run's search seeds draws it, from 0; the paper's agents always use 0.
    """

    encoding: Encoding
    seed_index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One move of an agent on the grid.

    Attributes:
        state_tm1: index of the state it left.
        action_tm1: index of the move it made.
        reward_t: reward of the state it entered.
        state_t: index of the state it entered.
        is_terminal: True if the episode ends there.
    """

    state_tm1: int
    action_tm1: int
    reward_t: float
    state_t: int
    is_terminal: bool


class Perception(ABC):
    """Reads an image as a point of the encoding space."""

    space: EncodingSpace

    @abstractmethod
    def perceive(self, images: ImageBatch) -> list[Percept]:
        """Reads each picture: one percept each, probabilities summing to 1 per axis."""


class ImageEmbedder(ABC):
    """Turns images into vectors whose cosine says how alike they look."""

    @abstractmethod
    def embed_images(self, images: ImageBatch) -> Float[np.ndarray, "batch features"]:
        """Embeds each picture: unit length, float32."""


class ImageGenerator(ABC):
    """Turns prompts into images; one seed per image, so any batch size gives the same images."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """Model id, digest of its weights and every setting that changes pixels, as one line."""

    @abstractmethod
    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        """Draws one picture per prompt and seed."""


class Reward(ABC):
    """Scores outcomes; dimensionless, within `bounds`, larger is better."""

    bounds: tuple[float, float]

    @abstractmethod
    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each outcome against the target."""


class RealismDetector(ABC):
    """Tells pictures that look unlike anything real, so that a reward may refuse them."""

    @abstractmethod
    def is_unrealistic(self, images: ImageBatch) -> Bool[np.ndarray, " batch"]:
        """Judges each picture: True where it is unrealistic."""


class Feedback(ABC):
    """Tries encodings, in one batch, and tells what came of each."""

    @abstractmethod
    def try_encodings(self, encodings: Sequence[Encoding], *, seeds: Sequence[int]) -> list[StepRecord]:
        """Tries each encoding with its seed; one record each, in order."""


class Searcher(ABC):
    """Proposes encodings to try and learns from what came of them; never sees the target."""

    @abstractmethod
    def ask(self, max_proposals: int) -> list[Proposal]:
        """Proposes at least one and at most `max_proposals` tries; an empty list means "finished"."""

    @abstractmethod
    def tell(self, records: Sequence[StepRecord]) -> None:
        """Learns from the records of what it asked last, in the same order."""


class Agent(ABC):
    """Chooses moves and learns from transitions; knows only integers."""

    @abstractmethod
    def act(self, state: int) -> int:
        """Chooses an action in a state."""

    @abstractmethod
    def learn(self, transition: Transition) -> None:
        """Learns from one transition."""
