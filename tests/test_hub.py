"""Model folders: found, fetched with an announcement, safetensors only, named by digest."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import final

import numpy as np
import pytest
from safetensors.numpy import save

from rldf.errors import ModelUnavailableError
from rldf.hub import announce_download, fetch_model_folder, folder_digest, require_safetensors, resolve_model_folder

COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = save({"weight": np.arange(1000, dtype=np.float32)})
FILES = {"config.json": b'{"model_type": "clip"}', "model.safetensors": WEIGHTS, "pytorch_model.bin": b"pickle"}


def hub_answer(path: str, files: dict[str, bytes]) -> tuple[int, bytes]:
    """What a hub with one model, tiny/model, answers: status and body."""
    name = path.rsplit("/", maxsplit=1)[-1]
    if path in {"/api/models/tiny/model", "/api/models/tiny/model/revision/main"}:
        return 200, json.dumps({"id": "tiny/model", "sha": COMMIT, "siblings": []}).encode()
    if path.startswith("/api/models/tiny/model/tree/"):
        tree = [
            {"type": "file", "path": each, "size": len(body), "oid": sha256(body).hexdigest()[:40]}
            for each, body in files.items()
        ]
        return 200, json.dumps(tree).encode()
    if path.startswith("/tiny/model/resolve/") and name in files:
        return 200, files[name]
    return 404, b"{}"


@contextmanager
def served_hub(files: dict[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Plays the hub on this machine; yields its address and the paths asked for."""
    asked: list[str] = []

    @final
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.respond()

        def do_GET(self) -> None:
            self.wfile.write(self.respond())

        def respond(self) -> bytes:
            path = self.path.split("?", maxsplit=1)[0]
            asked.append(path)
            status, body = hub_answer(path, files)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{sha256(body).hexdigest()}"')
            self.end_headers()
            return body

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
            """Stays silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_resolve__folder_with_a_model(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text("{}", encoding="utf-8")
    assert resolve_model_folder(str(tmp_path)) == tmp_path


def test_resolve__hub_id_comes_back_as_it_is() -> None:
    assert resolve_model_folder("CompVis/stable-diffusion-v1-4") == "CompVis/stable-diffusion-v1-4"


def test_resolve__folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"is no model: it has neither config\.json nor model_index\.json"):
        resolve_model_folder(tmp_path)


def test_resolve__file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ModelUnavailableError, match=r"is a file; a model is a folder written by save_pretrained"):
        resolve_model_folder(tmp_path / "model.safetensors")


@pytest.mark.parametrize("name", ["clip-larg", "./clip-larg", "a/b/clip-larg"])
def test_resolve__missing_path_suggests_a_sibling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("clip-large", "a/b/clip-large"):
        Path(folder).mkdir(parents=True)
    path = name if name.startswith(("a", ".")) else str(tmp_path / name)
    with pytest.raises(ModelUnavailableError, match=r"there is no model .*clip-larg'.*Did you mean 'clip-large'\?"):
        resolve_model_folder(path)


def test_fetch__announces_size_and_place_then_uses_the_cache(hub_cache: Path) -> None:
    said: list[str] = []
    with served_hub(FILES) as (address, asked):
        folder = fetch_model_folder("tiny/model", announce=said.append, endpoint=address)
        assert (folder / "model.safetensors").read_bytes() == WEIGHTS
        assert not (folder / "pytorch_model.bin").exists()
        assert said == [f"downloading tiny/model: 4.1 kB into {hub_cache}"]
        assert asked
        asked.clear()
        assert fetch_model_folder("tiny/model", announce=said.append, endpoint=address) == folder
        assert asked == []
    assert len(said) == 1


def test_announce_download__counts_only_what_is_fetched(hub_cache: Path) -> None:
    said: list[str] = []
    with served_hub(FILES) as (address, _asked):
        num_bytes = announce_download("tiny/model", said.append, endpoint=address)
    assert num_bytes == len(FILES["config.json"]) + len(WEIGHTS)
    assert str(hub_cache) in said[0]
    assert not list(hub_cache.rglob("*.safetensors"))


def test_fetch__pickle_only_model_is_refused_before_it_is_fetched(hub_cache: Path) -> None:
    files = {name: body for name, body in FILES.items() if name != "model.safetensors"}
    with (
        served_hub(files) as (address, asked),
        pytest.raises(ModelUnavailableError, match=r"'tiny/model' has no safetensors weights; pickled weights are not"),
    ):
        fetch_model_folder("tiny/model", announce=print, endpoint=address)
    assert not any("resolve" in path and path.endswith(".bin") for path in asked)
    assert not list(hub_cache.rglob("*.bin"))


@pytest.mark.usefixtures("hub_cache")
def test_fetch__unknown_model_and_no_network_are_one_line() -> None:
    with served_hub(FILES) as (address, _asked):
        pass
    with pytest.raises(ModelUnavailableError, match=r"'tiny/model' could not be fetched: .*the network") as caught:
        fetch_model_folder("tiny/model", announce=print, endpoint=address)
    assert "\n" not in str(caught.value)
    with (
        served_hub(FILES) as (address, _asked),
        pytest.raises(ModelUnavailableError, match=r"the model 'tiny/other' could not be fetched: .*spelling"),
    ):
        fetch_model_folder("tiny/other", announce=print, endpoint=address)


def test_require_safetensors__pickled_component_is_named(tmp_path: Path) -> None:
    for part in ("unet", "vae"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "model.safetensors").touch()
    (tmp_path / "vae" / "old.bin").touch()
    require_safetensors(tmp_path)
    (tmp_path / "safety_checker").mkdir()
    (tmp_path / "safety_checker" / "pytorch_model.bin").touch()
    require_safetensors(tmp_path, except_folders=["safety_checker"])
    with pytest.raises(ModelUnavailableError, match=r"safety_checker' are pickled \(\.bin\).*Save the model again"):
        require_safetensors(tmp_path)


def test_require_safetensors__folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"has no weights; it needs a \.safetensors file"):
        require_safetensors(tmp_path)


def test_folder_digest__by_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "unet").mkdir(parents=True)
    (folder / "unet" / "a.safetensors").write_bytes(b"weights")
    (folder / "readme.md").write_bytes(b"text")
    inner = sha256(b"weights").hexdigest()
    assert folder_digest(folder) == sha256(f"unet/a.safetensors\0{inner}\n".encode()).hexdigest()
    before = folder_digest(folder)
    (folder / "readme.md").write_bytes(b"other text")
    assert folder_digest(folder) == before
    (folder / "config.json").write_bytes(b"{}")
    assert folder_digest(folder) != before


def test_folder_digest__same_for_a_cache_of_links(tmp_path: Path) -> None:
    plain, linked, blobs = tmp_path / "plain", tmp_path / "linked", tmp_path / "blobs"
    for folder in (plain, linked, blobs):
        folder.mkdir()
    (plain / "a.safetensors").write_bytes(b"weights")
    blob = blobs / sha256(b"weights").hexdigest()
    blob.write_bytes(b"weights")
    (linked / "a.safetensors").symlink_to(blob)
    assert folder_digest(plain) == folder_digest(linked)
