import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from rldf.envs import SemanticGridworld, register_envs
from rldf.envs.registration import ENV_ID
from rldf.errors import ConfigError, EncodingError
from rldf.space import Axis, Encoding, EncodingSpace, Exclusion
from rldf.testing.feedback import AnalyticFeedback

SPACE = EncodingSpace(
    axes=(
        Axis(id="object", terms=("carrot", "cow", "car")),
        Axis(id="scene", terms=("farm", "park")),
    )
)
TARGET = Encoding((2, 1))
OBJECT_UP, OBJECT_DOWN, SCENE_UP, SCENE_DOWN = range(4)


def nearness(encoding: Encoding) -> float:
    return 1 - SPACE.normalised_distance(encoding, TARGET)


def make_feedback(**settings: object) -> AnalyticFeedback:
    return AnalyticFeedback(space=SPACE, reward_of=nearness, noise=0.05, **settings)  # type: ignore[arg-type]


def make_environment(feedback: AnalyticFeedback | None = None, **settings: object) -> SemanticGridworld:
    parts = {"space": SPACE, "target": TARGET, **settings}
    return SemanticGridworld(feedback=make_feedback() if feedback is None else feedback, **parts)  # type: ignore[arg-type]


@pytest.fixture
def _registered() -> None:
    register_envs()


