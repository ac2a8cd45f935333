"""Plans of sets: balanced to the picture, varied where asked, fixed elsewhere."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldf.errors import ConfigError, UnknownTermError
from rldf.grammar import load_grammar
from rldf.sampling.controls import Controls, PicturePlan, count_cells, plan_pictures, quota_order
from rldf.space import Axis, Encoding, EncodingSpace, Exclusion

FULL = load_grammar("full")
SENTENCE = "a photo of two cows and one person in a park"
UNMENTIONED = ("none", "person")


def plan(count: int, controls: Controls, *, seed: int = 0) -> list[PicturePlan]:
    return plan_pictures(
        FULL.space, [FULL.parse(SENTENCE)], count=count, controls=controls, seed=seed, unmentioned=UNMENTIONED
    )


def terms_of(plans: list[PicturePlan]) -> list[dict[str, str]]:
    return [FULL.space.terms(plan.encodings[0]) for plan in plans]


def test_balance__counts_of_all_combinations_differ_by_at_most_one() -> None:
    plans = plan(64, Controls(balance=("age", "skin-tone", "gender")))
    counts = [number for _, number in count_cells([plan.cell for plan in plans])]
    assert len(counts) == 4 * 3 * 2
    assert (min(counts), max(counts), sum(counts)) == (2, 3, 64)
    drawn = terms_of(plans)
    assert [{axis: row[axis] for axis in plan.cell} for plan, row in zip(plans, drawn, strict=True)] == [
        plan.cell for plan in plans
    ]
    others = [{axis: term for axis, term in row.items() if axis not in plans[0].cell} for row in drawn]
    assert all(other == others[0] for other in others)


@given(
    shares=st.lists(st.integers(1, 9), min_size=1, max_size=7),
    count=st.integers(1, 80),
    seed=st.integers(0, 5),
)
def test_quota_order__every_beginning_keeps_quota(shares: list[int], count: int, seed: int) -> None:
    order = quota_order(shares, count=count, seed=seed)
    counts = Counter(order)
    for cell, share in enumerate(shares):
        assert abs(counts[cell] - count * share / sum(shares)) < 1
    assert order[: count // 2] == (quota_order(shares, count=count // 2, seed=seed) if count > 1 else [])


def test_shares__are_followed_and_other_terms_do_not_come() -> None:
    plans = plan(12, Controls(shares={"age": {"young": 2, "old": 1}}))
    assert Counter(row["age"] for row in terms_of(plans)) == {"young": 8, "old": 4}


def test_vary__draws_the_axes_and_nothing_else() -> None:
    rows = terms_of(plan(40, Controls(vary=("city", "time"))))
    assert len({row["city"] for row in rows}) == len(FULL.space.axis("city"))
    assert len({row["time"] for row in rows}) == len(FULL.space.axis("time"))
    assert len({(row["object"], row["weather"], row["scene"]) for row in rows}) == 1


def test_larger_count__begins_with_the_same_slots() -> None:
    controls = Controls(balance=("age",), vary=("city",))
    assert plan(30, controls)[:10] == plan(10, controls)
    assert plan(30, controls, seed=1)[:10] != plan(10, controls)


def test_several_choices__take_turns_as_first_try() -> None:
    one, two = FULL.parse(SENTENCE), FULL.parse("a photo of three cows and one person in a park")
    plans = plan_pictures(FULL.space, [one, two], count=4, controls=Controls(), seed=0)
    assert [plan.encodings for plan in plans] == [(one, two), (two, one), (one, two), (two, one)]


def test_axis_both_varied_and_balanced__is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'age' is both varied and balanced.*Name it once"):
        plan(4, Controls(vary=("age",), balance=("age",)))


def test_unknown_axis_and_term__are_refused() -> None:
    with pytest.raises(UnknownTermError, match=r"no axis 'agee'.*Did you mean 'age'"):
        plan(4, Controls(balance=("agee",)))
    with pytest.raises(UnknownTermError, match="no term 'olde'"):
        plan(4, Controls(shares={"age": {"olde": 1}}))


def test_share_of_nothing__is_refused() -> None:
    with pytest.raises(ConfigError, match="the share of age=old is 0; a share is a number above 0"):
        plan(4, Controls(shares={"age": {"old": 0}}))


SMALL = EncodingSpace(
    axes=(Axis(id="object", terms=("cow", "car")), Axis(id="scene", terms=("park", "sea"))),
    exclusions=(Exclusion(terms={"object": ("car",), "scene": ("sea",)}),),
)


def test_excluded_cell__is_refused() -> None:
    with pytest.raises(ConfigError, match=r"the cell scene=sea cannot be drawn.*Balance other axes"):
        plan_pictures(SMALL, [Encoding((1, 0))], count=2, controls=Controls(balance=("scene",)), seed=0)


def test_varied_terms__are_allowed_ones() -> None:
    plans = plan_pictures(SMALL, [Encoding((1, 0))], count=20, controls=Controls(vary=("scene",)), seed=0)
    assert {plan.encodings[0] for plan in plans} == {Encoding((1, 0))}
    locked = SMALL.lock({"object": "cow"})
    with pytest.raises(ConfigError, match=r"cannot be drawn|no allowed terms of scene"):
        plan_pictures(locked, [Encoding((1, 0))], count=1, controls=Controls(vary=("scene",)), seed=0)
