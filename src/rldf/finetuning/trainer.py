"""The trainer: draw, score, weigh, update; one for all four estimators."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch

from rldf.arrays import ImageBatch
from rldf.finetuning.advantages import (
    AdvantageNormaliser,
    Rewards,
    as_rewards,
    build_normaliser,
    regression_weights,
    require_finite_settings,
    sparse_weights,
)
from rldf.finetuning.epochs import EpochPlan, plan_epoch
from rldf.finetuning.policy import DiffusionPolicy, require_distinct_prompts
from rldf.finetuning.policy_gradient import train_policy
from rldf.finetuning.processes import Processes, SingleProcess
from rldf.finetuning.regression import train_regression
from rldf.finetuning.rollout import Trajectories, roll_out
from rldf.finetuning.settings import AdvantageSettings, TrainSettings
from rldf.finetuning.tallies import EpochTally
from rldf.finetuning.updates import Updater

ScoreImages = Callable[[ImageBatch, Sequence[str], Sequence[int]], object]
"""Scores pictures, given them, their prompts and their seeds: one number each, larger is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPicture:
    """One reward query.

    Attributes:
        query: its number in the run, from 0.
        epoch: from 0.
        prompt: what was asked for.
        seed: of the picture.
        reward: larger is better.
        advantage: after normalising; of RWR, the weight.
    """

    query: int
    epoch: int
    prompt: str
    seed: int
    reward: float
    advantage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochResult:
    """What one epoch gave.

    Attributes:
        epoch: from 0.
        num_queries: reward queries of the run so far, this epoch included.
        num_updates: updates of the run so far.
        num_skipped: updates among them that were left out since float16 gradients overflowed.
        pictures: the reward queries of this epoch.
        tally: what was measured while the weights moved.
        seconds: that it took.
    """

    epoch: int
    num_queries: int
    num_updates: int
    num_skipped: int
    pictures: tuple[ScoredPicture, ...]
    tally: EpochTally
    seconds: float

    @property
    def rewards(self) -> Rewards:
        """Rewards of the epoch's pictures."""
        return np.array([picture.reward for picture in self.pictures])


