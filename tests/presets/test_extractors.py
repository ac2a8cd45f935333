"""Feature extractors by name: files that run code are refused, and a loaded one does what the page says."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from rldf.arrays import Image
from rldf.errors import ModelUnavailableError
from rldf.evaluation.features import FeatureExtractor
from rldf.hub import say_nothing
from rldf.jobs.evaluate import evaluate_distances
from rldf.presets.extractors import build_extractor

PAGE = Path(__file__).parents[2] / "docs/methods/evaluation.md"


class TinyInception(torch.nn.Module):
    """Answers as the well-known file does: 2048 numbers of pictures from 0 to 255."""

    def forward(self, images: torch.Tensor, return_features: bool = False) -> torch.Tensor:  # noqa: FBT001, FBT002
        if images.shape[1:] != (3, 299, 299) or not return_features:
            raise ValueError("other pictures, or no features")
        return images.mean(dim=[2, 3]).repeat(1, 683)[:, :2048]


@pytest.mark.parametrize("name", ["inception-2015-12-05.pt", "folder/weights.PTH", "model.pkl"])
def test_build__file_that_runs_code__refused(name: str) -> None:
    with pytest.raises(ModelUnavailableError, match=r"loading one can run code; .*FeatureExtractor of your own"):
        build_extractor(name, device="cpu", announce=say_nothing)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_page__inception_of_a_file_of_ones_own__is_an_extractor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.jit.script(TinyInception()).save("inception-2015-12-05.pt")
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    definitions, _, call = block.rpartition("\n\n")
    assert call.startswith("report = evaluate_distances(")
    (tmp_path / "program.py").write_text(definitions, encoding="utf-8")
    extractor = runpy.run_path("program.py")["inception"]
    assert isinstance(extractor, FeatureExtractor)
    image: Image = np.full((20, 30, 3), (255, 10, 0), dtype=np.uint8)
    prepared = extractor.prepare(image)
    assert prepared.dtype == np.uint8
    assert (prepared.shape, extractor.size_px) == ((299, 299, 3), 299)
    np.testing.assert_allclose(extractor.extract(np.stack([prepared]))[0, :3], (255, 10, 0), rtol=1e-5)
    for place, pixels in (("photos", image), ("pictures/train", 255 - image)):
        Path(place).mkdir(parents=True)
        PillowImage.fromarray(pixels).save(f"{place}/1.png")
    report = evaluate_distances("photos", "pictures/train", extractor=extractor, metrics=["cmmd"])
    assert report.comparison.values[0].value > 0
    assert re.fullmatch(r"[0-9a-f]{64}", report.comparison.protocol.digest)
