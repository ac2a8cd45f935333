"""PPO and DQN of stable-baselines3 as searchers; needs the extra `rldf[bench]`.

The library trains by calling an environment, a searcher is asked and told. So the training runs in a thread of its
own, which is awake only while this module waits for it: its environment hands every encoding it wants to see over to
`ask`, and sleeps until `tell` brings the record.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal, final
from weakref import finalize

import gymnasium
import numpy as np
import torch

from rldf.contracts import Proposal, Searcher
from rldf.errors import ConfigError, MissingExtraError
from rldf.records.percept import StepRecord
from rldf.seeding import child_rng, child_seed
from rldf.space import Encoding, EncodingSpace

if TYPE_CHECKING:
    from stable_baselines3 import DQN, PPO

DeepAgent = Literal["ppo", "dqn"]

MAX_EPISODE_MOVES = 50  # our choice
NUM_STEPS_FOR_EVER = 10**9
MAX_SEED = 2**31
NUM_MISSES_TO_END = 2000  # moves in a row that show nothing new, after which the search is finished; our choice


@final
@dataclass(frozen=True, slots=True)
class _Wanted:
    """An encoding the environment wants to see; None where the training has ended."""

    encoding: Encoding | None


class _Stopped(Exception):  # noqa: N818 - no error: it unwinds the thread
    """Ends the training from inside its environment."""


@final
class _Bridge:
    """Two queues between the training's thread and the searcher."""

    def __init__(self) -> None:
        self.wanted: SimpleQueue[_Wanted | BaseException] = SimpleQueue()
        self.told: SimpleQueue[StepRecord | None] = SimpleQueue()

    def try_one(self, encoding: Encoding) -> StepRecord:
        """Hands an encoding over and waits for its record; called in the training's thread."""
        self.wanted.put(_Wanted(encoding))
        record = self.told.get()
        if record is None:
            raise _Stopped
        return record


@final
class WalkEnvironment(gymnasium.Env[np.ndarray, np.int64]):
    """Walks the grid one move at a time, without a target: an episode ends by its length alone.

    Encodings seen before are not asked for again. Source: Definition 1 of arXiv 2311.15648, without its terminal state.
    """

    def __init__(self, *, space: EncodingSpace, start: Encoding | None, seed: int, bridge: _Bridge) -> None:
        """Sets the walk up.

        Args:
            space: the grid.
            start: where the first episode starts; None draws it. Later ones start anywhere.
            seed: seed of the starts, 0 or larger.
            bridge: where encodings are tried.
        """
        self.observation_space = gymnasium.spaces.MultiDiscrete([len(axis) for axis in space.axes])
        self.action_space = gymnasium.spaces.Discrete(len(space.moves))
        self._space = space
        self._rng = child_rng(seed, "walk-environment")
        self._bridge = bridge
        self._rewards: dict[Encoding, float] = {}
        self._here = space.sample(self._rng) if start is None else start
        self._has_begun = False
        self._num_moves = 0
        self._num_misses = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode; the first one at the start."""
        super().reset(seed=seed, options=options)
        if self._has_begun:
            self._here = self._space.sample(self._rng)
        self._has_begun = True
        self._num_moves = 0
        self._reward_here()
        return np.array(self._here.indices), {}

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Makes a move; the reward is that of the encoding entered."""
        self._here = self._space.apply(self._here, self._space.moves[int(action)])
        self._num_moves += 1
        return np.array(self._here.indices), self._reward_here(), False, self._num_moves >= MAX_EPISODE_MOVES, {}

    def _reward_here(self) -> float:
        if self._here in self._rewards:
            self._num_misses += 1
            if self._num_misses >= NUM_MISSES_TO_END:
                raise _Stopped
        else:
            self._num_misses = 0
            self._rewards[self._here] = self._bridge.try_one(self._here).reward
        return self._rewards[self._here]


