import pytest

from rldf.agents import ConstantEpsilon, ConstantRate, ExponentialEpsilon, LinearEpsilon, RobbinsMonroRate
from rldf.errors import ConfigError


def test_constant__stays() -> None:
    assert {ConstantRate(0.3).at(visit) for visit in (1, 10, 1000)} == {0.3}
    assert {ConstantEpsilon(0.2).at(action) for action in (0, 10, 1000)} == {0.2}


def test_robbins_monro__by_hand() -> None:
    assert [RobbinsMonroRate().at(visit) for visit in (1, 2, 4)] == [1.0, 0.5, 0.25]
    assert RobbinsMonroRate(0.75).at(16) == pytest.approx(0.125)


def test_robbins_monro__sum_grows_and_sum_of_squares_stays() -> None:
    rate = RobbinsMonroRate(0.8)
    sums = [sum(rate.at(n) for n in range(1, last)) for last in (500, 10_000)]
    squares = [sum(rate.at(n) ** 2 for n in range(1, last)) for last in (500, 10_000)]
    assert sums[1] > 1.8 * sums[0]
    assert squares[1] < 1.03 * squares[0]


def test_linear_epsilon__reaches_its_last_value_and_stays() -> None:
    schedule = LinearEpsilon(first=1.0, last=0.2, num_actions=4)
    assert [schedule.at(n) for n in (0, 1, 2, 4, 9)] == pytest.approx([1.0, 0.8, 0.6, 0.2, 0.2])


def test_exponential_epsilon__falls_to_its_floor() -> None:
    schedule = ExponentialEpsilon(first=0.8, factor=0.5, floor=0.15)
    assert [schedule.at(n) for n in (0, 1, 2, 3)] == pytest.approx([0.8, 0.4, 0.2, 0.15])


@pytest.mark.parametrize("value", [0.0, 1.5])
def test_constant_rate__refuses(value: float) -> None:
    with pytest.raises(ConfigError, match=rf"learning rate is {value}.*Try 0\.1"):
        ConstantRate(value)


@pytest.mark.parametrize("power", [0.5, 1.1])
def test_robbins_monro__refuses(power: float) -> None:
    with pytest.raises(ConfigError, match=rf"power is {power}.*above 0\.5.*Try 0\.8"):
        RobbinsMonroRate(power)


def test_epsilon__refuses_what_is_no_probability() -> None:
    with pytest.raises(ConfigError, match=r"epsilon is 1\.2.*Try 0\.1"):
        ConstantEpsilon(1.2)
    with pytest.raises(ConfigError, match=r"lasts 0 actions.*Give more"):
        LinearEpsilon(first=1.0, last=0.1, num_actions=0)
    with pytest.raises(ConfigError, match=r"factor is 0.*Try 0\.99"):
        ExponentialEpsilon(first=1.0, factor=0.0)