@pytest.mark.usefixtures("_registered")
@pytest.mark.parametrize("continue_after_goal", [False, True])
def test_check_env__passes_without_a_warning(*, continue_after_goal: bool) -> None:
    environment = gymnasium.make(
        ENV_ID,
        feedback=make_feedback(),
        space=SPACE,
        target=TARGET,
        continue_after_goal=continue_after_goal,
        render_mode="rgb_array",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(environment.unwrapped)


@pytest.mark.usefixtures("_registered")
def test_make__cuts_episodes_after_the_registered_steps() -> None:
    environment = gymnasium.make(
        ENV_ID, feedback=make_feedback(), space=SPACE, target={"object": "car", "scene": "park"}, max_episode_steps=3
    )
    environment.reset(options={"start": {"object": "carrot", "scene": "farm"}})
    ends = [environment.step(OBJECT_DOWN)[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]


@pytest.mark.usefixtures("_registered")
def test_make__needs_all_parts_or_none() -> None:
    with pytest.raises(ConfigError, match=r"lacks space, target.*all three or none"):
        gymnasium.make(ENV_ID, feedback=make_feedback())


def test_hand_walked_episode__is_as_expected() -> None:
    environment = make_environment(start=Encoding((0, 0)))
    observation, info = environment.reset(seed=0)
    assert observation.tolist() == [0, 0]
    assert (info["distance"], info["num_renders"], info["state"]) == (3, 1, 0)
    walked = []
    for action in (OBJECT_DOWN, OBJECT_UP, SCENE_UP, OBJECT_UP):
        observation, reward, is_terminal, is_truncated, info = environment.step(np.int64(action))
        walked.append((observation.tolist(), is_terminal, is_truncated, info["distance"], info["num_renders"]))
        expected = environment.rules.space.encoding(info["state"])
        assert reward == pytest.approx(nearness(expected), abs=0.25)
    assert walked == [
        ([0, 0], False, False, 3, 1),
        ([1, 0], False, False, 2, 2),
        ([1, 1], False, False, 1, 3),
        ([2, 1], True, False, 0, 4),
    ]
    assert info["terms"] == {"object": "car", "scene": "park"}
    assert info["sentence"] == "a picture of object car, scene park"
    assert info["is_target"]


def test_known_states__are_drawn_once_with_one_seed() -> None:
    feedback = make_feedback()
    environment = make_environment(feedback, start=Encoding((0, 0)), render_seed=7)
    environment.reset()
    rewards = [environment.step(np.int64(action))[1] for action in (OBJECT_UP, OBJECT_DOWN) * 5]
    assert feedback.num_tries == environment.num_renders == 2
    assert len(set(rewards[::2])) == len(set(rewards[1::2])) == 1
    assert environment.record.outcome.seed == 7


def test_target__never_changes_what_is_observed() -> None:
    walks = []
    for target in (TARGET, Encoding((0, 1))):
        environment = make_environment(target=target, start=Encoding((1, 0)))
        observation, _ = environment.reset(seed=0)
        walks.append([observation.tolist(), *(environment.step(np.int64(a))[0].tolist() for a in range(4))])
    assert walks[0] == walks[1]


def test_continue_after_goal__goes_on_at_the_target() -> None:
    environment = make_environment(start=Encoding((1, 1)), continue_after_goal=True)
    environment.reset()
    _, _, is_terminal, _, info = environment.step(np.int64(OBJECT_UP))
    assert info["is_target"]
    assert not is_terminal


def test_terminal_record__ends_the_episode() -> None:
    feedback = make_feedback(terminal_encodings=[Encoding((0, 1))])
    environment = make_environment(feedback, start=Encoding((0, 0)))
    environment.reset()
    assert environment.step(np.int64(SCENE_UP))[2]


def test_max_episode_steps__cuts_without_ending() -> None:
    environment = make_environment(start=Encoding((0, 0)), max_episode_steps=2)
    environment.reset()
    ends = [environment.step(np.int64(OBJECT_DOWN))[2:4] for _ in range(2)]
    assert ends == [(False, False), (False, True)]


def test_random_starts__differ_never_hit_the_target_and_follow_the_seed() -> None:
    environment = make_environment()
    states = [environment.reset(seed=5)[1]["state"], *(environment.reset()[1]["state"] for _ in range(40))]
    again = [environment.reset(seed=5)[1]["state"], *(environment.reset()[1]["state"] for _ in range(40))]
    assert states == again
    assert set(states) == set(range(SPACE.size)) - {SPACE.index(TARGET)}


def test_locked_axes_and_exclusions__are_kept() -> None:
    space = EncodingSpace(
        axes=SPACE.axes,
        locked={"scene": "park"},
        exclusions=(Exclusion(terms={"object": ("cow",), "scene": ("park",)}),),
    )
    environment = make_environment(space=space, start=Encoding((0, 1)))
    observation, _ = environment.reset()
    assert environment.rules.action_space.n == 2
    assert environment.step(np.int64(0))[0].tolist() == observation.tolist() == [0, 1]


def test_render__gives_the_current_picture_as_a_copy() -> None:
    environment = make_environment(start=Encoding((0, 0)), render_mode="rgb_array")
    environment.reset()
    picture = environment.render()
    assert picture is not None
    np.testing.assert_array_equal(picture, environment.record.outcome.image)
    picture[:] = 0
    assert environment.record.outcome.image.any()
    assert make_environment().render() is None


def test_bad_settings__are_refused() -> None:
    with pytest.raises(ConfigError, match=r"render mode 'human'.*rgb_array"):
        make_environment(render_mode="human")
    with pytest.raises(ConfigError, match=r"max_episode_steps is 0.*larger one"):
        make_environment(max_episode_steps=0)
    with pytest.raises(ConfigError, match=r"not at an encoding yet; call reset first"):
        make_environment().step(np.int64(0))
    with pytest.raises(EncodingError, match=r"target \{'object': 'car', 'scene': 'park'\} is not allowed.*loosen"):
        make_environment(space=SPACE.lock({"scene": "farm"}))
    with pytest.raises(EncodingError, match=r"start .*'farm'.* is not allowed"):
        make_environment(space=SPACE.lock({"scene": "park"}), start=Encoding((0, 0)))
    with pytest.raises(EncodingError, match=r"has 1 state; an environment needs at least 2"):
        make_environment(space=SPACE.lock({"scene": "park", "object": "car"}))