@final
class Trainer:
    """Fine-tunes a policy on rewards.

    All chance follows from the root seed and the number of the epoch, so what has to be kept between epochs is the
    weights, the optimiser, the normaliser and two counters.

    Attributes:
        policy: what is trained.
        updater: moves its weights.
        processes: that train together.
        epoch: number of the next epoch.
        num_queries: reward queries so far.

    Source: Algorithm 1 and sections 4.2 and 4.3 of arXiv 2305.13301.
    """

    def __init__(
        self,
        policy: DiffusionPolicy,
        *,
        prompts: Sequence[str],
        score: ScoreImages,
        train: TrainSettings,
        advantage: AdvantageSettings,
        processes: Processes | None = None,
        seed: int = 0,
    ) -> None:
        """Checks the prompts and makes the optimiser.

        Args:
            policy: to train.
            prompts: to draw from; different for the text encoder.
            score: the reward.
            train: how the weights move.
            advantage: how rewards are weighed.
            processes: that train together; None for one.
            seed: root seed.
        """
        require_distinct_prompts(policy, prompts)
        require_finite_settings(advantage, pictures_per_prompt=train.pictures_per_prompt, method=train.method)
        self.policy = policy
        self._prompts = tuple(prompts)
        self._score = score
        self._train = train
        self._advantage = advantage
        self.processes = SingleProcess() if processes is None else processes
        self._seed = seed
        if train.use_gradient_checkpointing:
            policy.denoiser.unet.enable_gradient_checkpointing()
        self.updater = Updater(
            policy.denoiser, train, processes=self.processes, device=policy.device, precision=policy.precision
        )
        self.normaliser: AdvantageNormaliser = build_normaliser(advantage)
        self.epoch = 0
        self.num_queries = 0

    def run_epoch(self) -> EpochResult:
        """Draws and scores the pictures of one epoch, then moves the weights.

        Returns:
            What it gave.
        """
        began = time.monotonic()
        plan = plan_epoch(
            self._prompts,
            self._train,
            epoch=self.epoch,
            seed=self._seed,
            micro_batch=self.policy.settings.batch_size,
            processes=self.processes,
        )
        trajectories, rewards = self._draw_and_score(plan)
        weights = self._weigh(rewards, plan.prompts)
        tally = self._move(plan, trajectories, weights)
        result = EpochResult(
            epoch=self.epoch,
            num_queries=self.num_queries + len(rewards),
            num_updates=self.updater.num_updates,
            num_skipped=self.updater.num_skipped,
            pictures=self._pictures(plan, rewards=rewards, weights=weights),
            tally=tally,
            seconds=time.monotonic() - began,
        )
        self.epoch += 1
        self.num_queries += len(rewards)
        return result

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """What is needed to go on: tensors, and what JSON can hold."""
        tensors, numbers = self.updater.state()
        tensors |= {f"{name}/weight": weight.detach() for name, weight in self.policy.denoiser.trained.items()}
        own = {
            "epoch": self.epoch,
            "num_queries": self.num_queries,
            "updater": numbers,
            "normaliser": self.normaliser.state(),
        }
        return tensors, own

    def restore(self, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
        """Takes up what `state` gave."""
        weights = {name.removesuffix("/weight"): value for name, value in tensors.items() if name.endswith("/weight")}
        self.policy.denoiser.load(weights)
        self.updater.restore(tensors, state["updater"])
        self.normaliser.restore(state["normaliser"])
        self.epoch = int(state["epoch"])
        self.num_queries = int(state["num_queries"])

    def _draw_and_score(self, plan: EpochPlan) -> tuple[dict[tuple[int, ...], Trajectories], Rewards]:
        """Draws this process's pictures; the rewards are those of all processes."""
        trajectories: dict[tuple[int, ...], Trajectories] = {}
        scored: list[tuple[int, float]] = []
        for indices in (indices for own in plan.own_batches for indices in own):
            prompts = [plan.prompts[index] for index in indices]
            seeds = [plan.seeds[index] for index in indices]
            drawn, images = roll_out(
                self.policy, indices=indices, prompts=prompts, seeds=seeds, keeps_steps=self._train.is_ddpo
            )
            rewards = as_rewards(self._score(images, prompts, seeds), count=len(indices))
            trajectories[indices] = drawn
            scored += zip(indices, rewards.tolist(), strict=True)
        by_index = dict(self.processes.gather(scored))
        return trajectories, np.array([by_index[index] for index in range(len(plan.prompts))])

    def _weigh(self, rewards: Rewards, prompts: Sequence[str]) -> Rewards:
        match self._train.method:
            case "rwr":
                return regression_weights(rewards, prompts, self._advantage)
            case "rwr-sparse":
                return sparse_weights(rewards, prompts, self._advantage)
            case _:
                limit = self._advantage.max_advantage
                return np.asarray(np.clip(self.normaliser.normalise(rewards, prompts), -limit, limit))

    def _move(self, plan: EpochPlan, trajectories: dict[tuple[int, ...], Trajectories], weights: Rewards) -> EpochTally:
        if self._train.is_ddpo:
            return train_policy(
                self.policy,
                self.updater,
                plan=plan,
                trajectories=trajectories,
                advantages=weights,
                settings=self._train,
                processes=self.processes,
                epoch=self.epoch,
                seed=self._seed,
            )
        return train_regression(
            self.policy,
            self.updater,
            plan=plan,
            trajectories=trajectories,
            weights=weights,
            settings=self._train,
            processes=self.processes,
            epoch=self.epoch,
            seed=self._seed,
        )

    def _pictures(self, plan: EpochPlan, *, rewards: Rewards, weights: Rewards) -> tuple[ScoredPicture, ...]:
        return tuple(
            ScoredPicture(
                query=self.num_queries + number,
                epoch=self.epoch,
                prompt=prompt,
                seed=seed,
                reward=float(reward),
                advantage=float(weight),
            )
            for number, (prompt, seed, reward, weight) in enumerate(
                zip(plan.prompts, plan.seeds, rewards, weights, strict=True)
            )
        )
