from collections.abc import Sequence

import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

from rldf.contracts import Feedback
from rldf.envs import SemanticGridworld, VectorSemanticGridworld
from rldf.errors import ConfigError
from rldf.records.percept import StepRecord
from rldf.space import Axis, Encoding, EncodingSpace
from rldf.testing.feedback import AnalyticFeedback

SPACE = EncodingSpace(
    axes=(Axis(id="object", terms=("carrot", "cow", "car", "bus")), Axis(id="scene", terms=("farm", "park")))
)
TARGET = Encoding((3, 1))
START = Encoding((0, 0))


class CountingFeedback(Feedback):
    """Counts calls and pictures of the feedback inside."""

    def __init__(self) -> None:
        self._inside = AnalyticFeedback(
            space=SPACE, reward_of=lambda e: 1 - SPACE.normalised_distance(e, TARGET), noise=0.1
        )
        self.batch_sizes: list[int] = []

    def try_encodings(self, encodings: Sequence[Encoding], *, seeds: Sequence[int]) -> list[StepRecord]:
        self.batch_sizes.append(len(encodings))
        return self._inside.try_encodings(encodings, seeds=seeds)


def make_vector(feedback: Feedback, *, num_envs: int = 4, max_episode_steps: int | None = 5) -> VectorSemanticGridworld:
    return VectorSemanticGridworld(
        num_envs=num_envs,
        feedback=feedback,
        space=SPACE,
        target=TARGET,
        start=START,
        max_episode_steps=max_episode_steps,
        render_mode="rgb_array",
    )


def test_vector__walks_exactly_as_gymnasium_s_own_form() -> None:
    """Same actions: same observations, rewards, ends, resets and distances for 200 steps."""
    ours = make_vector(CountingFeedback())
    theirs = SyncVectorEnv(
        [
            lambda: SemanticGridworld(
                feedback=CountingFeedback(), space=SPACE, target=TARGET, start=START, max_episode_steps=5
            )
            for _ in range(4)
        ]
    )
    np.testing.assert_array_equal(ours.reset(seed=0)[0], theirs.reset(seed=0)[0])
    rng = np.random.default_rng(0)
    num_ends = np.zeros(2)
    for _ in range(200):
        actions = rng.choice(4, size=4, p=[0.6, 0.05, 0.3, 0.05])
        mine, other = ours.step(actions), theirs.step(actions)
        for ours_value, theirs_value in zip(mine[:4], other[:4], strict=True):
            np.testing.assert_array_equal(ours_value, theirs_value)
        for key in ("distance", "state", "sentence", "is_target"):
            np.testing.assert_array_equal(mine[4][key], other[4][key])
        num_ends += [mine[2].sum(), mine[3].sum()]
    assert num_ends.min() > 5  # both kinds of end were met


def test_step__asks_the_feedback_once_for_all_new_pictures() -> None:
    feedback = CountingFeedback()
    environments = make_vector(feedback)
    environments.reset()
    assert feedback.batch_sizes == [1]  # one start, shared
    environments.step(np.array([0, 2, 0, 1]))
    assert feedback.batch_sizes == [1, 2]  # (1, 0) twice, (0, 1) once; the border stays
    assert environments.num_renders == 3
    environments.step(np.array([1, 3, 1, 1]))
    assert feedback.batch_sizes == [1, 2]


def test_random_starts__differ_between_walks_and_follow_the_seed() -> None:
    environments = VectorSemanticGridworld(
        num_envs=16, feedback=CountingFeedback(), space=SPACE, target=TARGET, max_episode_steps=5
    )
    first, _ = environments.reset(seed=3)
    second, _ = environments.reset(seed=3)
    np.testing.assert_array_equal(first, second)
    assert len(np.unique(first, axis=0)) > 3


def test_render__one_picture_per_walk() -> None:
    environments = make_vector(CountingFeedback(), num_envs=2)
    environments.reset()
    environments.step(np.array([0, 2]))
    pictures = environments.render()
    assert pictures is not None
    for picture, record in zip(pictures, environments.records, strict=True):
        np.testing.assert_array_equal(picture, record.outcome.image)


def test_bad_settings__are_refused() -> None:
    with pytest.raises(ConfigError, match=r"num_envs is 0.*larger number"):
        make_vector(CountingFeedback(), num_envs=0)
    with pytest.raises(ConfigError, match=r"2 walks have no encoding yet; call reset first"):
        make_vector(CountingFeedback(), num_envs=2).step(np.zeros(2, dtype=int))
