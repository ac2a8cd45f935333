"""Builds searchers by their names: the one table of all methods."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

from rldf.agents import (
    ConstantRate,
    DoubleQAgent,
    DynaQAgent,
    ExpectedSarsaAgent,
    LinearEpsilon,
    QLearningAgent,
    SarsaAgent,
    ShapedAgent,
    UniformAgent,
)
from rldf.contracts import Agent, Searcher
from rldf.errors import ConfigError, did_you_mean
from rldf.gradient import GUARDED, GUARDED_SPSA, PLAIN, SPSA, AscentSettings, ascend
from rldf.presets.config import SearcherName
from rldf.presets.method_settings import MethodSettings
from rldf.searchers import (
    FactoredSearcher,
    GridWalk,
    RandomSearcher,
    Script,
    ScriptSearcher,
    anneal,
    confirm,
    evolve,
    hill_climb,
    plan_on_model,
    play_bandits,
    prior_around,
    rerank,
    search_best_first,
    try_everything,
)
from rldf.searchers.bandits import OPTIMISM, BanditRule
from rldf.searchers.best_first import EXPLORATION, PATH_COST
from rldf.searchers.cma_search import search_with_cma
from rldf.searchers.evolution import Breeding
from rldf.searchers.local_search import FIRST_TEMPERATURE, LAST_TEMPERATURE
from rldf.searchers.optuna_search import search_with_optuna
from rldf.searchers.prior import likeliest, most_alike, try_in_order
from rldf.searchers.request import SearcherRequest
from rldf.searchers.scripted import CONFIRMING_SHARE
from rldf.space import Encoding, EncodingSpace

DISCOUNT = 0.9  # the paper's
FIRST_EPSILON = 1.0  # our choice, as in a search run
LAST_EPSILON = 0.1
EXPLORING_SHARE = 0.5  # of the tries, over which epsilon falls
MAX_EPISODE_MOVES = 100
SHAPING_SCALE = 1.0

LEARNING_RATE = 0.1
MAX_SEEDS_OF_FACTORED = 4

CONFIRMED = "+confirm"
"""Suffix of the name of a method that is not an agent: a quarter of its tries goes to its leader, on further seeds."""

NO_TRIES = ("random-encoding", "percept", "sentence-ranking", "pez-snapped")
"""Bounds and methods that render nothing."""


def _scripts(request: SearcherRequest) -> dict[str, Callable[[], Script]]:
    """Every method that is written as a script."""
    space, start, seed = request.space, request.start, request.seed
    tuned = MethodSettings(request.settings)

    def bandits(rule: BanditRule) -> Callable[[], Script]:
        optimism = tuned.number("optimism", OPTIMISM)
        return lambda: play_bandits(space=space, start=start, seed=seed, rule=rule, optimism=optimism)

    return {
        "hill-climb": lambda: hill_climb(space=space, start=start, seed=seed),
        "hill-climb-first": lambda: hill_climb(space=space, start=start, seed=seed, improvement="first"),
        "annealing": lambda: anneal(
            space=space,
            start=start,
            seed=seed,
            num_tries=request.horizon,
            first_temperature=tuned.number("first_temperature", FIRST_TEMPERATURE),
            last_temperature=tuned.number("last_temperature", LAST_TEMPERATURE),
        ),
        "genetic": lambda: evolve(space=space, start=start, seed=seed, breeding=_breeding(tuned)),
        "ucb": bandits("ucb"),
        "thompson": bandits("thompson"),
        "best-first": lambda: search_best_first(
            space=space,
            start=start,
            seed=seed,
            exploration=tuned.number("exploration", EXPLORATION),
            path_cost=tuned.number("path_cost", PATH_COST),
        ),
        "planning": lambda: plan_on_model(
            space=space, start=start, seed=seed, discount=tuned.number("discount", DISCOUNT)
        ),
        "tpe": lambda: search_with_optuna(space=space, start=start, seed=seed, sampler="tpe"),
        "gp": lambda: search_with_optuna(space=space, start=start, seed=seed, sampler="gp"),
        "cma-es": lambda: search_with_cma(space=space, start=start, seed=seed),
        **_gradients(request),
        **_rankings(request),
    }


def _gradients(request: SearcherRequest) -> dict[str, Callable[[], Script]]:
    """The black-box variants of the noisy diffusion gradient."""
    space, start, seed, tuned = request.space, request.start, request.seed, MethodSettings(request.settings)

    def gradient(plain: AscentSettings) -> Callable[[], Script]:
        settings = replace(
            plain,
            learning_rate=tuned.number("learning_rate", plain.learning_rate),
            half_width=tuned.whole("half_width", plain.half_width),
            trust_region=tuned.whole("trust_region", plain.trust_region),
            patience=tuned.whole("patience", plain.patience),
        )
        return lambda: ascend(space=space, start=start, seed=seed, settings=settings)

    return {
        "gradient": gradient(PLAIN),
        "gradient-guarded": gradient(GUARDED),
        "spsa": gradient(SPSA),
        "spsa-guarded": gradient(GUARDED_SPSA),
    }


def _rankings(request: SearcherRequest) -> dict[str, Callable[[], Script]]:
    """Methods that try what was likely beforehand, and the one that tries everything."""
    space, start = request.space, request.start
    prior = prior_around(space, start) if request.prior is None else request.prior
    sentences = prior if request.sentence_prior is None else request.sentence_prior

    return {
        "percept-rerank": lambda: rerank(space=space, prior=prior),
        "sentence-rerank": lambda: rerank(space=space, prior=sentences),
        "pez-snapped-rerank": lambda: (
            rerank(space=space, prior=prior)
            if request.sentence_likeness is None
            else try_in_order(most_alike(space, request.sentence_likeness))
        ),
        "exhaustive": lambda: try_everything(space=space),
    }


def _answer(request: SearcherRequest) -> Encoding:
    """What a method answers that tries nothing; its start where it is told no sentences."""
    if request.name == "sentence-ranking" and request.sentence_prior is not None:
        return next(likeliest(request.space, request.sentence_prior))
    if request.name == "pez-snapped" and request.sentence_likeness is not None:
        return next(most_alike(request.space, request.sentence_likeness))
    return request.start


def _agents(request: SearcherRequest) -> dict[str, Callable[[], Agent]]:
    """Every agent that walks the grid."""
    num_actions, seed, tuned = len(request.space.moves), request.seed, MethodSettings(request.settings)
    num_exploring = max(1, int(EXPLORING_SHARE * request.horizon))
    exploration = LinearEpsilon(
        first=tuned.number("first_epsilon", FIRST_EPSILON),
        last=tuned.number("last_epsilon", LAST_EPSILON),
        num_actions=num_exploring,
    )
    discount = tuned.number("discount", DISCOUNT)
    rate = ConstantRate(tuned.number("learning_rate", LEARNING_RATE))

    def shaped(make: Callable[[], Agent]) -> Callable[[], Agent]:
        scale = tuned.number("shaping_scale", SHAPING_SCALE)
        return lambda: ShapedAgent(make(), potential=_potential(request), discount=discount, scale=scale)

    def q_learning() -> Agent:
        return QLearningAgent(
            num_actions=num_actions, discount=discount, learning_rate=rate, exploration=exploration, seed=seed
        )

    def dyna_q() -> Agent:
        return DynaQAgent(num_actions=num_actions, discount=discount, exploration=exploration, seed=seed)

    return {
        "q-learning": q_learning,
        "sarsa": lambda: SarsaAgent(
            num_actions=num_actions, discount=discount, learning_rate=rate, exploration=exploration, seed=seed
        ),
        "expected-sarsa": lambda: ExpectedSarsaAgent(
            num_actions=num_actions, discount=discount, learning_rate=rate, exploration=exploration, seed=seed
        ),
        "double-q": lambda: DoubleQAgent(
            num_actions=num_actions, discount=discount, learning_rate=rate, exploration=exploration, seed=seed
        ),
        "dyna-q": dyna_q,
        "q-learning-shaped": shaped(q_learning),
        "dyna-q-shaped": shaped(dyna_q),
        "random-walk": lambda: UniformAgent(num_actions=num_actions, seed=seed),
    }


def make_searcher(request: SearcherRequest) -> Searcher | Encoding:
    """Makes a searcher by its name, at its defaults or as tuned.

    Args:
        request: name, space, start, what is known beforehand, seed and renders.

    Returns:
        The searcher, or the answer of a method that tries nothing.

    Raises:
        ConfigError: if there is no such method.
    """
    name, space, start, seed = request.name, request.space, request.start, request.seed
    tuned = MethodSettings(request.settings)
    if name in NO_TRIES:
        return _answer(request)
    if name == "factored":
        max_seeds = tuned.whole("max_seeds_per_encoding", MAX_SEEDS_OF_FACTORED)
        return FactoredSearcher(space=space, start=start, seed=seed, max_seeds_per_encoding=max_seeds)
    if name == "random":
        return RandomSearcher(space=space, start=start, seed=seed)
    if name in {"ppo", "dqn"}:
        from rldf.searchers.stable_baselines import StableBaselinesSearcher

        return StableBaselinesSearcher(space=space, start=start, seed=seed, algorithm="ppo" if name == "ppo" else "dqn")
    scripts = _scripts(request)
    plain = name.removesuffix(CONFIRMED)
    if plain in scripts:
        script = scripts[plain]()
        share = tuned.number("confirming_share", CONFIRMING_SHARE)
        return ScriptSearcher(script if plain == name else confirm(script, share=share))
    agents = _agents(request)
    if name in agents:
        is_cold = request.prior is None
        return GridWalk(
            agent=agents[name](),
            space=space,
            start=None if is_cold else start,  # Algorithm 1: each episode starts anywhere
            max_episode_steps=MAX_EPISODE_MOVES,
            seed=seed,
        )
    raise ConfigError(
        f"there is no searcher '{name}'. There are: {', '.join(SEARCHER_NAMES)}."
        f"{did_you_mean(name, SEARCHER_NAMES)} Name one of these."
    )


def make_for_search(name: str, *, space: EncodingSpace, start: Encoding, seed: int, horizon: int) -> Searcher:
    """Makes a searcher for a search run, which knows no more than where it begins.

    Args:
        name: one of `SEARCHER_NAMES`.
        space: the grid.
        start: where it begins.
        seed: root seed of the run.
        horizon: renders it may use.

    Returns:
        The searcher.
    """
    made = make_searcher(
        SearcherRequest(
            name=name,
            space=space,
            start=start,
            prior=None,
            sentence_prior=None,
            sentence_likeness=None,
            seed=seed,
            horizon=horizon,
        )
    )
    assert isinstance(made, Searcher), "these all try something"
    return made


def _breeding(tuned: MethodSettings) -> Breeding:
    plain = Breeding()
    population = tuned.whole("population", plain.population)
    children = tuned.whole("num_children", plain.num_mutants + plain.num_crossovers)
    return Breeding(
        population=population,
        num_parents=max(2, min(population, tuned.whole("num_parents", plain.num_parents))),
        mutation_rate=tuned.number("mutation_rate", plain.mutation_rate),
        num_mutants=children - children // 2,
        num_crossovers=children // 2,
    )


def _potential(request: SearcherRequest) -> Callable[[int], float]:
    """How likely each state's terms are beforehand, mean over the axes, 0 to 1; none of it for a cold start."""
    prior = request.prior
    if prior is None:
        return lambda _: 0.0
    space = request.space
    kept: dict[int, float] = {}

    def potential(state: int) -> float:
        if state not in kept:
            indices = space.encoding(state).indices
            kept[state] = sum(float(row[index]) for row, index in zip(prior, indices, strict=True)) / len(indices)
        return kept[state]

    return potential


BENCH_ONLY = ("q-learning-shaped", "dyna-q-shaped", "sentence-rerank", "pez-snapped-rerank")
"""Methods of the benchmark alone, which knows what they need beside the settings of a search."""

SEARCHER_NAMES: tuple[str, ...] = (*get_args(SearcherName), *BENCH_ONLY)
"""Every method that tries something."""
