"""Search runs: the loop, hard budgets, validation, the final judgement, and going on after an interruption.

- `search`: the loop; `Budget`, `Ledger`, `RunFeedback`, `Journal`: what keeps it within its limits and on record.
- `run_search`: the whole job, from the input picture to `summary.json`; `SearchParts`, `SearchJob`: what it is given.
- `SearchEvent`: what it tells while it works.
"""

from rldf.search.budget import Budget, Ledger
from rldf.search.events import InputRead, PictureDrawn, RunFinished, SearchEvent, Tried
from rldf.search.journal import Journal, RunFeedback
from rldf.search.judge import Judgement
from rldf.search.parts import InputPicture, PartCard, SearchJob, SearchParts, Wiring
from rldf.search.run import search
from rldf.search.seeds import RunSeeds
from rldf.search.select import SelectionRule
from rldf.search.session import run_search

__all__ = [
    "Budget",
    "InputPicture",
    "InputRead",
    "Journal",
    "Judgement",
    "Ledger",
    "PartCard",
    "PictureDrawn",
    "RunFeedback",
    "RunFinished",
    "RunSeeds",
    "SearchEvent",
    "SearchJob",
    "SearchParts",
    "SelectionRule",
    "Tried",
    "Wiring",
    "run_search",
    "search",
]
