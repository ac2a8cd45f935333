import json
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline, DPMSolverMultistepScheduler
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from tests.generators.tiny_pipelines import (
    SIDE_PX,
    build_autoencoder,
    build_distilled_pipeline,
    build_kl_autoencoder,
    build_pipeline,
    build_safety_checker,
    build_xl_pipeline,
)
from transformers import CLIPModel

from rldf.contracts import ImageGenerator
from rldf.errors import ConfigError, GenerationError, MissingExtraError, ModelUnavailableError
from rldf.generators.diffusers_local import DiffusersGenerator, load_diffusers_generator
from rldf.generators.pipeline_loading import LoadedPipeline, load_pipeline
from rldf.generators.settings import GenerationSettings
from rldf.records.percept import Prompt
from rldf.testing.generators import ImageGeneratorSuite

COW = Prompt(text="a photo of one cow in a park", negative="many people")
CAR = Prompt(text="a photo of two cars")
FAST = GenerationSettings(steps=2, guidance_scale=3.0)


def fail(line: str) -> NoReturn:
    pytest.fail(f"nothing should have been downloaded, but: {line}")


def load(model: str | Path, settings: GenerationSettings = FAST) -> DiffusersGenerator:
    return load_diffusers_generator(
        model, device="cpu", dtype=torch.float32, settings=settings, low_memory=False, announce=fail
    )


@pytest.fixture(scope="module")
def loaded_once(tiny_pipeline: Path) -> LoadedPipeline:
    """The tiny pipeline, for tests that load nothing."""
    return load_pipeline(tiny_pipeline, dtype=torch.float32, settings=FAST, announce=fail, revision=None)


class TestExact(ImageGeneratorSuite):
    @pytest.fixture(autouse=True)
    def _folder(self, tiny_pipeline: Path) -> None:
        self.folder = tiny_pipeline

    def make_generator(self) -> ImageGenerator:
        return load(self.folder)


class TestJoint(ImageGeneratorSuite):
    has_exact_batches = False

    @pytest.fixture(autouse=True)
    def _loaded(self, loaded_once: LoadedPipeline) -> None:
        self.loaded = loaded_once

    def make_generator(self) -> ImageGenerator:
        settings = GenerationSettings(steps=2, guidance_scale=3.0, exact_batches=False, max_batch_size=3)
        return DiffusersGenerator(replace(self.loaded, settings=settings), device=torch.device("cpu"))


def drawn_by_hand(pipeline: DiffusionPipeline, *, seed: int, prompt: Prompt) -> np.ndarray:
    """What diffusers draws when it is called directly."""
    call: Any = pipeline
    call.set_progress_bar_config(disable=True)
    output = call(
        prompt.text,
        negative_prompt=prompt.negative if prompt.negative else None,
        num_inference_steps=2,
        guidance_scale=3.0,
        generator=torch.Generator("cpu").manual_seed(seed),
        output_type="np",
    )
    pixels: np.ndarray = (output.images[0] * 255).round().astype(np.uint8)
    return pixels


@pytest.mark.parametrize("build", [build_pipeline, build_xl_pipeline], ids=["sd", "xl"])
@pytest.mark.parametrize("prompt", [COW, CAR], ids=["negative", "no negative"])
def test_generate__equals_diffusers_called_directly(
    tmp_path: Path, build: Callable[[], DiffusionPipeline], prompt: Prompt
) -> None:
    build().save_pretrained(tmp_path / "model")
    expected = drawn_by_hand(build(), seed=5, prompt=prompt)
    images = load(tmp_path / "model").generate([CAR, prompt], seeds=[1, 5])
    np.testing.assert_array_equal(images[1], expected)


