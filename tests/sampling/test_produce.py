"""Pictures of one encoding: one seed each, resumable, never overwritten."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
import PIL.Image
import pytest
from jaxtyping import Float

from rldf.arrays import ImageBatch
from rldf.contracts import ImageEmbedder, ImageGenerator, Perception
from rldf.errors import RecordError
from rldf.grammar import load_grammar
from rldf.records import Percept, Prompt
from rldf.sampling import (
    Controls,
    Order,
    PictureProduced,
    Selection,
    close_manifest,
    plan_pictures,
    produce,
    read_manifest,
    redraw,
)
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


@final
class Eye(Perception, ImageEmbedder):
    """Reads a cow where the grey is even, else a bus; embeds the grey as an angle."""

    space = GRAMMAR.space

    def perceive(self, images: ImageBatch) -> list[Percept]:
        return [self._read(int(image[0, 0, 0])) for image in images]

    def _read(self, grey: int) -> Percept:
        encoding = ENCODING if grey % 2 == 0 else OTHER
        rows = [np.full(len(axis), 0.1 / (len(axis) - 1)) for axis in self.space.axes]
        for row, index in zip(rows, encoding.indices, strict=True):
            row[index] = 0.9
        return Percept(encoding=encoding, probabilities=tuple(rows))

    def embed_images(self, images: ImageBatch) -> Float[np.ndarray, "batch features"]:
        angles = images[:, 0, 0, 0] / 251 * 2 * np.pi
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def check(*, max_tries: int, is_diverse: bool = False) -> Selection:
    eye = Eye()
    return Selection(
        perception=eye, identity="eye", axes=("object",), max_tries=max_tries, embedder=eye if is_diverse else None
    )


def greys(folder: Path) -> list[int]:
    return [int(np.array(PIL.Image.open(path))[0, 0, 0]) for path in sorted(folder.glob("*.png"))]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def make(
    folder: Path,
    *,
    generator: Flat | None = None,
    encoding: Encoding = ENCODING,
    count: int = 5,
    force: bool = False,
    selection: Selection | None = None,
) -> list[PictureProduced]:
    plans = plan_pictures(GRAMMAR.space, [encoding], count=count, controls=Controls(), seed=7)
    facts = {"sentence": GRAMMAR.render(encoding)}
    order = Order(grammar=GRAMMAR, plans=plans, seed=7, facts=facts, batch_size=2, selection=selection)
    return list(produce(Flat() if generator is None else generator, order, folder=folder, force=force))


def test_pictures__have_a_seed_a_sidecar_and_a_manifest(tmp_path: Path) -> None:
    events = make(tmp_path / "out")
    seeds = [child_seed(7, "generate", index) for index in range(5)]
    assert [event.seed for event in events] == seeds
    assert [event.path.name for event in events] == [f"{n:06d}.png" for n in range(5)]
    for event in events:
        with PIL.Image.open(event.path) as picture:
            assert np.array(picture)[0, 0, 0] == event.seed % 251
        assert event.sidecar["encoding"]["terms"]["object"] == "cow"
    manifest = close_manifest(tmp_path / "out", facts={"diversity": 1})
    assert manifest == json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [entry["seed"] for entry in manifest["pictures"]] == seeds
    assert manifest["sentence"] == events[0].sentence == "a photo of two cows and no people in a park"
    assert (manifest["drawn"], manifest["rejected"], manifest["diversity"]) == (5, 0, 1)


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
    with pytest.raises(RecordError, match="holds 4 pictures of this set already, and 2 are asked for"):
        make(tmp_path / "out", count=2)
    assert len(close_manifest(tmp_path / "out", facts={})["pictures"]) == 4


def test_other_words__are_refused_in_the_same_folder_unless_forced(tmp_path: Path) -> None:
    make(tmp_path / "out")
    with pytest.raises(RecordError, match=r"holds pictures with another sentence;.*Choose another --out"):
        make(tmp_path / "out", encoding=OTHER)
    events = make(tmp_path / "out", encoding=OTHER, count=2, force=True)
    assert [event.is_new for event in events] == [True, True]
    assert len(list((tmp_path / "out").glob("*.png"))) == 2


def test_pictures_of_someone_else__are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "000000.png").write_bytes(b"mine")
    with pytest.raises(RecordError, match="holds 1 pictures that this set does not go on with; nothing is overwritten"):
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


def test_check__draws_again_until_the_class_is_read(tmp_path: Path) -> None:
    events = make(tmp_path / "out", selection=check(max_tries=30))
    assert all(grey % 2 == 0 for grey in greys(tmp_path / "out"))
    manifest = close_manifest(tmp_path / "out", facts={})
    assert manifest["rejected"] == manifest["drawn"] - 5 > 0
    assert manifest["not_passed"] == 0
    again = [event.sidecar["try"] for event in events]
    assert again == [event.sidecar["tries"] - 1 for event in events]


def test_check__keeps_and_marks_a_picture_where_no_try_passes(tmp_path: Path) -> None:
    events = make(tmp_path / "out", selection=check(max_tries=1))
    passed = [grey % 2 == 0 for grey in greys(tmp_path / "out")]
    assert [event.sidecar["is_passed"] for event in events] == passed
    assert 0 < close_manifest(tmp_path / "out", facts={})["not_passed"] == passed.count(False) < 5


@pytest.mark.parametrize("is_diverse", [False, True])
@pytest.mark.parametrize("breaks_after", [3, 7])
def test_killed_half_way__ends_with_the_same_files(tmp_path: Path, breaks_after: int, is_diverse: bool) -> None:  # noqa: FBT001
    selection = check(max_tries=3, is_diverse=is_diverse)
    make(tmp_path / "whole", selection=selection)
    close_manifest(tmp_path / "whole", facts={})
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "killed", generator=Flat(breaks_after=breaks_after), selection=selection)
    make(tmp_path / "killed", selection=selection)
    close_manifest(tmp_path / "killed", facts={})
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


def test_killed_between_picture_and_sidecar__ends_with_the_same_files(tmp_path: Path) -> None:
    make(tmp_path / "whole", selection=check(max_tries=3))
    make(tmp_path / "killed", selection=check(max_tries=3))
    (tmp_path / "killed" / "000002.json").unlink()
    make(tmp_path / "killed", selection=check(max_tries=3))
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


def test_diverse_choice__spreads_wider_than_the_first_that_passes(tmp_path: Path) -> None:
    def spread(folder: Path) -> float:
        angles = np.array(greys(folder)) / 251 * 2 * np.pi
        return 1 - float(np.hypot(np.cos(angles).mean(), np.sin(angles).mean()))

    make(tmp_path / "plain", count=4, selection=check(max_tries=8))
    make(tmp_path / "diverse", count=4, selection=check(max_tries=8, is_diverse=True))
    assert all(grey % 2 == 0 for grey in greys(tmp_path / "diverse"))
    assert spread(tmp_path / "diverse") > spread(tmp_path / "plain")


def test_manifest__alone_draws_the_same_pictures(tmp_path: Path) -> None:
    make(tmp_path / "out", selection=check(max_tries=3))
    close_manifest(tmp_path / "out", facts={})
    manifest = read_manifest(tmp_path / "out")
    events = list(redraw(manifest, Flat(), folder=tmp_path / "again", batch_size=3))
    assert [event.is_equal for event in events] == [True] * 5
    assert greys(tmp_path / "again") == greys(tmp_path / "out")
    manifest["pictures"][0]["seed"] += 1
    assert [event.is_equal for event in redraw(manifest, Flat(), folder=tmp_path / "again")][:2] == [False, True]


def test_unfinished_manifest__is_not_drawn_again(tmp_path: Path) -> None:
    make(tmp_path / "out")
    with pytest.raises(RecordError, match=r"of an unfinished set.*goes on where it stopped"):
        list(redraw(read_manifest(tmp_path / "out"), Flat(), folder=tmp_path / "again"))


def test_manifest_of_another_generator__is_refused(tmp_path: Path) -> None:
    make(tmp_path / "out")
    manifest = close_manifest(tmp_path / "out", facts={})
    with pytest.raises(RecordError, match=r"drawn by 'other'.*the generator at hand is 'flat'.*--model"):
        list(redraw({**manifest, "model": {"identity": "other"}}, Flat(), folder=tmp_path / "again"))


def test_manifest_of_another_version__is_refused(tmp_path: Path) -> None:
    make(tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 1}))
    with pytest.raises(RecordError, match="of version 1; this release reads 2"):
        read_manifest(path)
