"""The loop of every search: ask, try, tell. It yields, so that whoever watches sees each try as it comes."""

from collections.abc import Callable, Iterator

from rldf.contracts import Feedback, Searcher
from rldf.records import StepRecord
from rldf.search.budget import Ledger, Stopped


def search(
    searcher: Searcher,
    feedback: Feedback,
    *,
    ledger: Ledger,
    seed_of: Callable[[int], int],
    batch_size: int = 8,
) -> Iterator[StepRecord]:
    """Searches until the budget is used or the searcher is finished.

    Args:
        searcher: proposes encodings and learns from what came of them.
        feedback: tries them; counts into the ledger, such as `RunFeedback`.
        ledger: what is used so far; its limits are never passed.
        seed_of: gives the seed of a proposal's seed_index.
        batch_size: most tries at once; searchers may ask for fewer.

    Yields:
        One record per try.
    """
    while (left := ledger.search_renders_left) > 0:
        proposals = searcher.ask(min(batch_size, left))
        if not proposals:
            return
        records = feedback.try_encodings(
            [proposal.encoding for proposal in proposals],
            seeds=[seed_of(proposal.seed_index) for proposal in proposals],
        )
        searcher.tell(records)
        yield from records


def why_stopped(ledger: Ledger) -> Stopped:
    """Tells which limit ended the search; "finished" where the searcher itself did."""
    if ledger.is_search_over:
        return "time"
    return "finished" if ledger.search_renders_left > 0 else "budget"
