"""Draws pictures of one encoding, one seed each, into a folder with a manifest; can be interrupted and goes on."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import PIL.Image

from rldf.arrays import Image
from rldf.contracts import ImageGenerator
from rldf.errors import RecordError
from rldf.grammar import Grammar
from rldf.records import Prompt, encoding_to_json
from rldf.records.durable_files import write_file
from rldf.seeding import child_seed
from rldf.space import Encoding

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureProduced:
    """One picture lies on the disk.

    Attributes:
        path: the PNG file.
        sentence: what it shows.
        seed: seed it was drawn with.
        position: from 1.
        count: pictures in all.
        is_new: False where it lay there from an earlier, interrupted call.
    """

    path: Path
    sentence: str
    seed: int
    position: int
    count: int
    is_new: bool


def produce(
    image_generator: ImageGenerator,
    *,
    grammar: Grammar,
    encoding: Encoding,
    count: int,
    seed: int,
    folder: Path,
    negative_prompt: str = "",
    batch_size: int = 8,
    force: bool = False,
) -> Iterator[PictureProduced]:
    """Draws pictures of an encoding that differ by their seeds alone.

    The manifest is written first; a folder with pictures of other settings is refused by a `RecordError`. Called again
    with the same arguments, or with a larger count, it draws only what is missing.

    Args:
        image_generator: draws.
        grammar: renders the encoding.
        encoding: what to draw.
        count: pictures, at least 1.
        seed: root seed, 0 or larger; the k-th picture's seed is derived from it.
        folder: receives `000000.png` ... and `manifest.json`.
        negative_prompt: what to steer away from.
        batch_size: pictures drawn at once.
        force: True to draw again what lies there of other settings.

    Yields:
        One event per picture, in order.
    """
    prompt = Prompt(text=grammar.render(encoding), negative=negative_prompt)
    settings = {
        "schema_version": SCHEMA_VERSION,
        "kind": "generate",
        "sentence": prompt.text,
        "negative": negative_prompt,
        "encoding": encoding_to_json(grammar.space, encoding),
        "grammar": {"name": grammar.name, "digest": grammar.digest},
        "model": {"identity": image_generator.identity},
        "seed": seed,
    }
    seeds = [child_seed(seed, "generate", index) for index in range(count)]
    paths = [folder / f"{index:06d}.png" for index in range(count)]
    _begin(
        folder, settings=settings, pictures=dict(zip((path.name for path in paths), seeds, strict=True)), force=force
    )
    for first in range(0, count, batch_size):
        batch = range(first, min(first + batch_size, count))
        missing = [index for index in batch if not paths[index].exists()]
        if missing:  # the whole batch is drawn, so that a picture does not depend on what was interrupted
            images = image_generator.generate([prompt] * len(batch), seeds=[seeds[index] for index in batch])
            for index in missing:
                write_file(paths[index], _encode_png(images[index - first]))
        for index in batch:
            yield PictureProduced(
                path=paths[index],
                sentence=prompt.text,
                seed=seeds[index],
                position=index + 1,
                count=count,
                is_new=index in missing,
            )


def _begin(folder: Path, *, settings: Mapping[str, Any], pictures: Mapping[str, int], force: bool) -> None:
    """Writes the manifest, or goes on with one of the same settings."""
    manifest = folder / "manifest.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordError(f"the folder '{folder}' cannot be made: {error.strerror}. Choose another --out.") from error
    known = dict(pictures)
    if manifest.is_file() and not force:
        stored = _read_manifest(manifest)
        known = {entry["file"]: entry["seed"] for entry in stored["pictures"]} | known
        different = [key for key, value in settings.items() if stored.get(key) != value]
        if different:
            raise RecordError(
                f"the folder '{folder}' holds pictures with another {', '.join(different)}; one folder holds pictures "
                "of one sentence, model and seed. Choose another --out, or give --force."
            )
    else:
        old = sorted(folder.glob("[0-9]" * 6 + ".png"))
        if old and not force:
            raise RecordError(
                f"the folder '{folder}' holds {len(old)} pictures and no manifest; nothing is overwritten. "
                "Choose another --out, or give --force."
            )
        for path in old:
            path.unlink()
    rows = [{"file": name, "seed": number} for name, number in sorted(known.items())]
    text = json.dumps({**settings, "pictures": rows}, indent=2, ensure_ascii=False)
    write_file(manifest, (text + "\n").encode())


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(manifest["pictures"], list):
            return manifest
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"'{path}' is no manifest ({error}). Choose another --out, or give --force.") from error
    raise RecordError(f"'{path}' is no manifest: it lists no pictures. Choose another --out, or give --force.")


def _encode_png(image: Image) -> bytes:
    buffer = BytesIO()
    PIL.Image.fromarray(image).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()
