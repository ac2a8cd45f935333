"""Keeps what another generator drew, on disk, for all runs: a picture is paid for once."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import final

import numpy as np

from rldf.arrays import Image, ImageBatch
from rldf.contracts import ImageGenerator
from rldf.errors import ConfigError
from rldf.generators.render_store import DEFAULT_MAX_BYTES, RenderStore, StoreInfo
from rldf.generators.requests import check_request
from rldf.hub import Announce
from rldf.records.percept import Prompt

KEY_VERSION = 1
DEFAULT_BATCH_SIZE = 8  # our choice: what a kill can lose


@dataclass(slots=True, kw_only=True)
class CacheCounter:
    """What a cache did so far.

    Attributes:
        hits: pictures read from disk.
        misses: pictures the generator had to draw.
        repeats: pictures asked for again within one call, handed out without drawing or reading them again.
        damaged: files that did not hold what they should; each is drawn again and counts as a miss too.
    """

    hits: int = 0
    misses: int = 0
    repeats: int = 0
    damaged: int = 0


@final
class CachedGenerator(ImageGenerator):
    """Draws through another generator, and only what no run has drawn before.

    A key is the SHA-256 of the generator's identity and numerics, the prompt, the negative prompt and the seed. So
    pictures are the same with the cache on, off or half filled, as far as the generator's own are: one whose bits
    depend on its batch (`exact_batches` off) may give a picture that differs by rounding.

    When the folder cannot be used, the disk is full for example, that is said once and drawing goes on without it.

    Attributes:
        counter: what it did so far.
    """

    def __init__(
        self,
        inner: ImageGenerator,
        *,
        announce: Announce,
        numerics: str = "",
        folder: Path | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
        batch_size: int = DEFAULT_BATCH_SIZE,
    ) -> None:
        """Wraps a generator.

        Args:
            inner: draws what is missing.
            announce: is given one line if the folder cannot be used.
            numerics: what else decides the pixels' last bit, such as `DiffusersGenerator.numerics`.
            folder: where the pictures are kept; None for the user's cache folder.
            max_bytes: bound of what is kept, in bytes, at least 1.
            batch_size: pictures asked of the generator at a time, at least 1; each batch is kept before the next is
                drawn. 1 suits a generator that is paid by the picture.

        Raises:
            ConfigError: if the batch size is below 1.
        """
        if batch_size < 1:
            raise ConfigError(f"the cache's batch_size is {batch_size}; at least 1 picture is drawn at a time. Give 8.")
        self._inner = inner
        self._announce = announce
        self._numerics = numerics
        self._store = RenderStore(render_folder() if folder is None else folder, max_bytes=max_bytes)
        self._batch_size = batch_size
        self._can_read = True
        self._can_write = True
        self.counter = CacheCounter()

    @property
    def identity(self) -> str:
        """The identity of the generator behind it: keeping pictures changes no pixel."""
        return self._inner.identity

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        """Gives one picture per prompt and seed, drawing only what is missing, and nothing twice.

        Args:
            prompts: what to draw.
            seeds: one per prompt.

        Returns:
            The pictures in the order of the prompts, RGB, 0 to 255.
        """
        check_request(prompts, seeds=seeds)
        if not prompts:
            return self._inner.generate(prompts, seeds=seeds)
        keys = [self._key(prompt, seed=seed) for prompt, seed in zip(prompts, seeds, strict=True)]
        places = {key: place for place, key in reversed(list(enumerate(keys)))}  # where each key comes first
        images: dict[str, Image] = {}
        for key in places:
            image = self._read(key)
            if image is not None:
                images[key] = image
        missing = [key for key in dict.fromkeys(keys) if key not in images]
        self.counter.hits += len(images)
        self.counter.repeats += len(keys) - len(places)
        for start in range(0, len(missing), self._batch_size):
            batch = missing[start : start + self._batch_size]
            drawn = self._inner.generate(
                [prompts[places[key]] for key in batch], seeds=[seeds[places[key]] for key in batch]
            )
            self.counter.misses += len(batch)
            for key, image in zip(batch, drawn, strict=True):
                images[key] = image
                self._write(key, image)
        return np.stack([images[key] for key in keys])

    def _key(self, prompt: Prompt, *, seed: int) -> str:
        parts = [KEY_VERSION, self._inner.identity, self._numerics, prompt.text, prompt.negative, seed]
        return sha256(json.dumps(parts).encode()).hexdigest()

    def _read(self, key: str) -> Image | None:
        if not self._can_read:
            return None
        try:
            return self._store.read(key)
        except OSError as error:
            self._can_read = self._can_write = False
            self._say("read", error)
            return None
        finally:
            self.counter.damaged = self._store.num_damaged

    def _write(self, key: str, image: Image) -> None:
        if not self._can_write:
            return
        try:
            self._store.write(key, image)
        except OSError as error:
            self._can_write = False
            self._say("written", error)

    def _say(self, verb: str, error: OSError) -> None:
        self._announce(
            f"the render cache '{self._store.folder}' cannot be {verb} ({error.strerror}); the run goes on without it "
            "and nothing is lost. Free space, or name another place in XDG_CACHE_HOME."
        )


def render_folder() -> Path:
    """The render cache of the user: `rldf/renders` in XDG_CACHE_HOME, else in ~/.cache."""
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(chosen) if Path(chosen).is_absolute() else Path.home() / ".cache"  # a relative one is to be ignored
    return home / "rldf" / "renders"


def cache_info(folder: Path | None = None) -> StoreInfo:
    """Tells what the render cache holds.

    Args:
        folder: where it is; None for the user's.

    Returns:
        Place, number of pictures and bytes.
    """
    return RenderStore(render_folder() if folder is None else folder).info()


def clear_cache(folder: Path | None = None) -> StoreInfo:
    """Empties the render cache; no result depends on it.

    Args:
        folder: where it is; None for the user's.

    Returns:
        What was removed.
    """
    return RenderStore(render_folder() if folder is None else folder).clear()
