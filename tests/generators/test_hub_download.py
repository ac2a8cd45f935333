"""A local server plays the hub: what is fetched, and what is said before."""

import re
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from tests.generators.playing_server import PlayingServer, Reply, playing_server

from rldf.errors import ModelUnavailableError
from rldf.generators.diffusers_local import DiffusersGenerator, load_diffusers_generator
from rldf.generators.settings import GenerationSettings
from rldf.records.percept import Prompt

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MODEL = "somebody/tiny"
COW = Prompt(text="a photo of one cow in a park")


@pytest.fixture
def repository(tiny_pipeline: Path, tmp_path: Path) -> Path:
    """A repository with all that real ones carry beside the weights that are needed."""
    folder = copytree(tiny_pipeline, tmp_path / "repository")
    unet = folder / "unet" / "diffusion_pytorch_model.safetensors"
    for unwanted in (
        folder / "v1-4.ckpt",
        folder / "v1-4.safetensors",
        unet.with_suffix(".bin"),
        unet.with_name("diffusion_pytorch_model.fp16.safetensors"),
        folder / "safety_checker" / "model.safetensors",
        folder / "vae_1_0" / "diffusion_pytorch_model.safetensors",
        folder / "unet" / "openvino_model.xml",
    ):
        unwanted.parent.mkdir(exist_ok=True)
        unwanted.write_bytes(b"unwanted")
    return folder


@pytest.fixture
def hub(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayingServer]:
    with playing_server() as play:
        play.default = lambda _: _answer(str(play.requests[-1]["path"]), repository)
        monkeypatch.setattr(constants, "ENDPOINT", play.address)
        template = play.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        yield play


def _answer(path: str, repository: Path) -> Reply:
    files = {each.relative_to(repository).as_posix(): each for each in repository.rglob("*") if each.is_file()}
    path = path.partition("?")[0]
    if not path.removeprefix("/api/models").startswith(f"/{MODEL}"):
        return Reply(status=404, body={"error": "no such repository"}, headers={"X-Error-Code": "RepoNotFound"})
    if "/tree/" in path:
        entries = [
            {"type": "file", "path": name, "size": each.stat().st_size, "oid": sha1(each.read_bytes()).hexdigest()}
            for name, each in files.items()
        ]
        return Reply(body=entries)
    if path.startswith("/api/models/"):
        return Reply(body={"id": MODEL, "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]})
    content = files[path.partition("/resolve/")[2].partition("/")[2]].read_bytes()
    return Reply(content=content, headers={"X-Repo-Commit": COMMIT, "ETag": f'"{sha1(content).hexdigest()}"'})


def load(said: list[str], *, model: str = MODEL) -> DiffusersGenerator:
    settings = GenerationSettings(steps=2, guidance_scale=3.0)
    return load_diffusers_generator(
        model, device="cpu", dtype=torch.float32, settings=settings, low_memory=False, announce=said.append
    )


def test_load__hub_id__says_size_and_place_then_fetches_what_is_needed(
    hub: PlayingServer, repository: Path, tmp_path: Path, tiny_pipeline: Path
) -> None:
    said: list[str] = []
    generator = load(said)
    fetched = tmp_path / "hub" / "models--somebody--tiny" / "snapshots" / COMMIT
    names = {each.relative_to(fetched).as_posix() for each in fetched.rglob("*") if each.is_file()}
    wanted = {each.relative_to(tiny_pipeline).as_posix() for each in tiny_pipeline.rglob("*") if each.is_file()}
    assert names == wanted
    num_bytes = sum((repository / name).stat().st_size for name in names)
    assert len(said) == 1
    line = re.fullmatch(rf"downloading {MODEL}: ([\d.]+) MB into {re.escape(str(tmp_path / 'hub'))}.*", said[0])
    assert line is not None, said
    assert float(line[1]) == pytest.approx(num_bytes / 1e6, abs=0.06)
    assert generator.digest == COMMIT
    num_requests = len(hub.requests)
    again = load(said)
    assert len(said) == 1  # in the cache now: nothing is asked and nothing said
    assert len(hub.requests) == num_requests
    np.testing.assert_array_equal(generator.generate([COW], seeds=[1]), again.generate([COW], seeds=[1]))


def test_load__unknown_id__one_clear_line_and_nothing_said(hub: PlayingServer) -> None:
    said: list[str] = []
    with pytest.raises(ModelUnavailableError, match=r"'nobody/nothing' could not be fetched: .*check the") as caught:
        load(said, model="nobody/nothing")
    assert said == []
    assert hub.requests
    assert "\n" not in str(caught.value)


def test_load__pickled_weights_only__refused_before_the_download(hub: PlayingServer, repository: Path) -> None:
    for weights in repository.rglob("*.safetensors"):
        weights.rename(weights.with_suffix(".bin"))
    said: list[str] = []
    with pytest.raises(ModelUnavailableError, match=r"'somebody/tiny' has no safetensors weights.*Choose a"):
        load(said)
    assert said == []
    assert not [each for each in hub.requests if each["method"] == "GET" and "/resolve/" in str(each["path"])]
