"""A plan fixes every picture: balanced, reproducible, frozen."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.datasets.clone_fakes import CLASSES, IDENTITY, frozen, tiny_plan

from rldf.datasets.plan import SPLITS, PlanSettings, make_plan, make_top_up, picture_seeds
from rldf.datasets.plan_store import load_rounds, save_plan
from rldf.datasets.recipes import (
    ClassRecipes,
    Recipe,
    read_recipes,
    recipes_of_encodings,
    recipes_of_name,
)
from rldf.datasets.storage import Storage
from rldf.errors import ConfigError, RecordError
from rldf.grammar import load_grammar

SETTINGS = PlanSettings(generator=IDENTITY)


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(0, 30), min_size=3, max_size=3).filter(lambda numbers: sum(numbers) > 0),
    num_recipes=st.lists(st.integers(1, 5), min_size=3, max_size=3),
    shard_size=st.integers(1, 20),
    seed=st.integers(0, 2**40),
)
def test_plan__has_every_quota_exactly_and_spreads_recipes_evenly(
    counts: list[int], num_recipes: list[int], shard_size: int, seed: int
) -> None:
    classes = [
        ClassRecipes(name=name, recipes=tuple(Recipe(sentence=f"{name} {n}") for n in range(number)))
        for name, number in zip("abc", num_recipes, strict=True)
    ]
    plan = make_plan(
        classes,
        settings=PlanSettings(generator=IDENTITY, seed=seed, shard_size=shard_size),
        counts={"train": counts, "test": 2},
    )
    pictures = [picture for shard in plan.shards for picture in plan.shard_pictures(shard)]
    assert [picture.index for picture in pictures] == list(range(sum(counts) + 6))
    for number, name in enumerate("abc"):
        for split, wanted in (("train", counts[number]), ("test", 2), ("validation", 0)):
            drawn = [p.recipe.sentence for p in pictures if (p.class_name, p.split) == (name, split)]
            assert len(drawn) == wanted
            assert all(sentence.startswith(name) for sentence in drawn)
            often = [drawn.count(f"{name} {n}") for n in range(num_recipes[number])]
            assert max(often) - min(often) <= 1
    for shard in plan.shards:
        rows = plan.shard_pictures(shard)
        assert 1 <= len(rows) == plan.num_pictures_of(shard) <= shard_size
        assert len({row.split for row in rows}) == 1


def test_plan__equal_arguments__equal_plan() -> None:
    first, second, other = tiny_plan(seed=1), tiny_plan(seed=1), tiny_plan(seed=2)
    np.testing.assert_array_equal(first.table.seed, second.table.seed)
    np.testing.assert_array_equal(first.table.class_index, second.table.class_index)
    assert not np.array_equal(first.table.class_index, other.table.class_index)


def test_picture_seeds__never_repeat_and_do_not_depend_on_where_one_begins() -> None:
    seeds = picture_seeds(7, first_index=0, count=200_000)
    assert len(np.unique(seeds)) == len(seeds)
    assert seeds.min() >= 0
    np.testing.assert_array_equal(picture_seeds(7, first_index=150_000, count=10), seeds[150_000:150_010])
    assert not set(picture_seeds(8, first_index=0, count=1000)) & set(seeds[:1000])


def test_picture_seeds__are_those_of_splitmix64() -> None:
    def mixed(state: int) -> int:
        mask = 2**64 - 1
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & mask
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB & mask
        return state ^ (state >> 31)

    from rldf.seeding import child_seed

    start = child_seed(3, "clone", "pictures")
    expected = [mixed((start + n * 0x9E3779B97F4A7C15) % 2**64) % 2**63 for n in range(1, 6)]
    assert picture_seeds(3, first_index=0, count=5).tolist() == expected


def test_shards__mix_classes() -> None:
    plan = tiny_plan(count=100, shard_size=50)
    assert all(len({row.class_name for row in plan.shard_pictures(shard)}) == 3 for shard in plan.shards)


def test_top_up__is_numbered_on_and_shares_no_seed() -> None:
    plan = tiny_plan(count=8)
    missing = np.zeros((3, 3), dtype=np.int64)
    missing[0, 1] = 3
    more = make_top_up(plan, missing=missing)
    rows = [row for shard in more.shards for row in more.shard_pictures(shard)]
    assert [row.index for row in rows] == [24, 25, 26]
    assert {row.class_name for row in rows} == {"car"}
    assert more.shards.start == plan.shards.stop
    assert not set(more.table.seed) & set(plan.table.seed)


def test_save_plan__is_read_back_whole(tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path, count=5, validation=2)
    (read,) = load_rounds(storage)
    assert read.digest == plan.digest
    assert len(plan.digest) == 64
    assert read.settings == plan.settings
    for shard in plan.shards:
        assert read.shard_pictures(shard) == plan.shard_pictures(shard)
        assert read.shard_name(shard) == plan.shard_name(shard)


def test_save_plan__equal_plans__equal_files(tmp_path: Path) -> None:
    for name in "ab":
        save_plan(tiny_plan(), Storage(str(tmp_path / name)))
    for file in ("round-000.json", "round-000.pictures.parquet", "round-000.recipes.parquet"):
        assert (tmp_path / "a/plan" / file).read_bytes() == (tmp_path / "b/plan" / file).read_bytes()


def test_save_plan__twice__refused(tmp_path: Path) -> None:
    storage, _ = frozen(tmp_path)
    with pytest.raises(RecordError, match=r"holds a plan already \(round 0\); a plan is frozen. Choose another --out"):
        save_plan(tiny_plan(), storage)


def test_load_rounds__no_plan__refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"there is no plan in .* Make it with `rldf clone plan`"):
        load_rounds(Storage(str(tmp_path)))


@pytest.mark.parametrize("change", ["seed", "pictures", "digest"])
def test_load_rounds__changed_by_hand__refused(tmp_path: Path, change: str) -> None:
    storage, _ = frozen(tmp_path)
    header_path = tmp_path / "plan/round-000.json"
    header = json.loads(header_path.read_text())
    match change:
        case "seed":
            header["settings"]["seed"] = 5
        case "digest":
            header["digest"] = "0" * 64
        case _:
            save_plan(tiny_plan(seed=9), Storage(str(tmp_path / "other")))
            name = "plan/round-000.pictures.parquet"
            (tmp_path / name).write_bytes((tmp_path / "other" / name).read_bytes())
    header_path.write_text(json.dumps(header))
    with pytest.raises(RecordError, match=r"does not match its digest; a plan is frozen. Restore the folder"):
        load_rounds(storage)


def test_load_rounds__rounds_of_two_plans__refused(tmp_path: Path) -> None:
    storage, _ = frozen(tmp_path / "a")
    missing = np.ones((3, 3), dtype=np.int64)
    _, other = frozen(tmp_path / "b", seed=4)
    save_plan(make_top_up(other, missing=missing), storage)
    with pytest.raises(RecordError, match=r"round 1 of the plan .* continues another plan"):
        load_rounds(storage)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"train": 0}, "would hold 0 pictures"),
        ({"train": [1, -1, 3]}, "none below 0"),
        ({"trian": 1}, "there is no split 'trian'"),
    ],
)
def test_make_plan__impossible_counts__refused(counts: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_plan([recipes_of_name(name) for name in CLASSES], settings=SETTINGS, counts=counts)


def test_make_plan__class_twice__refused() -> None:
    with pytest.raises(ConfigError, match=r"1 class names repeat"):
        make_plan([recipes_of_name("cow"), recipes_of_name("cow")], settings=SETTINGS, counts={"train": 1})


def test_settings__out_of_range__refused() -> None:
    with pytest.raises(ConfigError, match=r"the quality of the plan is 101; it must be from 1 to 100"):
        PlanSettings(generator=IDENTITY, quality=101)


def test_recipes__few_combinations__all_of_them() -> None:
    grammar = load_grammar("base")
    cow = grammar.parse("a photo of one cow and no people in a park")
    made = recipes_of_encodings("cow", [cow, cow], grammar=grammar, vary=["scene", "count"])
    found = {(recipe.terms["scene"], recipe.terms["count"]) for recipe in made.recipes}
    assert len(made.recipes) == len(found) == len(grammar.space.axis("scene")) * len(grammar.space.axis("count"))
    assert all(recipe.terms["object"] == "cow" and "cow" in recipe.sentence for recipe in made.recipes)


def test_recipes__many_combinations__every_term_equally_often() -> None:
    grammar = load_grammar("base")
    cow = grammar.parse("a photo of one cow and no people in a park")
    made = recipes_of_encodings("cow", [cow], grammar=grammar, vary=["scene", "count", "density"], max_recipes=12)
    assert len(made.recipes) == 12
    for axis_id in ("scene", "count", "density"):
        terms = [recipe.terms[axis_id] for recipe in made.recipes]
        often = [terms.count(term) for term in grammar.space.axis(axis_id).terms]
        assert max(often) - min(often) <= 3  # repeats were drawn again


def test_recipes_of_name__baseline_says_the_name_alone() -> None:
    assert recipes_of_name("golden_retriever").recipes == (Recipe(sentence="a photo of golden retriever"),)


def test_read_recipes__takes_sentences_and_terms(tmp_path: Path) -> None:
    path = tmp_path / "recipes.json"
    terms = {"object": "cow", "count": "two", "density": "no", "scene": "park"}
    path.write_text(json.dumps({"cow": [terms, "a cow on the moon"]}))
    (read,) = read_recipes(path, grammar=load_grammar("base"))
    assert [recipe.sentence for recipe in read.recipes] == [
        "a photo of two cows and no people in a park",
        "a cow on the moon",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "cannot be read"),
        ("[]", "no object of class name to a list"),
        ('{"cow": []}', "no object of class name to a list"),
        ('{"cow": [3]}', "neither a sentence nor an object"),
    ],
)
def test_read_recipes__another_form__refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipes.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_recipes(path, grammar=load_grammar("base"))


def test_splits__are_three() -> None:
    assert SPLITS == ("train", "validation", "test")
