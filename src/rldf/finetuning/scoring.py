"""From pictures to rewards: the same rewards as the search's, asked about each picture's own prompt."""

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from jaxtyping import Float

from rldf.arrays import ImageBatch
from rldf.contracts import Perception, Reward, Target
from rldf.records.percept import Outcome, Percept, Prompt
from rldf.space import Encoding, EncodingSpace


@final
class PromptScorer:
    """Asks a reward how good each picture is for its own prompt.

    The target of a picture is its prompt and, where the prompt is a sentence of a grammar, a percept that is certain
    of what the sentence says. What perception reads in the picture goes into the outcome.
    """

    def __init__(
        self,
        reward: Reward,
        *,
        encodings: Mapping[str, Encoding],
        perception: Perception | None = None,
        references: Sequence[ImageBatch] = (),
    ) -> None:
        """Keeps what scores.

        Args:
            reward: larger is better.
            encodings: prompt to encoding; empty where prompts are free text.
            perception: reads pictures; None where the reward needs no percept.
            references: pictures a reward may compare with.
        """
        self._reward = reward
        self._encodings = dict(encodings)
        self._perception = perception
        self._references = tuple(picture for batch in references for picture in batch)

    def __call__(
        self, images: ImageBatch, prompts: Sequence[str], seeds: Sequence[int]
    ) -> Float[np.ndarray, " pictures"]:
        """Scores pictures.

        Args:
            images: RGB, 0 to 255.
            prompts: one per picture.
            seeds: one per picture.

        Returns:
            One reward per picture.
        """
        nothing = Percept(encoding=Encoding(()), probabilities=())
        percepts = [nothing] * len(images) if self._perception is None else self._perception.perceive(images)
        outcomes = [
            Outcome(
                encoding=self._encodings.get(prompt, nothing.encoding),
                prompt=Prompt(text=prompt),
                seed=seed,
                image=image,
                percept=percept,
            )
            for prompt, seed, image, percept in zip(prompts, seeds, images, percepts, strict=True)
        ]
        rewards = np.empty(len(images))
        for prompt in dict.fromkeys(prompts):
            places = [place for place, other in enumerate(prompts) if other == prompt]
            target = self._target(prompt)
            rewards[places] = self._reward.score([outcomes[place] for place in places], target=target)
        return rewards

    def _target(self, prompt: str) -> Target:
        encoding = self._encodings.get(prompt)
        if encoding is None or self._perception is None:
            return Target(prompt=prompt, references=self._references)
        percept = certain_percept(self._perception.space, encoding)
        return Target(percept=percept, prompt=prompt, references=self._references)


def certain_percept(space: EncodingSpace, encoding: Encoding) -> Percept:
    """Makes a percept that is certain of an encoding, as if perception had read the sentence itself."""
    rows = tuple(np.eye(len(axis.terms))[index] for axis, index in zip(space.axes, encoding.indices, strict=True))
    return Percept(encoding=encoding, probabilities=rows)
