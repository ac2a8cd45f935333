"""Plans on storage: Parquet tables and a header, frozen by one digest over all of them."""

import json
from dataclasses import asdict, replace
from hashlib import sha256
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rldf.datasets.plan import SCHEMA_VERSION, PictureTable, Plan, PlanSettings
from rldf.datasets.recipes import Recipe
from rldf.datasets.storage import Storage
from rldf.errors import RecordError

_COLUMNS = ("class_index", "split", "recipe", "seed", "shard")


def save_plan(plan: Plan, storage: Storage) -> Plan:
    """Freezes a round: writes its tables, then its header with the digest.

    Args:
        plan: not frozen yet.
        storage: of the clone.

    Returns:
        The frozen round.

    Raises:
        RecordError: if the same round is there already.
    """
    stem = _stem(plan.round_number)
    if storage.has(f"{stem}.json"):
        raise RecordError(
            f"'{storage.address}' holds a plan already (round {plan.round_number}); a plan is frozen. "
            "Choose another --out, or go on with `rldf clone run`."
        )
    pictures = parquet_bytes(pa.table({name: getattr(plan.table, name) for name in _COLUMNS}))
    recipes = parquet_bytes(_recipe_table(plan))
    header: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "kind": "clone plan",
        "round": plan.round_number,
        "parent": plan.parent,
        "first_index": plan.first_index,
        "first_shard": plan.first_shard,
        "num_pictures": len(plan),
        "num_shards": plan.num_shards,
        "settings": {**asdict(plan.settings), "about": dict(plan.settings.about)},
        "class_names": list(plan.class_names),
        "quotas": plan.quotas.tolist(),
        "sha256": {"pictures": sha256(pictures).hexdigest(), "recipes": sha256(recipes).hexdigest()},
    }
    digest = _digest(header)
    storage.write(f"{stem}.pictures.parquet", pictures)
    storage.write(f"{stem}.recipes.parquet", recipes)
    text = json.dumps({**header, "digest": digest}, ensure_ascii=False, indent=1)
    storage.write(f"{stem}.json", (text + "\n").encode())
    return replace(plan, digest=digest)


def load_rounds(storage: Storage) -> list[Plan]:
    """Reads every round of a clone, checking each digest and that each continues the one before.

    Args:
        storage: of the clone.

    Returns:
        The rounds, at least one.

    Raises:
        RecordError: if there is no plan, or it was changed.
    """
    rounds: list[Plan] = []
    while storage.has(f"{_stem(len(rounds))}.json"):
        plan = _load_round(storage, len(rounds))
        if plan.parent != (rounds[-1].digest if rounds else ""):
            raise RecordError(
                f"round {len(rounds)} of the plan in '{storage.address}' continues another plan; rounds belong "
                "together. Restore the folder plan/, or plan again into another --out."
            )
        rounds.append(plan)
    if not rounds:
        raise RecordError(
            f"there is no plan in '{storage.address}'; a clone begins with one. Make it with `rldf clone plan`."
        )
    return rounds


def parquet_bytes(table: pa.Table) -> bytes:
    """Writes a table as Parquet; equal tables give equal bytes with one version of pyarrow."""
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd", store_schema=True)
    return buffer.getvalue()


def parquet_table(data: bytes, *, name: str) -> pa.Table:
    """Reads a Parquet file.

    Args:
        data: the file.
        name: of the file, for the message.

    Returns:
        The table.

    Raises:
        ArrowMemoryError: if memory is short; the table may well be whole.
        RecordError: if it is damaged.
    """
    try:
        return pq.read_table(BytesIO(data))
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RecordError(
            f"the table '{name}' is damaged ({reason}); it must be whole. `rldf clone repair` removes it, and "
            "`rldf clone run` makes it again."
        ) from error


def _load_round(storage: Storage, number: int) -> Plan:
    stem = _stem(number)
    try:
        header: dict[str, Any] = json.loads(storage.read(f"{stem}.json"))
        stored = header.pop("digest")
        pictures, recipes = storage.read(f"{stem}.pictures.parquet"), storage.read(f"{stem}.recipes.parquet")
        found = {"pictures": sha256(pictures).hexdigest(), "recipes": sha256(recipes).hexdigest()}
        is_whole = header["schema_version"] == SCHEMA_VERSION and header["sha256"] == found
        is_whole = is_whole and _digest(header) == stored
    except (ValueError, KeyError, AttributeError) as error:
        raise RecordError(
            f"'{stem}.json' in '{storage.address}' is no plan ({error}); it was changed. Restore it, or plan again."
        ) from error
    if not is_whole:
        raise RecordError(
            f"round {number} of the plan in '{storage.address}' does not match its digest; a plan is frozen. "
            "Restore the folder plan/, or plan again into another --out."
        )
    columns = parquet_table(pictures, name=f"{stem}.pictures.parquet")
    rows = parquet_table(recipes, name=f"{stem}.recipes.parquet").to_pydict()
    return Plan(
        settings=PlanSettings(**header["settings"]),
        class_names=tuple(header["class_names"]),
        recipes=tuple(
            Recipe(sentence=sentence, terms=json.loads(terms))
            for sentence, terms in zip(rows["sentence"], rows["terms"], strict=True)
        ),
        recipe_classes=np.array(rows["class_index"], dtype=np.int32),
        quotas=np.array(header["quotas"], dtype=np.int64),
        table=PictureTable(**{name: columns[name].to_numpy() for name in _COLUMNS}),
        round_number=number,
        first_index=header["first_index"],
        first_shard=header["first_shard"],
        parent=header["parent"],
        digest=stored,
    )


def _recipe_table(plan: Plan) -> pa.Table:
    return pa.table(
        {
            "class_index": plan.recipe_classes,
            "sentence": [recipe.sentence for recipe in plan.recipes],
            "terms": [json.dumps(dict(recipe.terms), ensure_ascii=False) for recipe in plan.recipes],
        },
        schema=pa.schema([("class_index", pa.int32()), ("sentence", pa.string()), ("terms", pa.string())]),
    )


def _digest(header: dict[str, Any]) -> str:
    return sha256(json.dumps(header, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _stem(round_number: int) -> str:
    return f"plan/round-{round_number:03d}"
