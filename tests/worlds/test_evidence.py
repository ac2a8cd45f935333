"""The measures beside fidelity."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rldf.errors import ModelUnavailableError
from rldf.grammar import load_grammar
from rldf.worlds.card_facts import Stopwatch, hardware_line, weight_sizes
from rldf.worlds.diversity import mean_distance
from rldf.worlds.memorisation import measure_memorisation, nearest_pictures
from rldf.worlds.pictures import Mixture, MixturePart, draw_picture
from rldf.worlds.retrieval import measure_retrieval
from rldf.worlds.sheets import captioned_sheet

MIXTURE = Mixture([MixturePart(grammar=load_grammar("base"))])


class _Order:
    """Embeds what it is given by its place, so that each sentence finds the picture of the same place, or the next."""

    def __init__(self, *, shift: int) -> None:
        self._shift = shift

    def embed_images(self, images: np.ndarray) -> np.ndarray:
        return np.eye(len(images), dtype=np.float32)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        rows: np.ndarray = np.roll(np.eye(len(texts), dtype=np.float32), self._shift, axis=0)
        return rows


def test_mean_distance__counts_pairs_of_different_groups() -> None:
    twins = np.repeat(np.eye(2), 3, axis=0)
    assert mean_distance(twins) == pytest.approx(9 / 15)  # of the 15 pairs, 9 are of different groups


def test_memorisation__finds_copies_of_training_pictures() -> None:
    training = [draw_picture(MIXTURE, seed=0, split="denoiser", index=i, size_px=48).image for i in (2, 5)]
    fresh = np.stack([draw_picture(MIXTURE, seed=0, split="other", index=i, size_px=48).image for i in range(4)])
    found = measure_memorisation(
        generated=np.stack([*training, *fresh[:2]]), drawn=fresh, mixture=MIXTURE, num_training=8, size_px=48
    )
    assert found.share_below == 0.5
    assert {(c.trial, c.training, c.distance) for c in found.closest[:2]} == {(0, 2, 0.0), (1, 5, 0.0)}
    clean = measure_memorisation(generated=fresh, drawn=fresh, mixture=MIXTURE, num_training=8, size_px=48)
    assert clean.median_generated == clean.median_drawn > 0
    assert clean.share_below <= 0.25


def test_nearest_pictures__gives_root_mean_squares() -> None:
    distances, places = nearest_pictures(
        np.array([[0.0, 6.0], [9.0, 9.0]], dtype=np.float32), np.array([[0.0, 0.0], [9.0, 9.0]], dtype=np.float32)
    )
    assert places.tolist() == [0, 1]
    np.testing.assert_allclose(distances, [np.sqrt(18.0), 0.0])


@pytest.mark.parametrize(("shift", "top1"), [(0, 1.0), (1, 0.0)])
def test_retrieval__is_the_share_of_sentences_that_find_their_picture(shift: int, top1: float) -> None:
    grammar = load_grammar("base")
    found = measure_retrieval(grammar=grammar, matcher=_Order(shift=shift), seed=0, num_pictures=6, size_px=32)
    assert (found.num_pictures, found.top1) == (6, top1)


def test_weight_sizes__add_up_the_parts_and_refuse_an_empty_folder(tmp_path: Path) -> None:
    for part, size in (("generator/unet", 3000), ("scorer-b", 1000)):
        (tmp_path / part).mkdir(parents=True)
        (tmp_path / part / "model.safetensors").write_bytes(b"0" * size)
    assert weight_sizes(tmp_path) == {"generator/unet": 0.003, "scorer-b": 0.001, "total": 0.004}
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelUnavailableError, match=r"there are no weights in .*Install the package again"):
        weight_sizes(tmp_path / "empty")


def test_stopwatch__keeps_the_time_of_each_part() -> None:
    watch = Stopwatch()
    with watch.time("first"), watch.time("second"):
        pass
    assert set(watch.seconds) == {"first", "second"}
    assert min(watch.seconds.values()) >= 0


def test_hardware_line__names_threads_and_torch() -> None:
    assert "threads, torch " in hardware_line("cpu")


def test_captioned_sheet__puts_pictures_in_rows() -> None:
    images = np.full((5, 64, 64, 3), 90, dtype=np.uint8)
    images[4] = 200
    sheet = captioned_sheet(images, ["a cow", "b", "c", "d", "a long caption that takes several lines"], columns=3)
    assert sheet.shape[1] == 3 * 74 + 10
    row = sheet.shape[0] // 2
    np.testing.assert_array_equal(sheet[10:74, 10:74], images[0])
    assert (sheet[row:, 84:148] == 200).all(axis=-1).any()
