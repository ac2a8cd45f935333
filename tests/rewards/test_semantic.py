"""The paper's semantic rewards, and agreement on every axis."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rldf.contracts import Reward, Target
from rldf.errors import ConfigError
from rldf.records.percept import Percept
from rldf.rewards.semantic import AgreementReward, MultiSemanticReward, PartialSemanticReward
from rldf.space import Axis, Encoding, EncodingSpace
from rldf.testing.rewards import SPACE, RewardSuite, certain_percept, example_outcome

COW_FARM = SPACE.encode({"object": "cow", "count": "two", "scene": "farm"})


class TestMultiSemantic(RewardSuite):
    def make_reward(self) -> Reward:
        return MultiSemanticReward(SPACE, object_gain=3.0, scene_gain=0.5)


class TestPartialSemantic(RewardSuite):
    def make_reward(self) -> Reward:
        return PartialSemanticReward(SPACE, scene_gain=2.0)


class TestAgreement(RewardSuite):
    def make_reward(self) -> Reward:
        return AgreementReward(SPACE)


class TestWeightedAgreement(RewardSuite):
    def make_reward(self) -> Reward:
        return AgreementReward(SPACE, weights={"object": 2.0, "count": 0.0, "scene": 0.3})


@pytest.mark.golden
@pytest.mark.parametrize(
    ("thing", "scene", "multi", "partial"),
    [  # C = 3, C_s = 0.5; equations (2) to (5) of arXiv 2311.15648
        ("cow", "farm", 3.5, 0.5),
        ("cow", "park", 2.5, -0.5),
        ("car", "farm", 0.5, 0.5),
        ("car", "park", -0.5, -0.5),
    ],
)
def test_score__table_of_the_papers_cases(thing: str, scene: str, multi: float, partial: float) -> None:
    target = Target(percept=certain_percept(COW_FARM))
    outcomes = [example_outcome(SPACE.encode({"object": thing, "count": "one", "scene": scene}))]
    dense = MultiSemanticReward(SPACE, object_gain=3.0, scene_gain=0.5)
    sparse = PartialSemanticReward(SPACE, scene_gain=0.5)
    assert dense.bounds == (-0.5, 3.5)
    assert sparse.bounds == (-0.5, 0.5)
    assert dense.score(outcomes, target=target).tolist() == [multi]
    assert sparse.score(outcomes, target=target).tolist() == [partial]


def test_multi_semantic__any_of_the_targets_objects_counts() -> None:
    percept = certain_percept(COW_FARM)
    several = Percept(encoding=percept.encoding, probabilities=percept.probabilities, objects=("cow", "car"))
    reward = MultiSemanticReward(SPACE)
    outcomes = [
        example_outcome(SPACE.encode({"object": thing, "count": "one", "scene": "farm"}))
        for thing in ("cow", "car", "apple")
    ]
    assert reward.score(outcomes, target=Target(percept=several)).tolist() == [2.0, 2.0, 1.0]


def test_multi_semantic__without_listed_objects_the_object_axes_count() -> None:
    space = EncodingSpace(
        axes=(
            Axis(id="object", terms=("cow", "car", "bus")),
            Axis(id="second-object", terms=("", "cow", "car", "bus"), is_optional=True),
            Axis(id="scene", terms=("farm", "park")),
        )
    )

    def percept(thing: str, second: str) -> Percept:
        encoding = space.encode({"object": thing, "second-object": second, "scene": "farm"})
        rows = tuple(np.eye(len(axis))[index] for axis, index in zip(space.axes, encoding.indices, strict=True))
        return Percept(encoding=encoding, probabilities=rows)

    reward = MultiSemanticReward(space)
    outcomes = [example_outcome(COW_FARM, percept=percept(thing, "")) for thing in ("cow", "car", "bus")]
    assert reward.score(outcomes, target=Target(percept=percept("cow", "bus"))).tolist() == [2.0, 1.0, 2.0]
    assert reward.score(outcomes, target=Target(percept=percept("cow", ""))).tolist() == [2.0, 1.0, 1.0]


def probabilities(size: int) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float64, size, elements=st.floats(0.01, 1.0)).map(lambda row: row / row.sum())


ROWS = st.tuples(*(probabilities(len(axis)) for axis in SPACE.axes))


def read_as(rows: tuple[np.ndarray, ...]) -> Percept:
    return Percept(encoding=Encoding(tuple(int(np.argmax(row)) for row in rows)), probabilities=rows)


@settings(deadline=None)
@given(seen=ROWS, wanted=ROWS, weights=st.tuples(*[st.floats(0.0, 5.0)] * 2))
def test_score__within_the_bounds_for_any_percepts(
    seen: tuple[np.ndarray, ...], wanted: tuple[np.ndarray, ...], weights: tuple[float, float]
) -> None:
    outcome, target = example_outcome(COW_FARM, percept=read_as(seen)), Target(percept=read_as(wanted))
    for reward in (
        MultiSemanticReward(SPACE),
        PartialSemanticReward(SPACE),
        AgreementReward(SPACE, weights={"object": weights[0], "count": weights[1]}),
    ):
        low, high = reward.bounds
        assert low <= float(reward.score([outcome], target=target)[0]) <= high


@settings(deadline=None)
@given(seen=ROWS, wanted=ROWS)
def test_agreement__certainty_about_the_target_is_best(
    seen: tuple[np.ndarray, ...], wanted: tuple[np.ndarray, ...]
) -> None:
    reward, target = AgreementReward(SPACE), Target(percept=read_as(wanted))
    certain = example_outcome(read_as(wanted).encoding)
    score, best = reward.score([example_outcome(COW_FARM, percept=read_as(seen)), certain], target=target)
    assert score < best == 1.0


def test_agreement__hand_computed() -> None:
    rows = (np.array([0.1, 0.6, 0.3]), np.array([0.2, 0.5, 0.3]), np.array([0.7, 0.1, 0.1, 0.1]))
    seen = example_outcome(COW_FARM, percept=Percept(encoding=COW_FARM, probabilities=rows))
    target = Target(percept=certain_percept(COW_FARM))
    np.testing.assert_allclose(AgreementReward(SPACE).score([seen], target=target), [0.6])
    weighted = AgreementReward(SPACE, weights={"object": 3.0, "count": 0.0})
    np.testing.assert_allclose(weighted.score([seen], target=target), [(3 * 0.6 + 0.7) / 4])


def test_agreement__unsure_axes_of_the_target_are_left_out() -> None:
    percept = certain_percept(COW_FARM)
    unsure = Percept(encoding=COW_FARM, probabilities=percept.probabilities, unsure_axes=("count", "object"))
    other = example_outcome(SPACE.encode({"object": "car", "count": "many", "scene": "farm"}))
    assert AgreementReward(SPACE).score([other], target=Target(percept=unsure)).tolist() == [1.0]


def test_agreement__target_that_is_unsure_throughout_is_refused() -> None:
    percept = certain_percept(COW_FARM)
    unsure = Percept(encoding=COW_FARM, probabilities=percept.probabilities, unsure_axes=("object", "count", "scene"))
    with pytest.raises(ConfigError, match=r"unsure of every axis of the target \(object, count, scene\).*CLIP reward"):
        AgreementReward(SPACE).score([], target=Target(percept=unsure))


@pytest.mark.parametrize("reward", [MultiSemanticReward(SPACE), PartialSemanticReward(SPACE), AgreementReward(SPACE)])
def test_score__target_without_a_percept_is_refused(reward: Reward) -> None:
    with pytest.raises(ConfigError, match=r"the target's percept is None; a percept is needed\. Run perception"):
        reward.score([example_outcome(COW_FARM)], target=Target())


def test_reward__space_without_its_axes_is_refused() -> None:
    bare = EncodingSpace(axes=(Axis(id="colour", terms=("red", "blue")),))
    with pytest.raises(ConfigError, match=r"reads the axes object, second-object, but the space has none.*are colour"):
        MultiSemanticReward(bare)
    with pytest.raises(ConfigError, match=r"partial-semantic reward reads the axes scene"):
        PartialSemanticReward(bare)


@pytest.mark.parametrize("gain", [0.0, -1.0, float("inf")])
def test_reward__gains_are_above_zero(gain: float) -> None:
    with pytest.raises(ConfigError, match=rf"scene_gain is {gain}; it must be above 0 and finite"):
        PartialSemanticReward(SPACE, scene_gain=gain)
    with pytest.raises(ConfigError, match=rf"object_gain is {gain}; it must be above 0 and finite"):
        MultiSemanticReward(SPACE, object_gain=gain)


def test_agreement__bad_weights_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"axis 'scenes', which the space lacks.*Did you mean 'scene'\?"):
        AgreementReward(SPACE, weights={"scenes": 1.0})
    with pytest.raises(ConfigError, match=r"the weight of axis 'scene' is -1\.0; it must be 0 or larger"):
        AgreementReward(SPACE, weights={"scene": -1.0})
