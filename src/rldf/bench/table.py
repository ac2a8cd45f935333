"""BenchTable: what was read in every picture of a space and in the targets, in one file of stated schema.

The file is a compressed `.npz` of plain arrays and one JSON header; it never holds pickled objects. Arrays:

- `header`: uint8, JSON in UTF-8: schema, name, version, source, licence, command, grammar, axes, models,
  seeds, targets.
- `a_search`, `a_test`, `b_test`: uint8, (states, seeds, terms): probability of each term x 255, the axes side by side.
- `a_search_vectors`, `a_test_vectors`: float16, (states, seeds, width): embeddings, projected to at most 64 numbers.
- `target_a`, `target_b`: uint8, (targets, terms): the same probabilities, of the target pictures.
- `target_vectors`: float16, (targets, width): embeddings of the target pictures by scorer A.
- `sentence_vectors`: float16, (states, width): A's embeddings of the sentences; no rows where A has no text side.

States are numbered as `EncodingSpace.index` does. Scorer A reads search and test pictures, scorer B test pictures
alone.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, UInt8

from rldf.errors import RecordError
from rldf.records.percept import Percept
from rldf.space import Axis, Encoding, EncodingSpace, Exclusion

SCHEMA = "rldf-bench-table/1"
MAX_BYTES = 10 * 2**20
MAX_WIDTH = 64
LEVELS = 255
ARRAYS = (
    "a_search",
    "a_test",
    "b_test",
    "a_search_vectors",
    "a_test_vectors",
    "target_a",
    "target_b",
    "target_vectors",
    "sentence_vectors",
)

TargetKind = Literal["in-generator", "drawn", "off-grammar", "several-objects"]
Split = Literal["development", "test"]

Readings = UInt8[np.ndarray, "states _seeds terms"]
Vectors = Float[np.ndarray, "states _seeds width"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchTarget:
    """What is known of one target picture.

    Attributes:
        kind: drawn by the image model itself ("in-generator"), by the renderer ("drawn"), of something the grammar
            cannot say ("off-grammar"), or of several objects.
        split: "development" targets are for tuning, "test" targets are touched once.
        terms: axis id to the true term; axes whose truth the grammar cannot say are left out.
        sentence: what it shows, in words.
        seed: of the picture.
    """

    kind: TargetKind
    split: Split
    terms: Mapping[str, str]
    sentence: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerReadings:
    """What the scorers read in the pictures; shapes as in the module's table.

    Attributes:
        a_search, a_test: scorer A, on search and on test seeds.
        b_test: scorer B, on test seeds.
        a_search_vectors, a_test_vectors: embeddings of scorer A.
        target_a, target_b: both scorers, on the targets.
        target_vectors: embeddings of the targets by scorer A.
        sentence_vectors: embeddings of the sentences by scorer A; may have no rows.
    """

    a_search: Readings
    a_test: Readings
    b_test: Readings
    a_search_vectors: Vectors
    a_test_vectors: Vectors
    target_a: UInt8[np.ndarray, "targets terms"]
    target_b: UInt8[np.ndarray, "targets terms"]
    target_vectors: Float[np.ndarray, "targets width"]
    sentence_vectors: Float[np.ndarray, "sentences width"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchTable:
    """A space, its targets, and what was read in all their pictures.

    Attributes:
        name: such as "base".
        space: the grid.
        grammar_digest: of the grammar that spelled the sentences; "" for a simulated table.
        models: "generator", "scorer_a", "scorer_b" to the digest of the weights.
        command: what made it.
        search_seeds: seeds of the pictures a search may see.
        test_seeds: seeds of the pictures results are judged by.
        targets: in the order of the arrays.
        readings: the arrays.
    """

    name: str
    space: EncodingSpace
    grammar_digest: str
    models: Mapping[str, str]
    command: str
    search_seeds: tuple[int, ...]
    test_seeds: tuple[int, ...]
    targets: tuple[BenchTarget, ...]
    readings: ScorerReadings = field(repr=False)

    def __post_init__(self) -> None:
        readings, space = self.readings, self.space
        states, terms = space.size, sum(len(axis) for axis in space.axes)
        width = readings.a_search_vectors.shape[-1]
        expected = {
            "a_search": (states, len(self.search_seeds), terms),
            "a_test": (states, len(self.test_seeds), terms),
            "b_test": (states, len(self.test_seeds), terms),
            "a_search_vectors": (states, len(self.search_seeds), width),
            "a_test_vectors": (states, len(self.test_seeds), width),
            "target_a": (len(self.targets), terms),
            "target_b": (len(self.targets), terms),
            "target_vectors": (len(self.targets), width),
            "sentence_vectors": (len(readings.sentence_vectors), width),
        }
        for name, shape in expected.items():
            if getattr(readings, name).shape != shape:
                raise RecordError(
                    f"the array '{name}' of the table '{self.name}' has shape {getattr(readings, name).shape}; its "
                    f"header asks for {shape}. Make the table again with: rldf bench table."
                )
        if width > MAX_WIDTH:
            raise RecordError(f"embeddings are {width} wide; at most {MAX_WIDTH} are kept. Project them to fewer.")

    @property
    def columns(self) -> tuple[slice, ...]:
        """Where the terms of each axis stand in the readings."""
        ends = np.cumsum([len(axis) for axis in self.space.axes])
        return tuple(slice(int(end) - len(axis), int(end)) for end, axis in zip(ends, self.space.axes, strict=True))

    def target_state(self, target: int) -> int | None:
        """Number of a target's true encoding; None where the grammar cannot say it."""
        terms = self.targets[target].terms
        return self.space.index(self.space.encode(terms)) if len(terms) == len(self.space.axes) else None

    def percept(self, row: UInt8[np.ndarray, " terms"]) -> Percept:
        """Makes a percept of one row of readings; the probabilities of each axis sum to 1."""
        parts = [row[columns].astype(np.float64) for columns in self.columns]
        shares = tuple(part / part.sum() if part.sum() > 0 else np.full(len(part), 1 / len(part)) for part in parts)
        return Percept(encoding=Encoding(tuple(int(share.argmax()) for share in shares)), probabilities=shares)

    def other_models(self, models: Mapping[str, str]) -> str:
        """Says which weights are others than those it was made with.

        Args:
            models: part to the digest of its weights, as they are now.

        Returns:
            One line; empty where all are the same.
        """
        others = [part for part, digest in models.items() if self.models.get(part) != digest]
        if not others:
            return ""
        made = ", ".join(f"{part} {self.models.get(part, '(none)')[:12]}" for part in others)
        now = ", ".join(f"{part} {models[part][:12]}" for part in others)
        return (
            f"the table '{self.name}' was made with {made}, and now there is {now}; a table holds for the weights it "
            f"was made with. Make it again with: {self.command}"
        )

    def require_models(self, models: Mapping[str, str]) -> None:
        """Refuses to be used with other weights than it was made with.

        Args:
            models: part to the digest of its weights, as they are now.

        Raises:
            RecordError: if one of them differs.
        """
        if others := self.other_models(models):
            raise RecordError(others)