@pytest.mark.parametrize("is_exact", [True, False])
def test_numerics__number_of_threads__named_where_it_decides_bits(tiny_pipeline: Path, is_exact: bool) -> None:  # noqa: FBT001
    generator = load(tiny_pipeline, replace(FAST, exact_batches=is_exact))
    before, identity = generator.numerics, generator.identity
    num_threads = torch.get_num_threads()
    torch.set_num_threads(num_threads + 1)
    try:
        assert (generator.numerics == before) == is_exact  # one thread a picture, or all for a joint batch
        assert generator.identity == identity
    finally:
        torch.set_num_threads(num_threads)


def test_generate__texts_encoded_once(tiny_pipeline: Path) -> None:
    loaded = load_pipeline(tiny_pipeline, dtype=torch.float32, settings=FAST, announce=fail, revision=None)
    encoder: Any = loaded.pipeline
    lengths: list[int] = []
    encoder.text_encoder.register_forward_pre_hook(lambda _, inputs: lengths.append(len(inputs[0])))
    generator = DiffusersGenerator(loaded, device=torch.device("cpu"))
    for _ in range(2):
        generator.generate([COW, CAR, COW], seeds=[1, 2, 3])
    assert lengths == [1, 1, 1, 1]  # two texts, "many people" and ""; each alone


@pytest.mark.parametrize(("guidance_scale", "per_picture"), [(3.0, 4), (1.0, 2), (0.0, 2)])
def test_denoiser_evaluations__counted(tiny_pipeline: Path, guidance_scale: float, per_picture: int) -> None:
    generator = load(tiny_pipeline, GenerationSettings(steps=2, guidance_scale=guidance_scale))
    generator.generate([COW, CAR, COW], seeds=[1, 2, 3])
    assert generator.denoiser_evaluations == 3 * per_picture
    assert generator.evaluations_per_picture == per_picture


def test_generate__memory_runs_out__halves_and_remembers(tiny_pipeline: Path) -> None:
    settings = GenerationSettings(steps=2, guidance_scale=3.0, exact_batches=False, max_batch_size=8)
    generator, rows = with_memory_for(4, tiny_pipeline, settings)
    images = generator.generate([COW] * 7, seeds=list(range(7)))
    assert generator.batch_size == 2
    assert rows[:3] == [14, 8, 4]  # guidance doubles each batch
    generator.generate([COW] * 4, seeds=[0, 1, 2, 3])
    assert max(rows[2:]) == 4
    difference = images.astype(int) - load(tiny_pipeline).generate([COW] * 7, seeds=list(range(7))).astype(int)
    assert np.abs(difference).max() <= 1


def test_generate__memory_runs_out_at_a_fixed_batch__fails_and_never_shrinks(tiny_pipeline: Path) -> None:
    settings = GenerationSettings(
        steps=2, guidance_scale=3.0, exact_batches=False, max_batch_size=8, fixed_batches=True
    )
    generator, rows = with_memory_for(4, tiny_pipeline, settings)
    with pytest.raises(GenerationError, match=r"at 7 pictures drawn together; .* Plan with a smaller --batch-size"):
        generator.generate([COW] * 7, seeds=list(range(7)))
    assert (generator.batch_size, rows) == (8, [14])


def test_generate__no_memory_for_one__error(tiny_pipeline: Path) -> None:
    generator, _ = with_memory_for(1, tiny_pipeline, FAST)
    with pytest.raises(GenerationError, match=r"memory ran out on 'cpu' at a single picture.*Use --low-memory"):
        generator.generate([COW, CAR], seeds=[1, 2])


