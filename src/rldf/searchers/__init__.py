"""Searchers: they propose encodings and learn from what came of them.

- `FactoredSearcher`: the default; models what each axis contributes.
- `GridWalk`: turns an agent that walks by moves into a searcher.
- `RandomSearcher`: uniform draws, none twice.
- `ScriptSearcher`: turns a search written as a loop into a searcher. Such loops: `hill_climb`, `anneal`, `evolve`,
  `play_bandits`, `search_best_first`, `plan_on_model`, `rerank`, `try_everything`. `confirm` adds further seeds to any.
- `rldf.searchers.optuna_search`, `cma_search`, `stable_baselines`: those that need the extra `rldf[bench]`.
- `rank_by_records`, `RankedEncoding`: the best encodings of any search, by its records alone.
"""

from rldf.searchers.bandits import BanditRule, play_bandits
from rldf.searchers.baselines import RandomSearcher
from rldf.searchers.best_first import search_best_first
from rldf.searchers.evolution import Breeding, evolve
from rldf.searchers.factored import FactoredSearcher
from rldf.searchers.grid_walk import GridWalk
from rldf.searchers.local_search import anneal, hill_climb
from rldf.searchers.planning import plan_on_model
from rldf.searchers.prior import likeliest, prior_around, rerank, try_everything
from rldf.searchers.ranking import RankedEncoding, rank_by_records
from rldf.searchers.scripted import Script, ScriptSearcher, confirm

__all__ = [
    "BanditRule",
    "Breeding",
    "FactoredSearcher",
    "GridWalk",
    "RandomSearcher",
    "RankedEncoding",
    "Script",
    "ScriptSearcher",
    "anneal",
    "confirm",
    "evolve",
    "hill_climb",
    "likeliest",
    "plan_on_model",
    "play_bandits",
    "prior_around",
    "rank_by_records",
    "rerank",
    "search_best_first",
    "try_everything",
]
