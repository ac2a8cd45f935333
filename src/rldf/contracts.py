"""The contracts every part keeps: one page, no code.

An image goes through `Perception` to a `Target`; a `Searcher` (or an `Agent` on the grid) proposes encodings; a
`Feedback` tries them: grammar, `ImageGenerator`, `Perception`, `Reward`. Whoever fulfils one of these can replace
any part; `rldf.testing` holds one conformance suite for each.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

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


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricValue:
    """One number that compares two sets of pictures.

    Attributes:
        name: such as "frechet"; a metric that gives two numbers names each.
        value: the number; its range is the metric's.
        spread: standard deviation over random subsets; None where the metric draws none.
        better: which direction is better; "none" for a description of one set.
        settings: everything besides the features that fixes the number, such as neighbours or seed.
        warnings: one line each, such as where there are too few pictures.
    """

    name: str
    value: float
    spread: float | None = None
    better: Literal["lower", "higher", "none"] = "lower"
    settings: Mapping[str, float | int | str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Metric(ABC):
    """Compares the features of two sets of pictures."""

    @abstractmethod
    def compute(
        self, real: Float[np.ndarray, "real _features"], generated: Float[np.ndarray, "generated _features"]
    ) -> tuple[MetricValue, ...]:
        """Compares; one row per picture, in any order, which changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardResult:
    """What came of one shard.

    Attributes:
        shard: its number.
        state: "made"; "found" where it was there already; "failed" where every attempt failed.
        num_pictures: pictures in it.
        num_refused: pictures of it that were drawn and left out.
        seconds: what it took, the last attempt alone.
        worker: who made it.
        num_attempts: how often it was begun, at least 1.
        error: why it failed, in one line; "" where it did not.
    """

    shard: int
    state: Literal["made", "found", "failed"]
    num_pictures: int = 0
    num_refused: int = 0
    seconds: float = 0.0
    worker: str = ""
    num_attempts: int = 1
    error: str = ""


ShardMaker = Callable[[int], ShardResult]
"""Makes one shard, by number; doing so again gives the same shard."""


class Executor(ABC):
    """Makes shards somewhere: in this process, in several, on a cluster."""

    @abstractmethod
    def map(self, shards: Sequence[int], *, begin_worker: Callable[[int], ShardMaker]) -> Iterator[ShardResult]:
        """Makes each shard once and tells of it as soon as it is done, in any order; one that fails is tried again.

        `begin_worker` takes the number of a worker; it can be pickled and is called once in each worker.
        """