def with_memory_for(max_rows: int, folder: Path, settings: GenerationSettings) -> tuple[DiffusersGenerator, list[int]]:
    """A generator whose denoiser fails as a full graphics card does; and the batches it saw."""
    loaded = load_pipeline(folder, dtype=torch.float32, settings=settings, announce=fail, revision=None)
    rows: list[int] = []

    def refuse(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        del module
        rows.append(len(inputs[0]))
        if rows[-1] > max_rows:
            raise torch.OutOfMemoryError("out of memory")

    denoiser: torch.nn.Module = loaded.pipeline.unet
    denoiser.register_forward_pre_hook(refuse)
    return DiffusersGenerator(loaded, device=torch.device("cpu")), rows


def test_generate__own_size_or_another(tiny_pipeline: Path) -> None:
    assert load(tiny_pipeline).generate([COW], seeds=[1]).shape == (1, SIDE_PX, SIDE_PX, 3)
    other = load(tiny_pipeline, GenerationSettings(steps=1, size_px=24))
    assert other.generate([COW], seeds=[1]).shape == (1, 24, 24, 3)


def test_scheduler__dpm_solver__replaces_the_models_own(tiny_pipeline: Path) -> None:
    generator = load(tiny_pipeline, GenerationSettings(steps=2, guidance_scale=3.0, scheduler="dpm-solver-multistep"))
    assert "scheduler=DPMSolverMultistepScheduler" in generator.identity
    assert "scheduler=EulerDiscreteScheduler" in load(tiny_pipeline).identity
    by_hand = build_pipeline()
    by_hand.scheduler = DPMSolverMultistepScheduler.from_config(by_hand.scheduler.config)
    expected = drawn_by_hand(by_hand, seed=3, prompt=COW)
    np.testing.assert_array_equal(generator.generate([COW], seeds=[3])[0], expected)


def test_autoencoder__replaces_the_models_own(tmp_path: Path) -> None:
    build_pipeline(autoencoder=build_kl_autoencoder(seed=2)).save_pretrained(tmp_path / "model")
    build_kl_autoencoder(seed=9).save_pretrained(tmp_path / "other")
    settings = GenerationSettings(steps=2, guidance_scale=3.0, autoencoder=str(tmp_path / "other"))
    generator = load(tmp_path / "model", settings)
    expected = drawn_by_hand(build_pipeline(autoencoder=build_kl_autoencoder(seed=9)), seed=3, prompt=COW)
    np.testing.assert_array_equal(generator.generate([COW], seeds=[3])[0], expected)
    assert generator.digest.startswith(load(tmp_path / "model").digest + "+")


def test_autoencoder__no_autoencoder__refused(tiny_pipeline: Path) -> None:
    settings = GenerationSettings(autoencoder=str(tiny_pipeline / "unet"))
    with pytest.raises(ModelUnavailableError, match=r"is a UNet2DConditionModel, no autoencoder.*Give another"):
        load(tiny_pipeline, settings)


def test_identity__names_every_setting_that_changes_pixels(tiny_pipeline: Path) -> None:
    settings = [
        FAST,
        replace(FAST, steps=3),
        replace(FAST, guidance_scale=3.5),
        replace(FAST, size_px=24),
        replace(FAST, scheduler="dpm-solver-multistep"),
        replace(FAST, attention_slicing=True),
        replace(FAST, exact_batches=False),
    ]
    assert len({load(tiny_pipeline, each).identity for each in settings}) == len(settings)


def test_identity__follows_the_weights_not_the_place(tiny_pipeline: Path, tmp_path: Path) -> None:
    copy = copytree(tiny_pipeline, tmp_path / tiny_pipeline.name)
    assert load(copy).identity == load(tiny_pipeline).identity
    weights = copy / "vae" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    next(iter(tensors.values())).add_(0.01)
    save_file(tensors, weights, metadata={"format": "pt"})
    assert load(copy).identity != load(tiny_pipeline).identity


def test_bfloat16__named_in_the_identity(tiny_pipeline: Path) -> None:
    generator = load_diffusers_generator(
        tiny_pipeline, device="cpu", dtype=torch.bfloat16, settings=FAST, low_memory=True, announce=fail
    )
    assert "dtype=bfloat16 device=cpu" in generator.identity
    assert generator.generate([COW], seeds=[1]).std() > 0


def test_load__own_values_of_the_model__unless_told_otherwise(tiny_pipeline: Path, tmp_path: Path) -> None:
    folder = copytree(tiny_pipeline, tmp_path / "model")
    (folder / "rldf.json").write_text(json.dumps({"steps": 3, "guidance_scale": 2.5, "size_px": 24}))
    assert load(folder, GenerationSettings()).settings == GenerationSettings(steps=3, guidance_scale=2.5, size_px=24)
    assert load(folder, GenerationSettings(steps=5)).settings.steps == 5
    assert "steps=50 guidance_scale=7.5 size_px=own" in load(tiny_pipeline, GenerationSettings()).identity


def test_load__own_values_unreadable__refused(tiny_pipeline: Path, tmp_path: Path) -> None:
    folder = copytree(tiny_pipeline, tmp_path / "model")
    for content in ('{"steps": 3}', '{"steps": "many", "guidance_scale": 1, "size_px": 8}', "[", "[]"):
        (folder / "rldf.json").write_text(content)
        with pytest.raises(ModelUnavailableError, match=r"rldf.json' .*Copy the"):
            load(folder, GenerationSettings())


def test_load__says_nothing(
    tiny_pipeline: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        load(tiny_pipeline).generate([COW], seeds=[1])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("part", ["unet", "text_encoder"])
def test_load__weights_missing__refused(tiny_pipeline: Path, tmp_path: Path, part: str) -> None:
    folder = copytree(tiny_pipeline, tmp_path / "model")
    weights = next((folder / part).glob("*.safetensors"))
    tensors = load_file(weights)
    name = sorted(tensors)[-1]
    del tensors[name]
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(ModelUnavailableError, match=r"lacks weights: .*All weights are needed.*copy it again"):
        load(folder)


def test_safety_checker__left_out_unless_asked_for(tmp_path: Path) -> None:
    build_pipeline(safety_checker=build_safety_checker(flags_all=True)).save_pretrained(tmp_path / "model")
    expected = drawn_by_hand(build_pipeline(), seed=3, prompt=COW)
    np.testing.assert_array_equal(load(tmp_path / "model").generate([COW], seeds=[3])[0], expected)


@pytest.mark.parametrize("flags_all", [True, False])
def test_safety_checker__flags_a_picture__error_and_no_black_frame(tmp_path: Path, flags_all: bool) -> None:  # noqa: FBT001
    build_pipeline(safety_checker=build_safety_checker(flags_all=flags_all)).save_pretrained(tmp_path / "model")
    generator = load(tmp_path / "model", GenerationSettings(steps=2, guidance_scale=3.0, safety_checker=True))
    if flags_all:
        with pytest.raises(GenerationError, match=r"flagged the picture of 'a photo of two cars' with seed 3.*Change"):
            generator.generate([CAR], seeds=[3])
    else:
        assert generator.generate([CAR], seeds=[3]).std() > 0


def test_generate__pixels_that_are_no_numbers__error_and_no_black_frame(tmp_path: Path) -> None:
    autoencoder = build_autoencoder()
    next(autoencoder.decoder.parameters()).data.fill_(torch.nan)
    build_pipeline(autoencoder=autoencoder).save_pretrained(tmp_path / "model")
    with pytest.raises(GenerationError, match=r"pixels that are not numbers, in torch.float32.*Use --dtype float32"):
        load(tmp_path / "model").generate([COW], seeds=[1])


def test_other_family__given_texts__no_negative(tmp_path: Path) -> None:
    build_distilled_pipeline().save_pretrained(tmp_path / "model")
    generator = load(tmp_path / "model", GenerationSettings(steps=2, guidance_scale=3.0))
    together = generator.generate([CAR, CAR], seeds=[1, 2])
    np.testing.assert_array_equal(generator.generate([CAR], seeds=[2])[0], together[1])
    assert generator.denoiser_evaluations == 3 * 2 == 3 * generator.evaluations_per_picture
    with pytest.raises(GenerationError, match=r"'many people' cannot be used: a LatentConsistency.*Leave it out"):
        generator.generate([COW], seeds=[1])


def test_load__pickled_weights__refused(tiny_pipeline: Path, tmp_path: Path) -> None:
    folder = copytree(tiny_pipeline, tmp_path / "model")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(weights), weights.with_suffix(".bin"))
    weights.unlink()
    with pytest.raises(ModelUnavailableError, match=r"unet' are pickled \(\.bin\); only safetensors.*save_pretrained"):
        load(folder)


@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".bin"])
def test_load__pickled_file__refused_and_never_opened(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(ModelUnavailableError, match=r"is pickled, and pickles can run code.*convert it once"):
        load(path)


def test_load__no_model__one_clear_line(tiny_pipeline: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "broken.safetensors").write_bytes(b"\xff" * 64)
    save_file({"lora.weight": torch.zeros(1)}, tmp_path / "lora.safetensors")
    cases: dict[str | Path, str] = {
        tmp_path / "notes": r"notes' is no model: it has neither.*Give a folder",
        tmp_path / "notes.txt": r"notes.txt' is no model; one file must be .safetensors",
        tmp_path / "broken.safetensors": r"broken.safetensors' cannot be read: .*Copy it again",
        tmp_path / "lora.safetensors": r"holds no whole pipeline.*Give a whole checkpoint",
        tiny_pipeline / "unet": r"has no model_index.json, so it is no text-to-image pipeline.*Give a folder",
        str(tmp_path / "nots"): r"there is no model .*nots'.*Did you mean 'notes'",
    }
    for model, words in cases.items():
        with pytest.raises(ModelUnavailableError, match=words) as caught:
            load(model)
        assert "\n" not in str(caught.value)


def test_load__another_kind_of_pipeline__refused(tiny_pipeline: Path, tmp_path: Path) -> None:
    folder = copytree(tiny_pipeline, tmp_path / "model")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "_class_name": "AudioLDMPipeline"}))
    with pytest.raises(ModelUnavailableError, match=r"cannot be loaded: .*AudioLDM.*must be a text-to-image pipeline"):
        load(folder)


