"""What a search is given: its parts, and the job to do with them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rldf.arrays import Image, Probabilities
from rldf.contracts import Feedback, ImageGenerator, Perception, Searcher, Target
from rldf.grammar import Grammar
from rldf.records import Outcome, StepRecord
from rldf.search.budget import Budget
from rldf.search.select import SelectionRule
from rldf.space import Encoding, EncodingSpace

StartSource = Literal["percept", "random", "given"]

MakeSearcher = Callable[[EncodingSpace, Encoding, int, Sequence[Probabilities] | None], Searcher]
"""Makes a searcher from space, start, seed and, where the search starts at the percept, its probabilities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCard:
    """Which model a part is made of.

    Attributes:
        id: name, hub id or folder.
        digest: of its weights; "" where none is known, as with an endpoint.
        kind: how it works, such as "embedded", "diffusers", "heads".
        identity: of a generator, every setting that changes pixels, as one line.
    """

    id: str
    digest: str
    kind: str
    identity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The feedback for one target, and what must be known of it.

    Attributes:
        feedback: tries encodings.
        reward_bounds: lowest and highest reward.
        reward_again: rewards pictures of earlier searches for this target; draws nothing.
        notes: one line each, such as a reward that had to be exchanged.
    """

    feedback: Feedback
    reward_bounds: tuple[float, float]
    reward_again: Callable[[Sequence[Outcome]], list[StepRecord]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchParts:
    """The parts of a search, ready for use; shared by all searches of a process.

    Attributes:
        grammar: renders encodings as sentences.
        space: the grid, with its locks.
        image_generator: draws, through the render cache where there is one.
        perception: scorer A.
        judge: scorer B.
        is_judge_independent: False where scorer A judges itself.
        generator_card, perception_card, judge_card: which models these are.
        wire: makes the feedback for a target.
        make_searcher: makes a searcher from space, start, seed and what scorer A read in the input: for each axis one
            probability per term; None where the search does not start at the percept.
        negative_prompt: what pictures are steered away from; "" for nothing.
        evaluations_per_picture: evaluations of the denoiser that one picture takes; 0 where unknown.
        cache_hits: tells how many pictures came from the render cache so far.
        device: such as "cpu".
        dtype: such as "float32".
        notes: one line each, whatever a reader must know of the parts.
    """

    grammar: Grammar
    space: EncodingSpace
    image_generator: ImageGenerator
    perception: Perception
    judge: Perception
    is_judge_independent: bool
    generator_card: PartCard
    perception_card: PartCard
    judge_card: PartCard
    wire: Callable[[Target], Wiring]
    make_searcher: MakeSearcher
    negative_prompt: str = ""
    evaluations_per_picture: int = 0
    cache_hits: Callable[[], int] = lambda: 0
    device: str = "cpu"
    dtype: str = "float32"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InputPicture:
    """One picture the user gave.

    Attributes:
        path: as it was given.
        sha256: of the file.
        image: its pixels, RGB, 0 to 255.
    """

    path: str
    sha256: str
    image: Image


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchJob:
    """One search to do.

    Attributes:
        inputs: the picture; several are taken as one concept.
        seed: root seed, 0 or larger.
        budget: hard limits.
        batch_size: pictures drawn at once, at least 1.
        start: where the search begins: at the percept of the input, anywhere, or at given terms.
        start_terms: axis id to term, for a given start; axes left out start at the percept.
        misread: axis id to term: what perception is made to read in the input, for experiments.
        num_test_seeds: pictures of each encoding that scorer B judges, at least 2.
        num_new: further pictures of what was found.
        rule: when a found encoding replaces the start.
        earlier: pictures of earlier searches, told to the searcher before its first try; they cost nothing now.
    """

    inputs: tuple[InputPicture, ...]
    seed: int = 0
    budget: Budget
    batch_size: int = 8
    start: StartSource = "percept"
    start_terms: Mapping[str, str] = field(default_factory=dict)
    misread: Mapping[str, str] = field(default_factory=dict)
    num_test_seeds: int = 16
    num_new: int = 8
    rule: SelectionRule = field(default_factory=SelectionRule)
    earlier: tuple[Outcome, ...] = ()
