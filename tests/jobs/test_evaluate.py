"""What the report of a classifier says of trainings and sizes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from typer.testing import CliRunner

from rldf.cli.main import commands
from rldf.errors import RecordError
from rldf.evaluation.classifier import ClassifierScore
from rldf.evaluation.recipe import TrainingRecipe
from rldf.jobs.clone_tables import _percent
from rldf.jobs.evaluate import ClassifierReport, evaluate_classifier

TINY = TrainingRecipe(size_px=32, epochs=1, batch_size=4)


def score(top1: float, *, seed: int = 0, num_train: int = 6) -> ClassifierScore:
    return ClassifierScore(
        top1=top1,
        top5=None,
        per_class={},
        num_train=num_train,
        num_test=4,
        num_parameters=1,
        recipe=TrainingRecipe(seed=seed),
    )


def write_classes(folder: Path, *, count: int, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    for name in ("bus", "cow"):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, size=(40, 40, 3), dtype=np.uint8)
            PillowImage.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def test_report__deviation_over_trainings_is_that_of_a_sample() -> None:
    scores = (score(0.5), score(0.6, seed=1), score(0.7, seed=2))
    report = ClassifierReport(scores={"real": scores, "once": scores[:1]}, unreadable=())
    rows = report.as_json()["training_sets"]
    assert rows["real"]["top1_std"] == pytest.approx(0.1)  # sqrt((0.01 + 0 + 0.01) / 2)
    assert rows["once"]["top1_std"] is None
    assert _percent(report, "real") == pytest.approx((60.0, 10.0))
    assert _percent(report, "once") == (50.0, 0.0)


def test_report__sets_of_two_sizes__says_so_beside_the_share_of_real() -> None:
    scores: dict[str, tuple[ClassifierScore, ...]] = {
        "real": (score(0.5),),
        "synthetic": (score(0.4),),
        "mixed": (score(0.6, num_train=12),),
    }
    told = ClassifierReport(scores=scores, unreadable=()).as_json()
    assert told["warnings"] == [
        "mixed: 12 training pictures, 6 real ones; the share of real does not compare sets of one size"
    ]
    assert told["training_sets"]["mixed"]["share_of_real"] == pytest.approx(1.2)


def test_command__sets_of_two_sizes__text_says_so(tmp_path: Path) -> None:
    real, fake = write_classes(tmp_path / "real", count=2), write_classes(tmp_path / "fake", count=3, seed=1)
    command = ["evaluate", "classifier", str(real), str(fake), "--test", str(real), "--epochs", "1", "--size", "32"]
    result = CliRunner().invoke(commands, [*command, "--seeds", "1"])
    assert result.exit_code == 0, result.stderr
    told = " ".join(result.stderr.split())
    assert "warning: synthetic: 6 training pictures, 4 real ones; the share of real" in told
    assert "warning: mixed: 10 training pictures, 4 real ones" in told
    assert "+-" not in result.stdout  # one training has no deviation


def test_evaluate_classifier__other_recipe_in_the_same_folder__is_refused_and_the_states_stay(tmp_path: Path) -> None:
    real, out = write_classes(tmp_path / "real", count=2), tmp_path / "states"
    evaluate_classifier(real, real, test=real, recipe=TINY, out=out, trains_mixed=False)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert before.keys() == {"real-0.safetensors", "synthetic-0.safetensors"}
    command = ["evaluate", "classifier", str(real), str(real), "--test", str(real), "--epochs", "2", "--size", "32"]
    result = CliRunner().invoke(commands, [*command, "--seeds", "1", "--out", str(out)])
    assert result.exit_code == 1
    assert "recipe.epochs is 1 there and 2 here" in " ".join(result.stderr.split())
    (out / "real-0.safetensors").write_bytes(b"")
    with pytest.raises(RecordError, match=r"real-0.safetensors' cannot be read .*Remove it to train anew"):
        evaluate_classifier(real, real, test=real, recipe=TINY, out=out)
    assert (out / "synthetic-0.safetensors").read_bytes() == before["synthetic-0.safetensors"]
