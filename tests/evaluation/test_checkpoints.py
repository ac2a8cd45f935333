"""States of a training: whole on disk, and refused with one clear line where they are not."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rldf.errors import RecordError
from rldf.evaluation.checkpoints import TrainingState, load_state, save_state

ABOUT = {"recipe": {"epochs": 3, "min_crop": 0.5}, "pictures": "0" * 64}
STATE = TrainingState(epoch=2, tensors={"weight": torch.arange(6.0).reshape(2, 3).T}, losses=(0.7, 0.1 + 0.2))


def test_state__comes_back_as_it_was(tmp_path: Path) -> None:
    place = tmp_path / "states/real-0.safetensors"
    assert load_state(place, about=ABOUT) is None
    save_state(place, STATE, about=ABOUT)
    found = load_state(place, about=ABOUT)
    assert found is not None
    assert (found.epoch, found.losses) == (2, STATE.losses)
    assert torch.equal(found.tensors["weight"], STATE.tensors["weight"])
    assert [path.name for path in place.parent.iterdir()] == ["real-0.safetensors"]


def test_save__is_on_the_disk_before_it_takes_the_place_of_the_former(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "real-0.safetensors"
    synced: list[int] = []
    fsync = os.fsync

    def watch(descriptor: int) -> None:
        assert not place.exists()
        synced.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", watch)
    save_state(place, STATE, about=ABOUT)
    assert synced == [place.stat().st_size]


def test_load__of_another_training__names_what_differs(tmp_path: Path) -> None:
    place = tmp_path / "real-0.safetensors"
    save_state(place, STATE, about=ABOUT)
    other = {"recipe": {"epochs": 4, "min_crop": 0.5, "size_px": 32}, "pictures": "1" * 64}
    told = (
        r"pictures is 000000000000 there and 111111111111 here, recipe.epochs is 3 there and 4 here, "
        r"recipe.size_px is not set there and 32 here\. .*Choose another --out"
    )
    with pytest.raises(RecordError, match=told):
        load_state(place, about=other)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_load__file_is_damaged__says_so_in_one_line(share: float, tmp_path: Path) -> None:
    place = tmp_path / "real-0.safetensors"
    save_state(place, STATE, about=ABOUT)
    content = place.read_bytes()
    place.write_bytes(content[: int(share * len(content))])
    with pytest.raises(RecordError, match=r"^the state of a training .*real-0.* cannot be read .*another --out\.$"):
        load_state(place, about=ABOUT)


@pytest.mark.parametrize(
    "metadata", [None, {"about": "[]", "epoch": "1", "losses": "[]"}, {"about": "{", "epoch": "x"}]
)
def test_load__file_of_another_program__says_so(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    place = tmp_path / "real-0.safetensors"
    save_file({"weight": torch.zeros(1)}, place, metadata=metadata)
    with pytest.raises(RecordError, match=r"cannot be read .*a whole file that a training wrote is needed"):
        load_state(place, about=ABOUT)