@final
class StableBaselinesSearcher(Searcher):
    """Trains PPO or DQN while it searches; every encoding its policy enters is a proposal.

    Policies see the term indices one-hot. Settings are the library's own, but for what has to fit a few hundred steps:
    PPO updates every 32 steps in batches of 32, DQN learns from the 16th step on and explores over 200 steps.

    The library draws from the global random sources of Python, numpy and torch. They are given to its thread with a
    seed of its own and put back as they were, so searchers side by side do not disturb one another.

    Source: Schulman et al. 2017; Mnih et al. 2015; implementations of stable-baselines3, Raffin et al. 2021.
    """

    def __init__(
        self,
        *,
        space: EncodingSpace,
        start: Encoding | None = None,
        seed: int = 0,
        algorithm: DeepAgent = "ppo",
    ) -> None:
        """Sets the search up; the training begins with the first `ask`.

        Args:
            space: the grid; locks and exclusions are kept.
            start: the first proposal; None draws it.
            seed: seed of everything, 0 or larger.
            algorithm: what is trained.

        Raises:
            MissingExtraError: if stable-baselines3 is not installed.
            ConfigError: if no axis is free.
        """
        if find_spec("stable_baselines3") is None:
            raise MissingExtraError(
                f"the searcher '{algorithm}' needs the package 'stable-baselines3', which is not installed. "
                "Install it with: pip install 'rldf[bench]'."
            )
        if not space.moves:
            raise ConfigError(f"a walk in a grid with {len(space.moves)} moves goes nowhere; unlock at least one axis.")
        self._bridge = _Bridge()
        environment = WalkEnvironment(space=space, start=start, seed=seed, bridge=self._bridge)
        model_seed = child_seed(seed, algorithm) % MAX_SEED
        self._thread = Thread(
            target=_train,
            args=(algorithm, environment, self._bridge, model_seed),
            daemon=True,
            name=f"rldf-{algorithm}",
        )
        self._random_state: _RandomState | None = None
        self._asked: Encoding | None = None
        self._is_finished = False
        finalize(self, self._bridge.told.put, None)

    def ask(self, max_proposals: int) -> list[Proposal]:
        """Proposes the encoding the policy enters next; one proposal however many are allowed."""
        if max_proposals > 0 and self._asked is None and not self._is_finished:
            self._wait(None)
        return [] if self._asked is None else [Proposal(encoding=self._asked)]

    def tell(self, records: Sequence[StepRecord]) -> None:
        """Hands the record over to the training, which goes on until it wants the next."""
        for record in records:
            assert self._asked is not None, "records are told of what was asked"
            self._asked = None
            self._wait(record)

    def _wait(self, record: StepRecord | None) -> None:
        """Lets the training go on, with random sources of its own, until it wants to see an encoding."""
        outside = _RandomState.take()
        if self._random_state is not None:
            self._random_state.put_back()
        try:
            if record is None:
                self._thread.start()
            else:
                self._bridge.told.put(record)
            wanted = self._bridge.wanted.get()
            self._random_state = _RandomState.take()
        finally:
            outside.put_back()
        if isinstance(wanted, BaseException):
            self._is_finished = True
            raise wanted
        self._asked = wanted.encoding
        self._is_finished = wanted.encoding is None


@dataclass(frozen=True, slots=True, kw_only=True)
class _RandomState:
    """State of the global random sources."""

    python: Any
    numpy: Any
    torch: torch.Tensor

    @classmethod
    def take(cls) -> "_RandomState":
        """Reads the present state."""
        return cls(python=random.getstate(), numpy=np.random.get_state(), torch=torch.get_rng_state())  # noqa: NPY002

    def put_back(self) -> None:
        """Makes this the present state."""
        random.setstate(self.python)
        np.random.set_state(self.numpy)  # noqa: NPY002 - the library draws from it
        torch.set_rng_state(self.torch)


def _train(algorithm: DeepAgent, environment: WalkEnvironment, bridge: _Bridge, seed: int) -> None:
    """Trains until it is stopped; what goes wrong is handed over."""
    try:
        _make_model(algorithm, environment, seed=seed).learn(total_timesteps=NUM_STEPS_FOR_EVER)
    except _Stopped:
        pass
    except Exception as error:  # noqa: BLE001 - raised again where the searcher is asked
        bridge.wanted.put(error)
        return
    bridge.wanted.put(_Wanted(None))


def _make_model(algorithm: DeepAgent, environment: WalkEnvironment, *, seed: int) -> "PPO | DQN":
    import stable_baselines3

    if algorithm == "ppo":
        return stable_baselines3.PPO("MlpPolicy", environment, n_steps=32, batch_size=32, seed=seed, device="cpu")
    return stable_baselines3.DQN(
        "MlpPolicy",
        environment,
        learning_starts=16,
        train_freq=1,
        target_update_interval=100,
        exploration_fraction=200 / NUM_STEPS_FOR_EVER,
        buffer_size=10_000,
        batch_size=32,
        seed=seed,
        device="cpu",
    )
