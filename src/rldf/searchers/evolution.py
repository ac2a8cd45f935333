"""Genetic search at the settings of DPO-Diff, written as a script."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rldf.errors import ConfigError
from rldf.searchers.scripted import Script, try_all
from rldf.seeding import child_rng
from rldf.space import Encoding, EncodingSpace

MAX_DRAWS = 200  # draws for one new child before the generation goes on without it; our choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Breeding:
    """How a population breeds; the defaults are those of DPO-Diff's evolutionary search (EPO).

    Attributes:
        population: encodings of the first generation, at least 2.
        num_parents: the best so far, which breed, 2 to population.
        mutation_rate: probability that an axis of a mutant changes, above 0, at most 1.
        num_mutants: new encodings by mutation in a generation.
        num_crossovers: new encodings by crossover in a generation.
    """

    population: int = 20
    num_parents: int = 10
    mutation_rate: float = 0.1
    num_mutants: int = 10
    num_crossovers: int = 10

    def __post_init__(self) -> None:
        if not 2 <= self.num_parents <= self.population or not 0 < self.mutation_rate <= 1:
            raise ConfigError(
                f"{self.num_parents} parents of a population of {self.population} at mutation rate "
                f"{self.mutation_rate} cannot breed; at least 2 parents, no more than the population, and a rate above "
                "0 and at most 1 are needed. Change these."
            )


def evolve(
    *,
    space: EncodingSpace,
    start: Encoding | None = None,
    seed: int = 0,
    breeding: Breeding = Breeding(),
) -> Script:
    """Breeds the best encodings met so far by crossover and mutation; for `ScriptSearcher`.

    Nothing is tried twice; the search is finished when a generation brings nothing new.

    Args:
        space: the grid; locks and exclusions are kept.
        start: part of the first generation; None draws all of it.
        seed: seed of every draw, 0 or larger.
        breeding: how it breeds.

    Yields:
        One generation of proposals at a time.

    Source: the evolutionary search of DPO-Diff, Wang et al. 2024 (population 20, 10 parents, mutation rate 0.1, 10
    mutants and 10 crossovers, no repetitions); written from its description.
    """
    rng = child_rng(seed, "evolve")
    known: dict[Encoding, float] = {}
    generation = [] if start is None else [start]
    while len(generation) < breeding.population:
        drawn = _new(lambda: space.sample(rng), space=space, known=known, besides=generation)
        if drawn is None:
            break
        generation.append(drawn)
    while generation:
        known.update(zip(generation, (yield from try_all(generation)), strict=True))
        parents = sorted(known, key=lambda encoding: -known[encoding])[: breeding.num_parents]
        generation = []
        for number in range(breeding.num_mutants + breeding.num_crossovers):
            is_mutant = number < breeding.num_mutants

            def breed(*, is_mutant: bool = is_mutant, parents: list[Encoding] = parents) -> Encoding:
                if is_mutant:
                    return mutate(parents[int(rng.integers(len(parents)))], space=space, breeding=breeding, rng=rng)
                return cross(parents, rng=rng)

            child = _new(breed, space=space, known=known, besides=generation)
            if child is not None:
                generation.append(child)


def mutate(parent: Encoding, *, space: EncodingSpace, breeding: Breeding, rng: np.random.Generator) -> Encoding:
    """Changes each free axis with the mutation rate, and one at least.

    Args:
        parent: where it begins.
        space: the grid.
        breeding: gives the rate.
        rng: source of all chance.

    Returns:
        An encoding, perhaps excluded by the space.
    """
    free = [place for place, axis in enumerate(space.axes) if axis.id not in space.locked and len(axis) > 1]
    if not free:
        return parent
    changes = [place for place in free if rng.random() < breeding.mutation_rate]
    indices = list(parent.indices)
    for place in changes if changes else [free[int(rng.integers(len(free)))]]:
        shift = 1 + int(rng.integers(len(space.axes[place]) - 1))
        indices[place] = (indices[place] + shift) % len(space.axes[place])
    return Encoding(tuple(indices))


def cross(parents: list[Encoding], *, rng: np.random.Generator) -> Encoding:
    """Takes each axis from one of two parents.

    Args:
        parents: at least one.
        rng: source of all chance.

    Returns:
        An encoding, perhaps excluded by the space.
    """
    mother, father = (parents[int(rng.integers(len(parents)))] for _ in range(2))
    return Encoding(tuple(pair[int(rng.integers(2))] for pair in zip(mother.indices, father.indices, strict=True)))


def _new(
    draw: Callable[[], Encoding], *, space: EncodingSpace, known: dict[Encoding, float], besides: list[Encoding]
) -> Encoding | None:
    """Draws until something allowed and new comes; None where it does not."""
    for _ in range(MAX_DRAWS):
        encoding = draw()
        if encoding not in known and encoding not in besides and space.allows(encoding):
            return encoding
    return None
