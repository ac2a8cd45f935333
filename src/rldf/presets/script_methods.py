"""Scripts as methods: how each is written from a request, and what methods answer that try nothing."""

from collections.abc import Callable
from dataclasses import replace

from rldf.arrays import Probabilities
from rldf.contracts import Searcher
from rldf.gradient import AscentSettings, ascend
from rldf.searchers import (
    Script,
    ScriptSearcher,
    anneal,
    confirm,
    evolve,
    play_bandits,
    prior_around,
    rerank,
    search_best_first,
)
from rldf.searchers.bandits import OPTIMISM
from rldf.searchers.best_first import EXPLORATION, PATH_COST
from rldf.searchers.evolution import Breeding
from rldf.searchers.local_search import FIRST_TEMPERATURE, LAST_TEMPERATURE
from rldf.searchers.prior import likeliest, most_alike, try_in_order
from rldf.searchers.request import SearcherRequest
from rldf.searchers.scripted import CONFIRMING_SHARE
from rldf.space import Encoding

CONFIRMED = "+confirm"
"""Suffix of the name of a method that is not an agent: a quarter of its tries goes to its leader, on further seeds."""

WriteScript = Callable[[SearcherRequest], Script]


def scripted(write: WriteScript) -> Callable[[SearcherRequest], Searcher]:
    """Makes a searcher of a script, which confirms its leader where its name says so."""

    def make(request: SearcherRequest) -> Searcher:
        script = write(request)
        if request.name.endswith(CONFIRMED):
            script = confirm(script, share=request.number("confirming_share", CONFIRMING_SHARE))
        return ScriptSearcher(script)

    return make


def annealing(request: SearcherRequest) -> Script:
    """Writes simulated annealing over the renders it may use."""
    return anneal(
        space=request.space,
        start=request.start,
        seed=request.seed,
        num_tries=request.horizon,
        first_temperature=request.number("first_temperature", FIRST_TEMPERATURE),
        last_temperature=request.number("last_temperature", LAST_TEMPERATURE),
    )


def genetic(request: SearcherRequest) -> Script:
    """Writes the genetic algorithm."""
    plain = Breeding()
    population = request.whole("population", plain.population)
    children = request.whole("num_children", plain.num_mutants + plain.num_crossovers)
    breeding = Breeding(
        population=population,
        num_parents=max(2, min(population, request.whole("num_parents", plain.num_parents))),
        mutation_rate=request.number("mutation_rate", plain.mutation_rate),
        num_mutants=children - children // 2,
        num_crossovers=children // 2,
    )
    return evolve(space=request.space, start=request.start, seed=request.seed, breeding=breeding)


def ucb(request: SearcherRequest) -> Script:
    """Writes the factored bandits that maximise an upper confidence bound."""
    optimism = request.number("optimism", OPTIMISM)
    return play_bandits(space=request.space, start=request.start, seed=request.seed, rule="ucb", optimism=optimism)


def thompson(request: SearcherRequest) -> Script:
    """Writes the factored bandits that draw from the posterior, which leaves nothing to set."""
    return play_bandits(space=request.space, start=request.start, seed=request.seed, rule="thompson")


def best_first(request: SearcherRequest) -> Script:
    """Writes best-first search."""
    return search_best_first(
        space=request.space,
        start=request.start,
        seed=request.seed,
        exploration=request.number("exploration", EXPLORATION),
        path_cost=request.number("path_cost", PATH_COST),
    )


def ascent(plain: AscentSettings) -> WriteScript:
    """Writes a black-box variant of the noisy diffusion gradient."""

    def write(request: SearcherRequest) -> Script:
        settings = replace(
            plain,
            learning_rate=request.number("learning_rate", plain.learning_rate),
            half_width=request.whole("half_width", plain.half_width),
            trust_region=request.whole("trust_region", plain.trust_region),
            patience=request.whole("patience", plain.patience),
        )
        return ascend(space=request.space, start=request.start, seed=request.seed, settings=settings)

    return write


def percept_rerank(request: SearcherRequest) -> Script:
    """Writes the ranking by what was read in the input."""
    return rerank(space=request.space, prior=_prior(request))


def sentence_rerank(request: SearcherRequest) -> Script:
    """Writes the ranking by the words of sentences; by the percept where the request has none."""
    prior = _prior(request) if request.sentence_prior is None else request.sentence_prior
    return rerank(space=request.space, prior=prior)


def pez_snapped_rerank(request: SearcherRequest) -> Script:
    """Writes the ranking by whole sentences; by the percept where the request has none."""
    if request.sentence_likeness is None:
        return percept_rerank(request)
    return try_in_order(most_alike(request.space, request.sentence_likeness))


def start_itself(request: SearcherRequest) -> Encoding:
    """Answers the start: a random encoding, or what was read in the input."""
    return request.start


def likeliest_sentence(request: SearcherRequest) -> Encoding:
    """Answers the likeliest words; the start where the request has no sentences."""
    if request.sentence_prior is None:
        return request.start
    return next(likeliest(request.space, request.sentence_prior))


def most_alike_sentence(request: SearcherRequest) -> Encoding:
    """Answers the sentence most like the input; the start where the request has no sentences."""
    if request.sentence_likeness is None:
        return request.start
    return next(most_alike(request.space, request.sentence_likeness))


def _prior(request: SearcherRequest) -> tuple[Probabilities, ...]:
    return prior_around(request.space, request.start) if request.prior is None else request.prior
