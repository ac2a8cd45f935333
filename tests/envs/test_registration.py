import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import DQN

from rldf.envs import VectorSemanticGridworld, register_envs
from rldf.envs.registration import ENV_ID
from rldf.space import Axis, Encoding, EncodingSpace
from rldf.testing.feedback import AnalyticFeedback

SPACE = EncodingSpace(
    axes=tuple(
        Axis(id=name, terms=tuple(f"{name}-{i}" for i in range(size)))
        for name, size in (("object", 10), ("count", 4), ("density", 3), ("scene", 4))
    )
)
TARGET = Encoding((6, 1, 2, 3))


def make_feedback() -> AnalyticFeedback:
    return AnalyticFeedback(space=SPACE, reward_of=lambda e: 1 - SPACE.normalised_distance(e, TARGET))


def test_register_envs__twice_is_once() -> None:
    register_envs()
    spec = gymnasium.spec(ENV_ID)
    register_envs()
    assert gymnasium.spec(ENV_ID) is spec


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_import_after_gymnasium__registers() -> None:
    code = "import gymnasium, rldf; print('rldf/ImageSearch-v0' in gymnasium.registry)"
    assert run_python(code) == "True"


def test_import_before_gymnasium__needs_one_line() -> None:
    code = (
        "import rldf, gymnasium; before = 'rldf/ImageSearch-v0' in gymnasium.registry\n"
        "rldf.register_envs(); print(before, 'rldf/ImageSearch-v0' in gymnasium.registry)"
    )
    assert run_python(code) == "False True"


def test_module_form__registers() -> None:
    code = (
        "import rldf, gymnasium; before = 'rldf/ImageSearch-v0' in gymnasium.registry\n"
        "try: gymnasium.make('rldf.envs.gymnasium_ids:rldf/ImageSearch-v0', space=1)\n"
        "except ValueError as error: print(before, type(error).__name__)"
    )
    assert run_python(code) == "False ConfigError"


def test_stable_baselines3_dqn__trains_without_a_wrapper_of_ours() -> None:
    register_envs()
    environment = gymnasium.make(ENV_ID, feedback=make_feedback(), space=SPACE, target=TARGET, max_episode_steps=30)
    model = DQN("MlpPolicy", environment, learning_starts=50, train_freq=4, buffer_size=1000, seed=0, device="cpu")
    before = [parameter.detach().clone() for parameter in model.q_net.parameters()]
    model.learn(500)
    assert model.num_timesteps == 500
    assert any(not parameter.equal(old) for parameter, old in zip(model.q_net.parameters(), before, strict=True))
    observation, _ = environment.reset(seed=1)
    assert environment.action_space.contains(np.int64(model.predict(observation)[0]))


@pytest.mark.parametrize("mode", ["sync", None])
def test_make_vec__walks_several_at_once(mode: str | None) -> None:
    register_envs()
    environments = gymnasium.make_vec(
        ENV_ID, num_envs=3, vectorization_mode=mode, feedback=make_feedback(), space=SPACE, target=TARGET
    )
    observations, _ = environments.reset(seed=0)
    assert observations.shape == (3, 4)
    observations, rewards, *_ = environments.step(environments.action_space.sample())
    assert environments.observation_space.contains(observations)
    assert rewards.shape == (3,)
    assert isinstance(environments.unwrapped, VectorSemanticGridworld) == (mode is None)
    environments.close()