def quantise(probabilities: Float[np.ndarray, "*_rows _terms"]) -> UInt8[np.ndarray, "*_rows _terms"]:
    """Turns probabilities, 0 to 1, into steps of 1/255."""
    return np.asarray(np.rint(np.clip(probabilities, 0.0, 1.0) * LEVELS), dtype=np.uint8)


def write_table(table: BenchTable, path: Path) -> int:
    """Writes a table; the same table gives the same bytes.

    Args:
        table: what to write.
        path: such as `base.npz`; written over if it is there.

    Returns:
        Size of the file in bytes.

    Raises:
        RecordError: if the file would be larger than 10 MiB.
    """
    header = json.dumps(_header(table), ensure_ascii=False, sort_keys=True).encode()
    content = BytesIO()
    arrays = {name: getattr(table.readings, name) for name in ARRAYS}
    np.savez_compressed(content, header=np.frombuffer(header, dtype=np.uint8), allow_pickle=False, **arrays)
    size = content.getbuffer().nbytes
    if size > MAX_BYTES:
        raise RecordError(
            f"the table '{table.name}' would take {size / 2**20:.1f} MiB; at most {MAX_BYTES / 2**20:.0f} are allowed. "
            "Ask for fewer seeds, or narrower embeddings with --width."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content.getvalue())
    partial.replace(path)
    return size


def read_table(path: Path) -> BenchTable:
    """Reads a table; pickled content is refused.

    Args:
        path: a file written by `write_table`.

    Returns:
        The table.

    Raises:
        RecordError: if it is no such file, or of another schema.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(bytes(file["header"]))
            arrays = {name: np.asarray(file[name]) for name in ARRAYS}
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise RecordError(
            f"'{path}' cannot be read as a benchmark table: {error}. Give a file written by: rldf bench table."
        ) from error
    if header.get("schema") != SCHEMA:
        raise RecordError(
            f"'{path}' has the schema '{header.get('schema')}'; this version reads '{SCHEMA}'. "
            "Make it again with: rldf bench table."
        )
    return BenchTable(
        name=header["name"],
        space=_space_of(header),
        grammar_digest=header["grammar"],
        models=header["models"],
        command=header["command"],
        search_seeds=tuple(header["search_seeds"]),
        test_seeds=tuple(header["test_seeds"]),
        targets=tuple(BenchTarget(**target) for target in header["targets"]),
        readings=ScorerReadings(**arrays),
    )


def _header(table: BenchTable) -> dict[str, Any]:
    space = table.space
    return {
        "schema": SCHEMA,
        "name": table.name,
        "version": 1,
        "source": "pictures of the models named here, read by their scorers; no picture is kept",
        "licence": "Apache-2.0",
        "command": table.command,
        "grammar": table.grammar_digest,
        "models": dict(table.models),
        "axes": [
            {"id": a.id, "terms": list(a.terms), "kind": a.kind, "is_optional": a.is_optional} for a in space.axes
        ],
        "locked": dict(space.locked),
        "exclusions": [{axis: list(terms) for axis, terms in e.terms.items()} for e in space.exclusions],
        "search_seeds": list(table.search_seeds),
        "test_seeds": list(table.test_seeds),
        "targets": [
            {"kind": t.kind, "split": t.split, "terms": dict(t.terms), "sentence": t.sentence, "seed": t.seed}
            for t in table.targets
        ],
    }


def _space_of(header: Mapping[str, Any]) -> EncodingSpace:
    axes = tuple(
        Axis(id=a["id"], terms=tuple(a["terms"]), kind=a["kind"], is_optional=a["is_optional"]) for a in header["axes"]
    )
    exclusions = tuple(
        Exclusion(terms={axis: tuple(terms) for axis, terms in entry.items()}) for entry in header["exclusions"]
    )
    return EncodingSpace(axes=axes, locked=header["locked"], exclusions=exclusions)
