"""A shard: one pure function of the plan draws it, and one rename makes it exist."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image as PillowImage

from rldf.arrays import Image, ImageBatch
from rldf.contracts import ImageGenerator, ShardResult
from rldf.datasets.duplicates import mark
from rldf.datasets.plan import Plan, PlannedPicture, PlanSettings
from rldf.datasets.plan_store import parquet_bytes, parquet_table
from rldf.datasets.storage import PhaseHook, Storage, ignore_phase
from rldf.datasets.tar_files import pack, unpack
from rldf.errors import ConfigError, RecordError
from rldf.records.percept import Prompt
from rldf.records.pictures import encode_png

BLANK_BELOW = 2.0  # our choice: standard deviation of grey values, of 255; a flat frame stays below
SHARD_FOLDER = "shards"
SUFFIXES = {"jpeg": "jpg", "png": "png", "webp": "webp"}

UnsafeScores = Callable[[ImageBatch], Sequence[float]]
"""Judges pictures: 0 harmless to 1 unsafe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What is looked at before a picture gets a label.

    Attributes:
        blank_below: pictures whose grey values deviate less are left out.
        unsafe_scores: judges pictures; None where no such model is at hand, and then nothing is said about safety.
        unsafe_above: pictures that score higher are left out.
    """

    blank_below: float = BLANK_BELOW
    unsafe_scores: UnsafeScores | None = None
    unsafe_above: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFiles:
    """What a shard consists of.

    Attributes:
        archive: the pictures that may be used, as a tar file.
        table: one row for each planned picture, as Parquet.
        num_pictures: pictures in the archive.
        num_refused: pictures that were drawn and left out.
    """

    archive: bytes
    table: bytes
    num_pictures: int
    num_refused: int


def draw_shard(
    pictures: Sequence[PlannedPicture],
    *,
    settings: PlanSettings,
    image_generator: ImageGenerator,
    screen: Screen | None = None,
) -> ShardFiles:
    """Draws the pictures of a shard: equal arguments give equal bytes.

    A blank or unsafe picture is never stored with a label: it is left out, and its row says so.

    Args:
        pictures: in plan order.
        settings: of the plan; they fix the batches and the encoding.
        image_generator: draws.
        screen: what is looked at; None for blank pictures only.

    Returns:
        The files of the shard.
    """
    used = Screen() if screen is None else screen
    files: dict[str, bytes] = {}
    rows: list[dict[str, Any]] = []
    for first in range(0, len(pictures), settings.batch_size):
        batch = pictures[first : first + settings.batch_size]
        prompts = [Prompt(text=picture.recipe.sentence, negative=settings.negative_prompt) for picture in batch]
        images = image_generator.generate(prompts, seeds=[picture.seed for picture in batch])
        scores = [None] * len(batch) if used.unsafe_scores is None else list(used.unsafe_scores(images))
        for picture, image, score in zip(batch, images, scores, strict=True):
            row = _row(picture, image, score=score, screen=used)
            if row["state"] == "kept":
                content = encode_picture(image, settings=settings)
                row |= {"sha256": sha256(content).hexdigest(), "num_bytes": len(content)}
                files |= members(picture, content, settings=settings)
            rows.append(row)
    num_kept = sum(row["state"] == "kept" for row in rows)
    return ShardFiles(
        archive=pack(files),
        table=parquet_bytes(pa.Table.from_pylist(rows, schema=SHARD_SCHEMA)),
        num_pictures=num_kept,
        num_refused=len(rows) - num_kept,
    )


def make_shard(
    plan: Plan,
    shard: int,
    *,
    storage: Storage,
    image_generator: ImageGenerator,
    screen: Screen | None = None,
    on_phase: PhaseHook = ignore_phase,
) -> ShardResult:
    """Makes one shard, unless it is there already: the table first, then the archive, whose rename commits both.

    Args:
        plan: a frozen round.
        shard: one of its shards.
        storage: of the clone.
        image_generator: must be the one of the plan.
        screen: what is looked at; None for blank pictures only.
        on_phase: is told "started", and each phase of writing the archive.

    Returns:
        What came of it.

    Raises:
        ConfigError: if the generator is not the plan's.
    """
    began = time.monotonic()
    name = plan.shard_name(shard)
    pictures = plan.shard_pictures(shard)
    if has_shard(storage, name):
        return ShardResult(shard=shard, state="found", num_pictures=len(pictures))
    if image_generator.identity != plan.settings.generator:
        raise ConfigError(
            f"the plan was made for the generator '{plan.settings.generator}', and this one is "
            f"'{image_generator.identity}'; a clone has one generator. Use the same model and settings, or plan anew."
        )
    on_phase("started")
    files = draw_shard(pictures, settings=plan.settings, image_generator=image_generator, screen=screen)
    storage.write(table_file(name), files.table)
    storage.write(archive_file(name), files.archive, on_phase=on_phase)
    return ShardResult(
        shard=shard,
        state="made",
        num_pictures=files.num_pictures,
        num_refused=files.num_refused,
        seconds=time.monotonic() - began,
    )


def archive_file(name: str) -> str:
    """File of a shard's pictures."""
    return f"{SHARD_FOLDER}/{name}.tar"


def table_file(name: str) -> str:
    """File of a shard's rows."""
    return f"{SHARD_FOLDER}/{name}.parquet"


