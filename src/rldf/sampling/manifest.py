"""The files of a set of pictures: names, sidecars, the manifest, and drawing everything again from it alone."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from rldf.contracts import ImageGenerator
from rldf.errors import RecordError
from rldf.records import Prompt
from rldf.records.durable_files import write_file
from rldf.records.pictures import encode_png
from rldf.sampling.controls import count_cells

SCHEMA_VERSION = 2
MANIFEST = "manifest.json"
_PICTURE_GLOB = "[0-9]" * 6 + ".png"
_ROW_KEYS = ("file", "sentence", "negative", "encoding", "cell", "seed", "is_passed", "pixels_sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRedrawn:
    """One picture was drawn again from its manifest.

    Attributes:
        path: the new file.
        position: from 1.
        count: pictures in all.
        is_equal: True where its pixels are those the manifest names.
    """

    path: Path
    position: int
    count: int
    is_equal: bool


def picture_name(index: int) -> str:
    """Names the file of a picture."""
    return f"{index:06d}.png"


def sidecar_path(picture: Path) -> Path:
    """Names the sidecar of a picture."""
    return picture.with_suffix(".json")


def read_sidecar(picture: Path) -> dict[str, Any]:
    """Reads the sidecar of a picture.

    Args:
        picture: the PNG file.

    Returns:
        All that is known of it.

    Raises:
        RecordError: if it cannot be read.
    """
    path = sidecar_path(picture)
    try:
        sidecar: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(sidecar["sentence"], str) and isinstance(sidecar["seed"], int):
            return sidecar
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"'{path}' is no sidecar of a picture ({error}). Remove it and draw again.") from error
    raise RecordError(f"'{path}' is no sidecar of a picture. Remove it and draw again.")


def begin_manifest(folder: Path, *, settings: Mapping[str, Any], force: bool) -> None:
    """Writes the manifest, or goes on with one of the same settings.

    Args:
        folder: made where it is missing.
        settings: what fixes the set.
        force: True to remove pictures of other settings.

    Raises:
        RecordError: if the folder cannot be made, or holds pictures of other settings.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordError(f"the folder '{folder}' cannot be made: {error.strerror}. Choose another --out.") from error
    wanted = {"schema_version": SCHEMA_VERSION, "kind": "generate", **settings}
    if (folder / MANIFEST).is_file() and not force:
        stored = read_manifest(folder)
        different = [key for key, value in wanted.items() if stored.get(key) != json.loads(json.dumps(value))]
        if different:
            raise RecordError(
                f"the folder '{folder}' holds pictures with another {', '.join(different)}; one folder holds pictures "
                "of one order, model and seed. Choose another --out, or give --force."
            )
        return
    if not force:
        require_no_pictures(folder)
    for path in folder.glob(_PICTURE_GLOB):
        path.unlink()
        sidecar_path(path).unlink(missing_ok=True)
    for archive in folder.glob("pictures-" + "[0-9]" * 6 + ".tar"):
        archive.unlink()
    _write(folder, {**wanted, "is_complete": False, "pictures": []})


def require_no_more_than(folder: Path, count: int) -> None:
    """Refuses to end a set with fewer pictures than lie there: its manifest lists all of them.

    Args:
        folder: of a begun set.
        count: pictures asked for.

    Raises:
        RecordError: if more lie there.
    """
    num_pictures = len(list(folder.glob(_PICTURE_GLOB)))
    if num_pictures > count:
        raise RecordError(
            f"the folder '{folder}' holds {num_pictures} pictures of this set already, and {count} are asked for; a "
            f"set only grows. Ask for {num_pictures} or more with -n, choose another --out, or give --force."
        )


def require_no_pictures(folder: Path) -> None:
    """Refuses to write over pictures.

    Args:
        folder: where pictures shall go; it may be missing.

    Raises:
        RecordError: if it holds some.
    """
    num_pictures = len(list(folder.glob(_PICTURE_GLOB)))
    if num_pictures:
        raise RecordError(
            f"the folder '{folder}' holds {num_pictures} pictures that this set does not go on with; nothing is "
            "overwritten. Choose another --out, or give --force."
        )


def close_manifest(folder: Path, *, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the finished manifest from the sidecars.

    Args:
        folder: with a begun manifest and all pictures.
        facts: measured of the set, such as its diversity.

    Returns:
        The manifest.
    """
    begun = read_manifest(folder)
    sidecars = [read_sidecar(path) for path in sorted(folder.glob(_PICTURE_GLOB))]
    tries, rejected = sum(s["tries"] for s in sidecars), sum(s["rejected"] for s in sidecars)
    manifest = {
        **begun,
        "is_complete": True,
        "drawn": tries,
        "rejected": rejected,
        "not_passed": sum(not s["is_passed"] for s in sidecars),
        "cells": [{"cell": cell, "count": number} for cell, number in count_cells([s["cell"] for s in sidecars])],
        **facts,
        "pictures": [{key: sidecar[key] for key in _ROW_KEYS} for sidecar in sidecars],
    }
    _write(folder, manifest)
    return manifest


def read_manifest(path: Path) -> dict[str, Any]:
    """Reads a manifest.

    Args:
        path: the file, or the folder it is in.

    Returns:
        Its content.

    Raises:
        RecordError: if it is no manifest of this version.
    """
    path = path / MANIFEST if path.is_dir() else path
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(manifest["pictures"], list) and manifest["kind"] == "generate":
            version = manifest["schema_version"]
            if version == SCHEMA_VERSION:
                return manifest
            raise RecordError(
                f"'{path}' is a manifest of version {version}; this release reads {SCHEMA_VERSION}. Draw the set again."
            )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"'{path}' is no manifest ({error}). Choose another --out, or give --force.") from error
    raise RecordError(f"'{path}' is no manifest: it lists no pictures. Choose another --out, or give --force.")


def redraw(
    manifest: Mapping[str, Any], image_generator: ImageGenerator, *, folder: Path, batch_size: int = 8
) -> Iterator[PictureRedrawn]:
    """Draws every picture of a manifest again: sentence, negative prompt and seed are all it takes.

    Args:
        manifest: of a finished set.
        image_generator: must be the one of the manifest.
        folder: receives the pictures.
        batch_size: pictures drawn at once.

    Yields:
        One event per picture, in order.

    Raises:
        RecordError: if the set is unfinished or was drawn by another generator.
    """
    if not manifest["is_complete"]:
        raise RecordError(
            "the manifest is of an unfinished set; a finished one names every picture. "
            "Run the same `rldf generate` again, which goes on where it stopped."
        )
    if manifest["model"]["identity"] != image_generator.identity:
        raise RecordError(
            f"the set was drawn by '{manifest['model']['identity']}' and the generator at hand is "
            f"'{image_generator.identity}'; only the same one draws the same pictures. Name it with "
            "--model and --config."
        )
    rows = manifest["pictures"]
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(rows), batch_size):
        batch = rows[first : first + batch_size]
        prompts = [Prompt(text=row["sentence"], negative=row["negative"]) for row in batch]
        images = image_generator.generate(prompts, seeds=[row["seed"] for row in batch])
        for number, (row, image) in enumerate(zip(batch, images, strict=True), start=first + 1):
            path = folder / Path(row["file"]).name
            write_file(path, encode_png(image))
            digest = sha256(np.ascontiguousarray(image).tobytes()).hexdigest()
            is_equal = digest == row["pixels_sha256"]
            yield PictureRedrawn(path=path, position=number, count=len(rows), is_equal=is_equal)


def _write(folder: Path, manifest: Mapping[str, Any]) -> None:
    write_file(folder / MANIFEST, (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode())
