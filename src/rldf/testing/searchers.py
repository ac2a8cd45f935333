"""What every `Searcher` keeps: inherit `SearcherSuite` in a test and override one method."""

from abc import ABC, abstractmethod
from inspect import signature

from rldf.contracts import Proposal, Searcher
from rldf.space import Axis, Encoding, EncodingSpace, Exclusion
from rldf.testing.feedback import AnalyticFeedback

SPACE = EncodingSpace(
    axes=(
        Axis(id="object", terms=("carrot", "cow", "car", "bus")),
        Axis(id="count", terms=("one", "two", "three"), kind="ordinal"),
        Axis(id="scene", terms=("farm", "park", "beach")),
    )
)
TARGET = Encoding((1, 2, 0))
DECOY = Encoding((3, 0, 2))


class SearcherSuite(ABC):
    """Conformance tests of the `Searcher` contract.

    Example:
        class TestMySearcher(SearcherSuite):
            def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
                return MySearcher(space=space, start=start, seed=seed)
    """

    @abstractmethod
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        """Makes a fresh searcher."""

    def test_ask__keeps_to_the_batch_and_the_space(self) -> None:
        """At least one and at most the allowed number of proposals, all points of the grid, seeds from 0."""
        searcher = self.make_searcher(space=SPACE, start=None, seed=0)
        feedback = rewarding(TARGET)
        for batch_size in (1, 3, 8, 2):
            proposals = searcher.ask(batch_size)
            assert 1 <= len(proposals) <= batch_size
            assert all(SPACE.allows(proposal.encoding) and proposal.seed_index >= 0 for proposal in proposals)
            told(searcher, feedback, proposals)

    def test_ask__keeps_locks_and_exclusions(self) -> None:
        """Nothing forbidden is proposed."""
        space = EncodingSpace(
            axes=SPACE.axes,
            locked={"count": "two"},
            exclusions=(Exclusion(terms={"object": ("bus", "car"), "scene": ("beach",)}),),
        )
        proposals = proposals_of(
            self.make_searcher(space=space, start=None, seed=1), rewarding(Encoding((3, 1, 2))), num_batches=8
        )
        assert proposals
        assert all(space.allows(proposal.encoding) for proposal in proposals)

    def test_equal_seeds__propose_alike(self) -> None:
        """Seed and records fix every proposal."""
        first, second = (
            proposals_of(self.make_searcher(space=SPACE, start=None, seed=5), rewarding(TARGET)) for _ in range(2)
        )
        assert first == second

    def test_decoy_target__changes_nothing(self) -> None:
        """Rewards and percepts are all that reaches a searcher: another hidden target leaves its proposals alone."""
        honest = rewarding(TARGET, hidden=TARGET)
        decoy = rewarding(TARGET, hidden=DECOY)
        first, second = (
            proposals_of(self.make_searcher(space=SPACE, start=Encoding((0, 0, 0)), seed=2), feedback)
            for feedback in (honest, decoy)
        )
        assert first == second

    def test_constructor__takes_no_target(self) -> None:
        """A searcher is not built with the target, the reward, or anything else that knows it."""
        parameters = signature(type(self.make_searcher(space=SPACE, start=None, seed=0))).parameters
        forbidden = ("target", "feedback", "reward", "reference", "perception")
        assert not [name for name in parameters if any(word in name for word in forbidden)]
        assert not [name for name, p in parameters.items() if p.annotation is Encoding and name != "start"]

    def test_huge_space__is_not_enumerated(self) -> None:
        """A space of more states than could ever be listed is searched all the same."""
        axes = tuple(Axis(id=f"axis-{i}", terms=tuple(f"term-{j}" for j in range(10))) for i in range(12))
        space = EncodingSpace(axes=axes)
        searcher = self.make_searcher(space=space, start=None, seed=0)
        feedback = AnalyticFeedback(space=space, reward_of=lambda encoding: encoding.indices[0] / 9)
        assert len(proposals_of(searcher, feedback, num_batches=3, batch_size=2)) >= 3


class _Hidden:
    """A rule that knows more than it tells."""

    def __init__(self, rewarded: Encoding, hidden: Encoding) -> None:
        self.rewarded = rewarded
        self.hidden = hidden

    def __call__(self, encoding: Encoding) -> float:
        return 1 - SPACE.normalised_distance(encoding, self.rewarded)


def rewarding(target: Encoding, *, hidden: Encoding | None = None) -> AnalyticFeedback:
    """Makes a feedback on the suite's space that rewards nearness to an encoding.

    Args:
        target: what is rewarded.
        hidden: what the feedback holds as its target beside it; None for the same.

    Returns:
        The feedback; what is hidden changes neither rewards nor percepts.
    """
    return AnalyticFeedback(space=SPACE, reward_of=_Hidden(target, target if hidden is None else hidden), noise=0.02)


def told(searcher: Searcher, feedback: AnalyticFeedback, proposals: list[Proposal]) -> None:
    """Tries proposals and tells the searcher what came of them.

    Args:
        searcher: learns.
        feedback: tries.
        proposals: what the searcher asked last.
    """
    encodings = [proposal.encoding for proposal in proposals]
    searcher.tell(feedback.try_encodings(encodings, seeds=[100 + proposal.seed_index for proposal in proposals]))


def proposals_of(
    searcher: Searcher, feedback: AnalyticFeedback, *, num_batches: int = 6, batch_size: int = 4
) -> list[Proposal]:
    """Runs a searcher for some batches, or until it is finished.

    Args:
        searcher: asks and learns.
        feedback: tries.
        num_batches: rounds of ask and tell at most.
        batch_size: proposals a round at most.

    Returns:
        Everything it proposed, in order.
    """
    everything: list[Proposal] = []
    for _ in range(num_batches):
        proposals = searcher.ask(batch_size)
        if not proposals:
            break
        told(searcher, feedback, proposals)
        everything += proposals
    return everything
