"""AnalyticFeedback: a feedback whose reward is a formula, for tests and simulations without a diffusion model."""

from collections.abc import Callable, Collection, Sequence
from typing import final

import numpy as np
from jaxtyping import Float

from rldf.arrays import Image, Probabilities
from rldf.contracts import Feedback
from rldf.errors import ConfigError
from rldf.records.percept import Outcome, Percept, Prompt, StepRecord
from rldf.space import Encoding, EncodingSpace

IMAGE_SIZE_PX = 8
LARGEST_CERTAINTY = 0.999
_COLOUR_STRIDE = 2_654_435_761  # spreads neighbouring states over the colour cube
_NUM_COLOURS = 2**24

Confusion = Float[np.ndarray, "_terms _terms"]
"""Row: the term asked for; column: how often that term is drawn; rows sum to 1."""


@final
class AnalyticFeedback(Feedback):
    """Draws small flat pictures, misreads them on purpose and rewards by a formula.

    Everything is a pure function of the encoding, the picture's seed and the feedback's own seed, so batches of any
    size and order give the same records.

    Attributes:
        num_tries: pictures asked for so far, repeated ones included.
    """

    def __init__(
        self,
        *,
        space: EncodingSpace,
        reward_of: Callable[[Encoding], float] | None = None,
        reward_of_percept: Callable[[Percept], float] | None = None,
        confusions: Sequence[Confusion] | None = None,
        certainty: float = 0.9,
        certainty_spread: float = 0.05,
        noise: float = 0.0,
        seed: int = 0,
        terminal_encodings: Collection[Encoding] = (),
    ) -> None:
        """Sets the world up; the reward is the sum of the formulas given, plus noise.

        Args:
            space: the grid.
            reward_of: reward of the encoding asked for.
            reward_of_percept: reward of what was read in the picture.
            confusions: per axis, how often each term is drawn when a term is asked for; None draws what is asked.
            certainty: mean probability perception gives to the term it reads, 0 to 1.
            certainty_spread: standard deviation of that probability over pictures.
            noise: standard deviation of the noise added to the reward.
            seed: seed of the world, 0 or larger.
            terminal_encodings: encodings whose pictures end an episode.

        Raises:
            ConfigError: if no formula is given.
        """
        if reward_of is None and reward_of_percept is None:
            raise ConfigError("no reward formula was given; give reward_of, reward_of_percept or both.")
        self._space = space
        self._reward_of = reward_of
        self._reward_of_percept = reward_of_percept
        self._confusions = confusions
        self._certainty = certainty
        self._certainty_spread = certainty_spread
        self._noise = noise
        self._seed = seed
        self._terminal_encodings = frozenset(terminal_encodings)
        self.num_tries = 0

    def try_encodings(self, encodings: Sequence[Encoding], *, seeds: Sequence[int]) -> list[StepRecord]:
        """Tries each encoding with its seed; one record each, in order."""
        return [self._try_one(encoding, seed) for encoding, seed in zip(encodings, seeds, strict=True)]

    def _try_one(self, encoding: Encoding, seed: int) -> StepRecord:
        self._space.require(encoding)
        self.num_tries += 1
        rng = np.random.default_rng([self._seed, seed, *encoding.indices])
        percept = self._perceive(encoding, rng)
        reward = self._noise * float(rng.standard_normal())
        if self._reward_of is not None:
            reward += self._reward_of(encoding)
        if self._reward_of_percept is not None:
            reward += self._reward_of_percept(percept)
        words = ", ".join(f"{axis_id} {term}" for axis_id, term in self._space.terms(encoding).items())
        outcome = Outcome(
            encoding=encoding,
            prompt=Prompt(text=f"a picture of {words}"),
            seed=seed,
            image=self._paint(encoding),
            percept=percept,
        )
        return StepRecord(outcome=outcome, reward=reward, is_terminal=encoding in self._terminal_encodings)

    def _perceive(self, encoding: Encoding, rng: np.random.Generator) -> Percept:
        rows: list[Probabilities] = []
        for position, asked in enumerate(encoding.indices):
            num_terms = len(self._space.axes[position])
            drawn = asked
            if self._confusions is not None:
                drawn = int(rng.choice(num_terms, p=self._confusions[position][asked]))
            rows.append(self._read(drawn, num_terms, rng))
        read = Encoding(tuple(int(np.argmax(row)) for row in rows))
        return Percept(encoding=read, probabilities=tuple(rows))

    def _read(self, drawn: int, num_terms: int, rng: np.random.Generator) -> Probabilities:
        if num_terms == 1:
            return np.ones(1)
        certainty = rng.normal(self._certainty, self._certainty_spread)
        certainty = float(np.clip(certainty, 1 / num_terms, LARGEST_CERTAINTY))
        others = (1 - certainty) * rng.dirichlet(np.ones(num_terms - 1))
        return np.insert(others, drawn, certainty)

    def _paint(self, encoding: Encoding) -> Image:
        colour = (self._space.index(encoding) + 1) * _COLOUR_STRIDE % _NUM_COLOURS
        rgb = [colour >> 16 & 255, colour >> 8 & 255, colour & 255]
        return np.full((IMAGE_SIZE_PX, IMAGE_SIZE_PX, 3), rgb, dtype=np.uint8)
