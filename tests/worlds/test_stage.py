"""One stage of a training: what it computes in."""

import pytest
import torch
from torch import nn

from rldf.worlds import stage
from rldf.worlds.pictures import DrawnPictures
from rldf.worlds.recipe import world_mixture
from rldf.worlds.source import PictureBatch
from rldf.worlds.stage import Stage, StageSettings


@pytest.mark.parametrize(("is_fast", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_stage__computes_in_bfloat16_where_the_processor_has_it_in_hardware(
    monkeypatch: pytest.MonkeyPatch, *, is_fast: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(stage, "_has_amx", lambda: is_fast)
    model = nn.Linear(3, 1)
    computed = []

    def loss(batch: PictureBatch, rng: torch.Generator) -> torch.Tensor:
        del rng
        brightness: torch.Tensor = model(batch.images.float().mean(dim=(1, 2)) / 255)
        computed.append(brightness.dtype)
        return brightness.float().square().mean()

    settings = StageSettings(num_pictures=4, batch_size=2, learning_rate=0.1, num_workers=0)
    source = DrawnPictures(world_mixture("base"), seed=0, size_px=32)
    trained = Stage("brightness", model, loss, settings=settings, source=source, seed=0, device="cpu")
    assert len(list(trained.train())) == 2
    assert set(computed) == {expected}
    assert {value.dtype for value in model.parameters()} == {torch.float32}