def test_load__damaged_weights__refused(tiny_pipeline: Path, tmp_path: Path) -> None:
    folder = copytree(tiny_pipeline, tmp_path / "model")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelUnavailableError, match=r"model' cannot be loaded: .*Check it, or copy it again"):
        load(folder)


def test_load__unknown_id_offline__one_clear_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        ModelUnavailableError, match=r"the model 'nobody/nothing' could not be fetched.*give the folder"
    ):
        load("nobody/nothing")


def test_load__cached_hub_model__nothing_announced_commit_is_digest(
    tiny_pipeline: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--somebody--tiny"
    copytree(tiny_pipeline, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    generator = load("somebody/tiny")
    assert f"model=somebody/tiny digest={commit} " in generator.identity
    np.testing.assert_array_equal(generator.generate([COW], seeds=[1]), load(tiny_pipeline).generate([COW], seeds=[1]))


def test_load__device_or_dtype_not_here__refused(tiny_pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device, dtype, words in (
        ("cuda", torch.float32, r"the device 'cuda' is not present here.*Use --device cpu"),
        ("xpu", torch.float32, r"the device 'xpu' is not present here"),
        ("cpu", torch.float16, r"float16 is for graphics cards.*Use --dtype float32"),
    ):
        with pytest.raises(ConfigError, match=words):
            load_diffusers_generator(
                tiny_pipeline, device=device, dtype=dtype, settings=FAST, low_memory=False, announce=fail
            )


def test_load__low_memory_without_accelerate__names_the_extra(
    tiny_pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingExtraError, match=r"'accelerate', which is not installed.*pip install 'rldf\[train\]'"):
        load_diffusers_generator(
            tiny_pipeline, device="cuda", dtype=torch.float16, settings=FAST, low_memory=True, announce=fail
        )


def test_load__no_pipeline_but_a_model__refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip", "architectures": [CLIPModel.__name__]}))
    with pytest.raises(ModelUnavailableError, match=r"has no model_index.json"):
        load(tmp_path)