def has_shard(storage: Storage, name: str) -> bool:
    """Tells whether a shard was committed."""
    return storage.has(archive_file(name)) and storage.has(table_file(name))


def read_shard_table(storage: Storage, name: str) -> pa.Table:
    """Reads the rows of a shard, in plan order.

    Args:
        storage: of the clone.
        name: of the shard.

    Returns:
        One row per planned picture.

    Raises:
        RecordError: if they are damaged or of another form.
    """
    table = parquet_table(storage.read(table_file(name)), name=table_file(name))
    if not table.schema.equals(SHARD_SCHEMA):
        raise RecordError(
            f"'{table_file(name)}' has other columns than this version writes; they must be equal. "
            "Use the version that wrote it, or remove it with `rldf clone repair`."
        )
    return table


def read_members(storage: Storage, name: str) -> Iterator[tuple[str, bytes]]:
    """Reads the archive of a shard: name and content of each member, in order of their names."""
    return unpack(storage.read(archive_file(name)), name=archive_file(name))


def read_pictures(storage: Storage, name: str) -> Iterator[tuple[str, bytes]]:
    """Reads the pictures of a shard: key and encoded picture, in order of their keys."""
    suffixes = tuple(f".{suffix}" for suffix in SUFFIXES.values())
    for member, content in read_members(storage, name):
        if member.endswith(suffixes):
            yield member.partition(".")[0], content


def encode_picture(image: Image, *, settings: PlanSettings) -> bytes:
    """Encodes a picture as the plan says; JPEG without colour subsampling."""
    buffer = BytesIO()
    match settings.picture_format:
        case "png":
            return encode_png(image)
        case "jpeg":
            PillowImage.fromarray(image).save(buffer, format="JPEG", quality=settings.quality, subsampling=0)
        case "webp":
            PillowImage.fromarray(image).save(buffer, format="WEBP", quality=settings.quality, method=4)
    return buffer.getvalue()


def decode_picture(content: bytes, *, key: str) -> Image:
    """Decodes a stored picture.

    Args:
        content: the encoded picture.
        key: its name, for the message.

    Returns:
        The picture.

    Raises:
        RecordError: if it is damaged.
    """
    try:
        with PillowImage.open(BytesIO(content)) as picture:
            return np.array(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise RecordError(
            f"the picture {key} is damaged ({error}); it must decode. `rldf clone repair` removes its shard."
        ) from error


SHARD_SCHEMA = pa.schema(
    [
        ("index", pa.int64()),
        ("key", pa.string()),
        ("class_index", pa.int32()),
        ("class_name", pa.string()),
        ("split", pa.string()),
        ("recipe", pa.int32()),
        ("sentence", pa.string()),
        ("terms", pa.string()),
        ("seed", pa.int64()),
        ("state", pa.string()),  # "kept", "blank" or "unsafe"
        ("sha256", pa.string()),  # of the stored picture; "" where it was left out
        ("num_bytes", pa.int64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("deviation", pa.float32()),  # of its grey values, of 255
        ("unsafe_score", pa.float32()),  # null where nothing judged it
        ("mark", pa.binary(80)),
    ]
)


def planned_columns(picture: PlannedPicture) -> dict[str, Any]:
    """The columns of a row that the plan alone decides."""
    return {
        "index": picture.index,
        "key": picture.key,
        "class_index": picture.class_index,
        "class_name": picture.class_name,
        "split": picture.split,
        "recipe": picture.recipe_index,
        "sentence": picture.recipe.sentence,
        "terms": json.dumps(dict(picture.recipe.terms), ensure_ascii=False),
        "seed": picture.seed,
    }


def seen_columns(image: Image) -> dict[str, Any]:
    """The columns of a row that the drawn picture alone decides."""
    grey = np.asarray(PillowImage.fromarray(image).convert("L"), dtype=np.float32)
    return {
        "width": image.shape[1],
        "height": image.shape[0],
        "deviation": float(grey.std()),
        "mark": mark(image).tobytes(),
    }


def picture_file(picture: PlannedPicture, *, settings: PlanSettings) -> str:
    """Names the member of an archive that holds a picture."""
    return f"{picture.key}.{SUFFIXES[settings.picture_format]}"


def members(picture: PlannedPicture, content: bytes, *, settings: PlanSettings) -> dict[str, bytes]:
    """Makes what an archive holds of a picture.

    Args:
        picture: as it was planned.
        content: the encoded picture.
        settings: of the plan.

    Returns:
        Name to content: the picture, its class number, and what else is known of it.
    """
    about = {
        "index": picture.index,
        "class": picture.class_name,
        "sentence": picture.recipe.sentence,
        "terms": dict(picture.recipe.terms),
        "seed": picture.seed,
    }
    return {
        picture_file(picture, settings=settings): content,
        f"{picture.key}.cls": str(picture.class_index).encode(),
        f"{picture.key}.json": json.dumps(about, ensure_ascii=False).encode(),
    }


def _row(picture: PlannedPicture, image: Image, *, score: float | None, screen: Screen) -> dict[str, Any]:
    seen = seen_columns(image)
    state = "kept"
    if seen["deviation"] < screen.blank_below:
        state = "blank"
    elif score is not None and score > screen.unsafe_above:
        state = "unsafe"
    return {
        **planned_columns(picture),
        **seen,
        "state": state,
        "sha256": "",
        "num_bytes": 0,
        "unsafe_score": score,
    }
