"""Searchers: they propose encodings and learn from what came of them.

- `FactoredSearcher`: the default; models what each axis contributes.
- `GridWalk`: turns an agent that walks by moves into a searcher.
- `RandomSearcher`: uniform draws, none twice.
- `rank_by_records`, `RankedEncoding`: the best encodings of any search, by its records alone.
"""

from rldf.searchers.baselines import RandomSearcher
from rldf.searchers.factored import FactoredSearcher
from rldf.searchers.grid_walk import GridWalk
from rldf.searchers.ranking import RankedEncoding, rank_by_records

__all__ = ["FactoredSearcher", "GridWalk", "RandomSearcher", "RankedEncoding", "rank_by_records"]
