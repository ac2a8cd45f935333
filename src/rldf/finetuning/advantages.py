"""Rewards become advantages (DDPO) or weights (RWR); everything kept between epochs can be written as JSON."""

from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, final

import numpy as np
from jaxtyping import Float

from rldf.errors import ConfigError
from rldf.finetuning.failures import FinetuningError
from rldf.finetuning.settings import AdvantageSettings

STD_FLOOR = 1e-6  # added to a standard deviation, as in the authors' code

Rewards = Float[np.ndarray, " pictures"]


class AdvantageNormaliser(ABC):
    """Turns the rewards of an epoch into advantages."""

    @abstractmethod
    def normalise(self, rewards: Rewards, prompts: Sequence[str]) -> Rewards:
        """Gives one advantage per picture; float64."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What is kept between epochs, as JSON can hold it."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes up what `state` gave."""


@final
class PromptNormaliser(AdvantageNormaliser):
    """Running mean and deviation per prompt; those of the epoch until a prompt has enough rewards.

    New rewards count before the mean is taken.

    Source: section 4.3 of arXiv 2305.13301; buffer and count from its authors' code.
    """

    def __init__(self, *, buffer_size: int, min_count: int) -> None:
        """Sets how much is kept.

        Args:
            buffer_size: rewards kept per prompt.
            min_count: rewards of a prompt below which the epoch's statistics are taken.
        """
        self._min_count = min_count
        self._kept: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=buffer_size))

    def normalise(self, rewards: Rewards, prompts: Sequence[str]) -> Rewards:
        """Gives one advantage per picture.

        Args:
            rewards: one per picture.
            prompts: one per picture.

        Returns:
            Advantages, float64.
        """
        for prompt, places in _places_by_prompt(prompts).items():
            self._kept[prompt].extend(rewards[places].tolist())
        advantages = np.empty(len(rewards))
        for prompt, places in _places_by_prompt(prompts).items():
            kept = np.array(self._kept[prompt])
            advantages[places] = _standardise(rewards[places], kept if len(kept) >= self._min_count else rewards)
        return advantages

    def state(self) -> dict[str, Any]:
        """What is kept between epochs: prompt to rewards, the oldest first."""
        return {"rewards": {prompt: list(kept) for prompt, kept in self._kept.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes up what `state` gave."""
        self._kept.clear()
        for prompt, kept in state["rewards"].items():
            self._kept[prompt].extend(float(reward) for reward in kept)


@final
class GroupNormaliser(AdvantageNormaliser):
    """Mean and deviation among the pictures of one prompt in one epoch; nothing is kept.

    Source: group-relative advantages, equation 3 of arXiv 2402.03300.
    """

    def normalise(self, rewards: Rewards, prompts: Sequence[str]) -> Rewards:
        """Gives one advantage per picture; 0 for a prompt with a single one."""
        advantages = np.empty(len(rewards))
        for places in _places_by_prompt(prompts).values():
            advantages[places] = _standardise(rewards[places], rewards[places])
        return advantages

    def state(self) -> dict[str, Any]:
        """Nothing is kept."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing is kept."""
        del state


@final
class BatchNormaliser(AdvantageNormaliser):
    """Mean and deviation among all pictures of an epoch; nothing is kept."""

    def normalise(self, rewards: Rewards, prompts: Sequence[str]) -> Rewards:
        """Gives one advantage per picture."""
        del prompts
        return _standardise(rewards, rewards)

    def state(self) -> dict[str, Any]:
        """Nothing is kept."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing is kept."""
        del state


def build_normaliser(settings: AdvantageSettings) -> AdvantageNormaliser:
    """Builds the normaliser that the settings name."""
    match settings.kind:
        case "prompt":
            return PromptNormaliser(buffer_size=settings.buffer_size, min_count=settings.min_count)
        case "group":
            return GroupNormaliser()
        case _:
            return BatchNormaliser()


def as_rewards(values: object, *, count: int) -> Rewards:
    """Checks rewards and makes them float64; whole numbers are never kept as such, they would truncate advantages.

    Args:
        values: what a reward gave.
        count: pictures that were scored.

    Returns:
        One finite number per picture.

    Raises:
        FinetuningError: if there are not as many, or one is not a finite number.
    """
    rewards = np.asarray(values, dtype=np.float64)
    if rewards.shape != (count,):
        raise FinetuningError(
            f"the reward gave numbers of shape {rewards.shape} for {count} pictures; one number per picture is "
            "needed. Correct the reward."
        )
    wrong = np.flatnonzero(~np.isfinite(rewards))
    if len(wrong):
        raise FinetuningError(
            f"the reward of picture {wrong[0]} of {count} is {rewards[wrong[0]]}; every reward must be a finite "
            "number. Correct the reward; nothing was trained on these pictures."
        )
    return rewards


def regression_weights(rewards: Rewards, prompts: Sequence[str], settings: AdvantageSettings) -> Rewards:
    """Weights of RWR: softmax of beta r among comparable pictures, times their number, so that weights average 1.

    Args:
        rewards: one per picture.
        prompts: one per picture.
        settings: inverse temperature and which pictures are compared.

    Returns:
        Weights, 0 or larger, which sum to the number of pictures per prompt.

    Source: section 4.2 of arXiv 2305.13301.
    """
    weights = np.empty(len(rewards))
    for places in _groups(prompts, settings):
        scaled = settings.inverse_temperature * (rewards[places] - rewards[places].max())
        powers = np.exp(scaled)
        weights[places] = powers / powers.sum() * len(places)
    return weights


def sparse_weights(rewards: Rewards, prompts: Sequence[str], settings: AdvantageSettings) -> Rewards:
    """Weights of RWR-sparse: 1 for the best share of comparable pictures, rounded up, else 0; the earlier wins a tie.

    Args:
        rewards: one per picture.
        prompts: one per picture.
        settings: kept share and which pictures are compared.

    Returns:
        Weights, 0 or 1.

    Source: section 4.2 of arXiv 2305.13301.
    """
    weights = np.zeros(len(rewards))
    for places in _groups(prompts, settings):
        kept = ceil(settings.kept_share * len(places) - 1e-9)
        order = np.argsort(-rewards[places], kind="stable")
        weights[np.array(places)[order[:kept]]] = 1.0
    return weights


def require_finite_settings(settings: AdvantageSettings, *, pictures_per_prompt: int, method: str) -> None:
    """Refuses settings under which every advantage would be 0: groups of a single picture.

    Args:
        settings: how rewards become advantages.
        pictures_per_prompt: pictures of each drawn prompt.
        method: of the training.

    Raises:
        ConfigError: if a group would have a single picture; RWR has no such groups.
    """
    is_alone = pictures_per_prompt == 1
    if method.startswith("ddpo") and settings.kind == "group" and is_alone:
        raise ConfigError(
            "advantage.kind is 'group' and train.pictures_per_prompt is 1; a group needs at least 2 pictures of one "
            "prompt. Set train.pictures_per_prompt to 4 or more."
        )


def _standardise(rewards: Rewards, reference: Float[np.ndarray, " compared"]) -> Rewards:
    return np.asarray((rewards - reference.mean()) / (reference.std() + STD_FLOOR))


def _groups(prompts: Sequence[str], settings: AdvantageSettings) -> list[list[int]]:
    if settings.weight_scope == "batch":
        return [list(range(len(prompts)))]
    return list(_places_by_prompt(prompts).values())


def _places_by_prompt(prompts: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, prompt in enumerate(prompts):
        places.setdefault(prompt, []).append(place)
    return places
