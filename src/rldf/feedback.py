"""The heart, one try: encoding -> prompt -> image -> percept -> reward."""

from collections.abc import Sequence
from typing import final

from rldf.contracts import Feedback, ImageGenerator, Perception, Reward, Target
from rldf.grammar import Grammar
from rldf.records.percept import Outcome, Prompt, StepRecord
from rldf.space import Encoding


@final
class DiffusionFeedback(Feedback):
    """Asks a frozen text-to-image model what an encoding looks like, and how good that is.

    Source: the environment of Definition 1 and Algorithm 1, arXiv 2311.15648.
    """

    def __init__(
        self,
        *,
        grammar: Grammar,
        image_generator: ImageGenerator,
        perception: Perception,
        reward: Reward,
        target: Target,
        negative_prompt: str = "",
    ) -> None:
        self._grammar = grammar
        self._image_generator = image_generator
        self._perception = perception
        self._reward = reward
        self._target = target
        self._negative_prompt = negative_prompt

    def try_encodings(self, encodings: Sequence[Encoding], *, seeds: Sequence[int]) -> list[StepRecord]:
        """Tries each encoding with its seed; one record each, in order.

        Args:
            encodings: points of the grammar's space.
            seeds: one seed per encoding.

        Returns:
            One record per encoding.
        """
        prompts = [Prompt(text=self._grammar.render(e), negative=self._negative_prompt) for e in encodings]
        images = self._image_generator.generate(prompts, seeds=seeds)
        percepts = self._perception.perceive(images)
        outcomes = [
            Outcome(encoding=encoding, prompt=prompt, seed=seed, image=image, percept=percept)
            for encoding, prompt, seed, image, percept in zip(encodings, prompts, seeds, images, percepts, strict=True)
        ]
        return self.reward_again(outcomes)

    def reward_again(self, outcomes: Sequence[Outcome]) -> list[StepRecord]:
        """Rewards pictures that exist already, such as those of an earlier search; draws and reads nothing.

        Args:
            outcomes: what came of tries, for whatever target.

        Returns:
            One record per outcome.
        """
        rewards = self._reward.score(outcomes, target=self._target)
        return [StepRecord(outcome=o, reward=float(r)) for o, r in zip(outcomes, rewards, strict=True)]
