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
    """Asks a reward how good some pictures are, all at once, each with its own prompt.

    What perception reads in a picture goes into its outcome. A reward that compares with what the sentence says takes
    it from `PromptTargets`.
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
        self._target = Target(references=tuple(picture for batch in references for picture in batch))

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
        return np.asarray(self._reward.score(outcomes, target=self._target), dtype=np.float64)


@final
class PromptTargets(Reward):
    """Asks another reward about the pictures of each prompt apart, with what its sentence says as the target.

    The target is the prompt and a percept that is certain of the sentence's words.
    """

    def __init__(self, reward: Reward, *, encodings: Mapping[str, Encoding], space: EncodingSpace) -> None:
        """Keeps the reward and what the sentences say.

        Args:
            reward: compares a picture's percept with the target's.
            encodings: sentence to encoding.
            space: of the encodings.
        """
        self._reward = reward
        self._encodings = dict(encodings)
        self._space = space
        self.bounds = reward.bounds

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each outcome against its own sentence.

        Args:
            outcomes: tries; their prompts are sentences that are known.
            target: its references are handed on.

        Returns:
            One reward per outcome.
        """
        prompts = [outcome.prompt.text for outcome in outcomes]
        rewards = np.zeros(len(outcomes))
        for prompt in dict.fromkeys(prompts):
            places = [place for place, other in enumerate(prompts) if other == prompt]
            percept = certain_percept(self._space, self._encodings[prompt])
            own = Target(percept=percept, prompt=prompt, references=target.references)
            rewards[places] = self._reward.score([outcomes[place] for place in places], target=own)
        return rewards


def certain_percept(space: EncodingSpace, encoding: Encoding) -> Percept:
    """Makes a percept that is certain of an encoding, as if perception had read the sentence itself."""
    rows = tuple(np.eye(len(axis.terms))[index] for axis, index in zip(space.axes, encoding.indices, strict=True))
    return Percept(encoding=encoding, probabilities=rows)
