"""Pictures of one encoding: one seed each, resumable, never overwritten."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
import PIL.Image
import pytest

from rldf.arrays import ImageBatch
from rldf.contracts import ImageGenerator
from rldf.errors import RecordError
from rldf.grammar import load_grammar
from rldf.records import Prompt
from rldf.sampling import PictureProduced, produce
from rldf.seeding import child_seed
from rldf.space import Encoding

GRAMMAR = load_grammar("base")
ENCODING = GRAMMAR.space.encode({"object": "cow", "count": "two", "density": "no", "scene": "park"})
OTHER = GRAMMAR.space.encode({"object": "bus", "count": "two", "density": "no", "scene": "park"})


@final
class Flat(ImageGenerator):
    """One flat colour per seed; stops after some pictures."""

    def __init__(self, *, breaks_after: int = 1000) -> None:
        self.drawn: list[int] = []
        self._breaks_after = breaks_after

    @property
    def identity(self) -> str:
        return "flat"

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        assert len(prompts) == len(seeds)
        self.drawn += seeds
        if len(self.drawn) > self._breaks_after:
            raise KeyboardInterrupt
        return np.stack([np.full((4, 4, 3), seed % 251, dtype=np.uint8) for seed in seeds])


def make(
    folder: Path, *, generator: Flat | None = None, encoding: Encoding = ENCODING, count: int = 5, force: bool = False
) -> list[PictureProduced]:
    return list(
        produce(
            Flat() if generator is None else generator,
            grammar=GRAMMAR,
            encoding=encoding,
            count=count,
            seed=7,
            folder=folder,
            batch_size=2,
            force=force,
        )
    )


def test_pictures__have_a_seed_each_and_a_manifest(tmp_path: Path) -> None:
    events = make(tmp_path / "out")
    seeds = [child_seed(7, "generate", index) for index in range(5)]
    assert [event.seed for event in events] == seeds
    assert [event.path.name for event in events] == [f"{n:06d}.png" for n in range(5)]
    for event in events:
        with PIL.Image.open(event.path) as picture:
            assert np.array(picture)[0, 0, 0] == event.seed % 251
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [entry["seed"] for entry in manifest["pictures"]] == seeds
    assert manifest["sentence"] == events[0].sentence == "a photo of two cows and no people in a park"
    assert manifest["encoding"]["terms"]["object"] == "cow"


def test_interrupted_pictures__go_on_where_they_stopped(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "out", generator=Flat(breaks_after=4))
    generator = Flat()
    events = make(tmp_path / "out", generator=generator)
    assert [event.is_new for event in events] == [False] * 4 + [True]
    assert generator.drawn == [child_seed(7, "generate", 4)]


def test_larger_count__draws_only_what_is_missing(tmp_path: Path) -> None:
    make(tmp_path / "out", count=2)
    assert [event.is_new for event in make(tmp_path / "out", count=4)] == [False, False, True, True]
    assert [event.is_new for event in make(tmp_path / "out", count=2)] == [False, False]
    assert len(json.loads((tmp_path / "out" / "manifest.json").read_text())["pictures"]) == 4


def test_other_words__are_refused_in_the_same_folder_unless_forced(tmp_path: Path) -> None:
    make(tmp_path / "out")
    with pytest.raises(RecordError, match=r"holds pictures with another sentence, encoding.*Choose another --out"):
        make(tmp_path / "out", encoding=OTHER)
    events = make(tmp_path / "out", encoding=OTHER, count=2, force=True)
    assert [event.is_new for event in events] == [True, True]
    assert len(list((tmp_path / "out").glob("*.png"))) == 2


def test_pictures_of_someone_else__are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "000000.png").write_bytes(b"mine")
    with pytest.raises(RecordError, match="holds 1 pictures and no manifest; nothing is overwritten"):
        make(tmp_path)
    assert (tmp_path / "000000.png").read_bytes() == b"mine"


@pytest.mark.parametrize("text", ["{", "{}", '{"pictures": 3}'])
def test_damaged_manifest__is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(RecordError, match=r"manifest\.json' is no manifest.*--force"):
        make(tmp_path)


def test_folder_that_cannot_be_made__is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="cannot be made"):
        make(tmp_path / "file" / "out")
