"""The plan of a clone: every picture fixed in advance; who draws it, when, in which order changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, final

import numpy as np
from jaxtyping import Int8, Int32, Int64, UInt64

from rldf.datasets.recipes import ClassRecipes, Recipe
from rldf.errors import ConfigError
from rldf.seeding import MAX_SEED, child_rng, child_seed

SCHEMA_VERSION = 1
SPLITS = ("train", "validation", "test")
MAX_PICTURES = 2**31 - 1

PictureFormat = Literal["jpeg", "png", "webp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """What is the same for all pictures of a clone.

    Attributes:
        seed: root seed, 0 or larger.
        generator: identity of the image generator; a run with another one is refused.
        negative_prompt: what pictures are steered away from.
        shard_size: pictures of a shard, at least 1: the unit of work, of retry and of what a kill can lose.
        batch_size: pictures drawn together, at least 1; part of the plan because pixels may depend on it.
        picture_format: how pictures are stored.
        quality: of JPEG and WebP, 1 to 100.
        about: what else shall be remembered, such as the input folder and the grammar.
    """

    seed: int = 0
    generator: str
    negative_prompt: str = ""
    shard_size: int = 256
    batch_size: int = 16
    picture_format: PictureFormat = "jpeg"
    quality: int = 95
    about: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("seed", self.seed, 0, MAX_SEED),
            ("shard size", self.shard_size, 1, 100_000),
            ("batch size", self.batch_size, 1, 4096),
            ("quality", self.quality, 1, 100),
        ):
            if not low <= value <= high:
                raise ConfigError(f"the {name} of the plan is {value}; it must be from {low} to {high}. Change it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPicture:
    """One picture, before it is drawn.

    Attributes:
        index: number in the whole clone, from 0; names the picture.
        class_index: number of its class.
        class_name: name of its class.
        split: "train", "validation" or "test".
        recipe_index: which recipe of the plan.
        recipe: sentence and terms.
        seed: of the picture.
    """

    index: int
    class_index: int
    class_name: str
    split: str
    recipe_index: int
    recipe: Recipe
    seed: int

    @property
    def key(self) -> str:
        """Name of the picture in archives and folders."""
        return f"{self.index:09d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTable:
    """Pictures in plan order, as columns.

    Attributes:
        class_index: number of the class.
        split: position in `SPLITS`.
        recipe: position in the plan's recipes.
        seed: of the picture.
        shard: number of the shard.
    """

    class_index: Int32[np.ndarray, " pictures"]
    split: Int8[np.ndarray, " pictures"]
    recipe: Int32[np.ndarray, " pictures"]
    seed: Int64[np.ndarray, " pictures"]
    shard: Int32[np.ndarray, " pictures"]

    def __len__(self) -> int:
        return len(self.seed)


@final
@dataclass(frozen=True, kw_only=True)
class Plan:
    """One frozen round of a clone: the first, or a top-up of what the gates left out.

    Attributes:
        settings: what is the same for all pictures.
        class_names: in order.
        recipes: of all classes, class by class.
        recipe_classes: number of the class of each recipe.
        quotas: wanted pictures, (splits, classes).
        table: every picture.
        round_number: 0 for the first.
        first_index: index of the first picture.
        first_shard: number of the first shard.
        parent: digest of the round before; "" for the first.
        digest: SHA-256 of everything above; "" before it is frozen.
    """

    settings: PlanSettings
    class_names: tuple[str, ...]
    recipes: tuple[Recipe, ...]
    recipe_classes: Int32[np.ndarray, " recipes"]
    quotas: Int64[np.ndarray, "splits classes"]
    table: PictureTable
    round_number: int = 0
    first_index: int = 0
    first_shard: int = 0
    parent: str = ""
    digest: str = ""

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def _shard_starts(self) -> Int64[np.ndarray, " borders"]:
        """Row at which each shard begins, and the number of rows."""
        numbers = np.arange(self.first_shard, self.first_shard + self.num_shards + 1)
        return np.asarray(np.searchsorted(self.table.shard, numbers), dtype=np.int64)

    @property
    def num_shards(self) -> int:
        """Shards of this round."""
        return int(self.table.shard[-1]) - self.first_shard + 1 if len(self.table) else 0

    @property
    def shards(self) -> range:
        """Numbers of the shards of this round."""
        return range(self.first_shard, self.first_shard + self.num_shards)

    def shard_name(self, shard: int) -> str:
        """Names the files of a shard: split, number, and the plan they belong to."""
        return f"{self.split_of(shard)}-{shard:06d}-{self.digest[:8]}"

    def split_of(self, shard: int) -> str:
        """Tells the split of a shard; it has one."""
        return SPLITS[int(self.table.split[int(self._shard_starts[shard - self.first_shard])])]

    def num_pictures_of(self, shard: int) -> int:
        """Planned pictures of a shard."""
        first, end = (int(row) for row in self._shard_starts[shard - self.first_shard :][:2])
        return end - first

    def shard_pictures(self, shard: int) -> list[PlannedPicture]:
        """The pictures of a shard, in order.

        Args:
            shard: its number, one of `shards`.

        Returns:
            One entry per picture.

        Raises:
            ConfigError: if this round has no such shard.
        """
        if shard not in self.shards:
            raise ConfigError(
                f"shard {shard} is not in round {self.round_number}; it has {self.shards.start} to "
                f"{self.shards.stop - 1}. Take one of Plan.shards."
            )
        first, end = (int(row) for row in self._shard_starts[shard - self.first_shard :][:2])
        return [self._picture(row) for row in range(first, end)]

    def _picture(self, row: int) -> PlannedPicture:
        table = self.table
        recipe_index, class_index = int(table.recipe[row]), int(table.class_index[row])
        return PlannedPicture(
            index=self.first_index + row,
            class_index=class_index,
            class_name=self.class_names[class_index],
            split=SPLITS[int(table.split[row])],
            recipe_index=recipe_index,
            recipe=self.recipes[recipe_index],
            seed=int(table.seed[row]),
        )


def make_plan(
    classes: Sequence[ClassRecipes], *, settings: PlanSettings, counts: Mapping[str, Sequence[int] | int]
) -> Plan:
    """Fixes every picture of a clone; not yet frozen, `plan_store.save_plan` does that.

    Within a class and a split the recipes come equally often, give or take one. Pictures of a split lie in random
    order, so that every shard holds a mixture of classes.

    Args:
        classes: at least one, each with its recipes.
        settings: what is the same for all pictures.
        counts: split to pictures of each class: one number for all, or one per class.

    Returns:
        The plan; equal arguments give an equal plan.

    Raises:
        ConfigError: if names repeat, a split does not exist, or there is nothing to draw.
    """
    names = tuple(entry.name for entry in classes)
    if len(set(names)) < len(names):
        raise ConfigError(f"{len(names) - len(set(names))} class names repeat; every class has its own. Rename them.")
    unknown = sorted(set(counts) - set(SPLITS))
    if unknown:
        raise ConfigError(f"there is no split '{unknown[0]}'; the splits are {', '.join(SPLITS)}. Use one of them.")
    quotas = np.zeros((len(SPLITS), len(names)), dtype=np.int64)
    for split, number in counts.items():
        quotas[SPLITS.index(split)] = number
    recipes = tuple(recipe for entry in classes for recipe in entry.recipes)
    recipe_classes = np.repeat(
        np.arange(len(names), dtype=np.int32), np.array([len(entry.recipes) for entry in classes], dtype=np.int64)
    )
    total = int(quotas.sum())
    if quotas.size == 0 or quotas.min() < 0 or not 1 <= total <= MAX_PICTURES:
        raise ConfigError(
            f"the plan would hold {total} pictures of {len(names)} classes; it takes from 1 to {MAX_PICTURES}, and "
            "none below 0. Change the counts."
        )
    return Plan(
        settings=settings,
        class_names=names,
        recipes=recipes,
        recipe_classes=recipe_classes,
        quotas=quotas,
        table=_make_table(quotas, recipe_classes=recipe_classes, settings=settings),
    )


def make_top_up(plan: Plan, *, missing: Int64[np.ndarray, "splits classes"]) -> Plan:
    """Plans new pictures for what was left out, as a round of its own.

    Args:
        plan: the latest frozen round.
        missing: pictures to add, (splits, classes), at least one in all.

    Returns:
        The new round; its pictures and shards are numbered on.
    """
    first_index, first_shard = plan.first_index + len(plan), plan.first_shard + plan.num_shards
    return Plan(
        settings=plan.settings,
        class_names=plan.class_names,
        recipes=plan.recipes,
        recipe_classes=plan.recipe_classes,
        quotas=missing,
        table=_make_table(
            missing,
            recipe_classes=plan.recipe_classes,
            settings=plan.settings,
            first_index=first_index,
            first_shard=first_shard,
        ),
        round_number=plan.round_number + 1,
        first_index=first_index,
        first_shard=first_shard,
        parent=plan.digest,
    )


def _make_table(
    quotas: Int64[np.ndarray, "splits classes"],
    *,
    recipe_classes: Int32[np.ndarray, " recipes"],
    settings: PlanSettings,
    first_index: int = 0,
    first_shard: int = 0,
) -> PictureTable:
    num_classes = quotas.shape[1]
    num_recipes = np.bincount(recipe_classes, minlength=num_classes)
    first_recipes = np.concatenate([[0], np.cumsum(num_recipes)[:-1]])
    columns: dict[str, list[np.ndarray]] = {"class": [], "split": [], "recipe": [], "shard": []}
    next_shard = first_shard
    for position, split in enumerate(SPLITS):
        counts = quotas[position]
        total = int(counts.sum())
        rng = child_rng(settings.seed, "clone", split, first_index)
        classes = np.repeat(np.arange(num_classes), counts)
        within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        turns = rng.integers(0, num_recipes, size=num_classes)  # which recipe of a class comes first
        recipes = first_recipes[classes] + (within + turns[classes]) % num_recipes[classes]
        order = rng.permutation(total)
        shards = next_shard + np.arange(total) // settings.shard_size
        next_shard += -(-total // settings.shard_size)
        for name, column in (("class", classes[order]), ("recipe", recipes[order]), ("shard", shards)):
            columns[name].append(column.astype(np.int32))
        columns["split"].append(np.full(total, position, dtype=np.int8))
    split_column = np.concatenate(columns["split"])
    return PictureTable(
        class_index=np.concatenate(columns["class"]),
        split=split_column,
        recipe=np.concatenate(columns["recipe"]),
        seed=picture_seeds(settings.seed, first_index=first_index, count=len(split_column)),
        shard=np.concatenate(columns["shard"]),
    )


def picture_seeds(root: int, *, first_index: int, count: int) -> Int64[np.ndarray, " count"]:
    """Derives the seed of every picture from its index alone.

    Args:
        root: root seed of the plan.
        first_index: index of the first picture.
        count: pictures.

    Returns:
        Seeds from 0 to 2**63 - 1.

    Source: the output function of SplitMix64, Steele, Lea & Flood 2014, figure 17, on a counter.
    """
    start = np.uint64(child_seed(root, "clone", "pictures"))
    state: UInt64[np.ndarray, " count"] = np.arange(first_index + 1, first_index + 1 + count, dtype=np.uint64)
    state = start + state * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((state ^ (state >> np.uint64(31))) & np.uint64(MAX_SEED), dtype=np.int64)
