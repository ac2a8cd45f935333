"""The one table of all methods: `METHODS`. To add one is to write it in a file of its own and to give it an entry here.

Its name goes into `config.SearcherName` too where `rldf search` can run it; a test compares the two.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from rldf.agents import DoubleQAgent, ExpectedSarsaAgent, QLearningAgent, SarsaAgent
from rldf.contracts import Searcher
from rldf.gradient import GUARDED, GUARDED_SPSA, PLAIN, SPSA
from rldf.presets.agent_methods import MakeAgent, dyna_q, learner, uniform, walking, walking_shaped
from rldf.presets.script_methods import (
    CONFIRMED,
    WriteScript,
    annealing,
    ascent,
    best_first,
    genetic,
    likeliest_sentence,
    most_alike_sentence,
    percept_rerank,
    pez_snapped_rerank,
    scripted,
    sentence_rerank,
    start_itself,
    thompson,
    ucb,
)
from rldf.searchers import FactoredSearcher, RandomSearcher, hill_climb, plan_on_model, try_everything
from rldf.searchers.cma_search import search_with_cma
from rldf.searchers.factored import MAX_SEEDS_PER_ENCODING
from rldf.searchers.optuna_search import search_with_optuna
from rldf.searchers.planning import DISCOUNT
from rldf.searchers.request import SearcherRequest
from rldf.space import Encoding

Grid = Mapping[str, tuple[float, ...]]
"""Setting to the values that tuning chooses among."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """What there is to know of a method.

    Attributes:
        make: makes the searcher, or gives the answer of a method that tries nothing.
        make_agent: makes the agent of a method that is one, and takes the settings of a search for agents; else None.
        tunable: its settings that can be tuned, and their values; without the share of confirmations.
        starts: kinds of start the benchmark runs it with.
        has_tries: False for bounds and methods that render nothing.
        has_horizon: True where it goes another way when it may use more renders.
        has_confirming: True where there is a variant that confirms its leader; its name ends with `CONFIRMED`.
        is_slow: True where the benchmark runs it on fewer targets.
        is_bench_only: True where the benchmark alone can tell it what it needs.
    """

    make: Callable[[SearcherRequest], Searcher | Encoding]
    make_agent: MakeAgent | None = None
    tunable: Grid = field(default_factory=dict)
    starts: tuple[Literal["cold", "warm"], ...] = ("cold", "warm")
    has_tries: bool = True
    has_horizon: bool = False
    has_confirming: bool = False
    is_slow: bool = False
    is_bench_only: bool = False


_BY_VALUES: Grid = {
    "discount": (0.5, 0.8, 0.9, 0.99),
    "learning_rate": (0.05, 0.1, 0.3, 0.7, 1.0),
    "first_epsilon": (0.3, 1.0),
    "last_epsilon": (0.01, 0.1, 0.3),
}
_BY_MODEL: Grid = {name: values for name, values in _BY_VALUES.items() if name != "learning_rate"}
_SHAPING: Grid = {"shaping_scale": (0.3, 1.0, 3.0)}
_GRADIENT: Grid = {"learning_rate": (0.5, 1.0, 2.0, 4.0), "half_width": (1, 2, 3)}
_GUARDED: Grid = {**_GRADIENT, "trust_region": (1, 2, 3, 5), "patience": (4, 12, 40)}
_CONFIRMING: Grid = {"confirming_share": (0.1, 0.25, 0.4)}


def _script(write: WriteScript, *, tunable: Grid | None = None, has_confirming: bool = False) -> Method:
    """A method that is written as a script."""
    return Method(make=scripted(write), tunable={} if tunable is None else tunable, has_confirming=has_confirming)


def _agent(make: MakeAgent, *, tunable: Grid) -> Method:
    """A method that is an agent, and learns."""
    return Method(make=walking(make), make_agent=make, tunable=tunable, has_horizon=True)


def _factored(request: SearcherRequest) -> Searcher:
    return FactoredSearcher(
        space=request.space,
        start=request.start,
        seed=request.seed,
        max_seeds_per_encoding=request.whole("max_seeds_per_encoding", MAX_SEEDS_PER_ENCODING),
    )


def _deep(algorithm: Literal["ppo", "dqn"]) -> Method:
    def make(request: SearcherRequest) -> Searcher:
        from rldf.searchers.stable_baselines import StableBaselinesSearcher

        return StableBaselinesSearcher(space=request.space, start=request.start, seed=request.seed, algorithm=algorithm)

    return Method(make=make, is_slow=True)


_OWN: dict[str, Method] = {
    "factored": Method(make=_factored, tunable={"max_seeds_per_encoding": (1, 2, 3, 4, 6, 8)}),
    "q-learning": _agent(learner(QLearningAgent), tunable=_BY_VALUES),
    "sarsa": replace(  # for each new picture it asks about a hundred times for what it knows
        _agent(learner(SarsaAgent), tunable=_BY_VALUES), is_slow=True
    ),
    "random": Method(make=lambda r: RandomSearcher(space=r.space, start=r.start, seed=r.seed)),
    "random-walk": Method(make=walking(uniform), make_agent=uniform),
    "expected-sarsa": _agent(learner(ExpectedSarsaAgent), tunable=_BY_VALUES),
    "double-q": _agent(learner(DoubleQAgent), tunable=_BY_VALUES),
    "dyna-q": _agent(dyna_q, tunable=_BY_MODEL),
    "hill-climb": _script(lambda r: hill_climb(space=r.space, start=r.start, seed=r.seed), has_confirming=True),
    "hill-climb-first": _script(lambda r: hill_climb(space=r.space, start=r.start, seed=r.seed, improvement="first")),
    "annealing": Method(
        make=scripted(annealing),
        tunable={"first_temperature": (0.1, 0.3, 1.0, 3.0), "last_temperature": (0.005, 0.02, 0.08)},
        has_horizon=True,
        has_confirming=True,
    ),
    "genetic": _script(
        genetic,
        tunable={
            "population": (6, 10, 20),
            "num_parents": (3, 5, 10),
            "mutation_rate": (0.1, 0.25, 0.5),
            "num_children": (6, 10, 20),
        },
        has_confirming=True,
    ),
    "ucb": _script(ucb, tunable={"optimism": (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)}, has_confirming=True),
    "thompson": _script(thompson, has_confirming=True),
    "best-first": _script(
        best_first,
        tunable={"exploration": (0.0, 0.25, 0.5, 1.0, 2.0), "path_cost": (0.0, 0.005, 0.02, 0.1)},
        has_confirming=True,
    ),
    "planning": Method(
        make=scripted(
            lambda r: plan_on_model(space=r.space, start=r.start, seed=r.seed, discount=r.number("discount", DISCOUNT))
        ),
        tunable={"discount": (0.3, 0.5, 0.7, 0.9, 0.95)},
        has_confirming=True,
        is_slow=True,
    ),
    "gradient": _script(ascent(PLAIN), tunable=_GRADIENT),
    "gradient-guarded": _script(ascent(GUARDED), tunable=_GUARDED, has_confirming=True),
    "spsa": _script(ascent(SPSA), tunable=_GRADIENT),
    "spsa-guarded": _script(ascent(GUARDED_SPSA), tunable=_GUARDED, has_confirming=True),
    "percept-rerank": Method(make=scripted(percept_rerank), starts=("warm",), has_confirming=True),
    "exhaustive": _script(lambda r: try_everything(space=r.space)),
}
_CONFIRMED: dict[str, Method] = {
    f"{name}{CONFIRMED}": replace(method, tunable={**method.tunable, **_CONFIRMING}, has_confirming=False)
    for name, method in _OWN.items()
    if method.has_confirming
}
_OF_LIBRARIES: dict[str, Method] = {
    "tpe": Method(
        make=scripted(lambda r: search_with_optuna(space=r.space, start=r.start, seed=r.seed, sampler="tpe")),
        is_slow=True,
    ),
    "gp": Method(
        make=scripted(lambda r: search_with_optuna(space=r.space, start=r.start, seed=r.seed, sampler="gp")),
        is_slow=True,
    ),
    "cma-es": Method(make=scripted(lambda r: search_with_cma(space=r.space, start=r.start, seed=r.seed)), is_slow=True),
    "ppo": _deep("ppo"),
    "dqn": _deep("dqn"),
}
_OF_THE_BENCH: dict[str, Method] = {
    "q-learning-shaped": Method(
        make=walking_shaped(learner(QLearningAgent)),
        tunable={**_BY_VALUES, **_SHAPING},
        starts=("warm",),
        has_horizon=True,
        is_bench_only=True,
    ),
    "dyna-q-shaped": Method(
        make=walking_shaped(dyna_q),
        tunable={**_BY_MODEL, **_SHAPING},
        starts=("warm",),
        has_horizon=True,
        is_bench_only=True,
    ),
    "sentence-rerank": Method(make=scripted(sentence_rerank), starts=("warm",), is_bench_only=True),
    "pez-snapped-rerank": Method(make=scripted(pez_snapped_rerank), starts=("warm",), is_bench_only=True),
    "random-encoding": Method(make=start_itself, starts=("cold",), has_tries=False, is_bench_only=True),
    "percept": Method(make=start_itself, starts=("warm",), has_tries=False, is_bench_only=True),
    "sentence-ranking": Method(make=likeliest_sentence, starts=("warm",), has_tries=False, is_bench_only=True),
    "pez-snapped": Method(make=most_alike_sentence, starts=("warm",), has_tries=False, is_bench_only=True),
}

METHODS: Mapping[str, Method] = {**_OWN, **_CONFIRMED, **_OF_LIBRARIES, **_OF_THE_BENCH}
"""Every method by its name."""

SEARCHER_NAMES: tuple[str, ...] = tuple(name for name, method in METHODS.items() if method.has_tries)
"""Every method that tries something."""

NO_TRIES: tuple[str, ...] = tuple(name for name, method in METHODS.items() if not method.has_tries)
"""Bounds and methods that render nothing."""
