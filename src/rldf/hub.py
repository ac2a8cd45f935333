"""Where model folders come from: a local folder or a hub id, safetensors only, announced first.

- `resolve_model_folder` tells a local folder from a hub id; `fetch_model_folder` makes either a local folder.
- `announce_download` says size and place before anything is fetched.
- `require_safetensors` refuses pickled weights; `folder_digest` names the weights.
"""

import re
from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from pathlib import Path

from rldf.errors import ModelUnavailableError, did_you_mean

Announce = Callable[[str], None]
"""Shows one line to the user, such as `print` or a console's method."""


def say_nothing(line: str) -> None:
    """Takes an announcement and does nothing with it."""
    del line


MODEL_FILES = ("*.safetensors", "*.json", "*.txt", "*.model")
"""What is fetched of a hub model: safetensors weights, configurations and tokenizer files; never pickles."""

PICKLED_SUFFIXES = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle"})
_CONFIG_FILES = ("config.json", "model_index.json")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_CONTENT_HASH = re.compile(r"[0-9a-f]{64}")
_READ_BYTES = 1 << 20


def resolve_model_folder(model: str | Path) -> Path | str:
    """Tells a local model folder from a hub id.

    Args:
        model: a folder, or an id such as "openai/clip-vit-large-patch14".

    Returns:
        The folder as a `Path`, or the hub id as it was given.

    Raises:
        ModelUnavailableError: if it is neither, or a folder that holds no model.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        if not any((path / name).is_file() for name in _CONFIG_FILES):
            raise ModelUnavailableError(
                f"the folder '{path}' is no model: it has neither {' nor '.join(_CONFIG_FILES)}. "
                "Give a folder written by save_pretrained, or a hub id."
            )
        return path
    if path.exists():
        raise ModelUnavailableError(
            f"'{path}' is a file; a model is a folder written by save_pretrained, or a hub id. Give the folder."
        )
    if isinstance(model, str) and _HUB_ID.fullmatch(model) and not path.parent.name.startswith("."):
        return model
    siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    raise ModelUnavailableError(
        f"there is no model '{model}'; a model is a local folder or a hub id such as 'owner/name'."
        f"{did_you_mean(path.name, siblings) or ' Check the spelling.'}"
    )


def fetch_model_folder(
    model: str | Path,
    *,
    announce: Announce,
    allow_patterns: Sequence[str] = MODEL_FILES,
    ignore_patterns: Sequence[str] = (),
    revision: str | None = None,
    endpoint: str | None = None,
    needs_weights: bool = True,
) -> Path:
    """Makes a local folder of a model, downloading it only where it is not cached yet.

    A cached model is used as it is and the hub is not asked, so a finished set-up works offline.

    Args:
        model: a folder or hub id.
        announce: is given one line before a download.
        allow_patterns: names of the files to fetch.
        ignore_patterns: names of files to leave out of these.
        revision: branch, tag or commit on the hub; None for the main branch.
        endpoint: address of the hub; None for the usual one.
        needs_weights: False where only configuration files are wanted.

    Returns:
        The local folder.

    Raises:
        ModelUnavailableError: if there is no such model or it cannot be fetched.
    """
    place = resolve_model_folder(model)
    if isinstance(place, Path):
        return place
    from huggingface_hub import snapshot_download  # the ground tier stays light
    from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError

    allow, ignore = list(allow_patterns), list(ignore_patterns)
    try:
        cached = snapshot_download(
            place, revision=revision, allow_patterns=allow, ignore_patterns=ignore, local_files_only=True
        )
        return Path(cached)
    except (IncompleteSnapshotError, LocalEntryNotFoundError):
        pass  # not cached yet: the download below is announced
    announce_download(
        place,
        announce,
        allow_patterns=allow_patterns,
        ignore_patterns=ignore_patterns,
        revision=revision,
        endpoint=endpoint,
        needs_weights=needs_weights,
    )
    try:
        fetched = snapshot_download(
            place, revision=revision, allow_patterns=allow, ignore_patterns=ignore, endpoint=endpoint
        )
    except Exception as error:
        raise ModelUnavailableError(_unreachable(place, error)) from error
    return Path(fetched)


def announce_download(
    repo_id: str,
    announce: Announce,
    *,
    allow_patterns: Sequence[str] = MODEL_FILES,
    ignore_patterns: Sequence[str] = (),
    revision: str | None = None,
    endpoint: str | None = None,
    needs_weights: bool = True,
) -> int:
    """Says how much of a hub model would be downloaded and where to; silent when it is cached.

    Args:
        repo_id: hub id.
        announce: is given the line.
        allow_patterns: names of the files meant.
        ignore_patterns: names of files left out of these.
        revision: branch, tag or commit; None for the main branch.
        endpoint: address of the hub; None for the usual one.
        needs_weights: False where only configuration files are wanted.

    Returns:
        Number of bytes to download, 0 when everything is cached.

    Raises:
        ModelUnavailableError: if there is no such model, no network, or no safetensors weights in it.
    """
    from huggingface_hub import constants, snapshot_download  # the ground tier stays light

    try:
        files = snapshot_download(
            repo_id,
            revision=revision,
            allow_patterns=list(allow_patterns),
            ignore_patterns=list(ignore_patterns),
            endpoint=endpoint,
            dry_run=True,
        )
    except Exception as error:  # transport errors have no common class
        raise ModelUnavailableError(_unreachable(repo_id, error)) from error
    if needs_weights and not any(file.filename.endswith(".safetensors") for file in files):
        raise ModelUnavailableError(
            f"the model '{repo_id}' has no safetensors weights; pickled weights are not loaded because they can "
            "run code. Choose a revision or a model with safetensors."
        )
    num_bytes = sum(file.file_size or 0 for file in files if file.will_download)
    if num_bytes:
        announce(f"downloading {repo_id}: {_readable_size(num_bytes)} into {constants.HF_HUB_CACHE}")
    return num_bytes


def require_safetensors(folder: Path, *, except_folders: Collection[str] = ()) -> None:
    """Refuses a model folder whose weights, or those of a component, are not safetensors.

    Args:
        folder: a local model folder.
        except_folders: names of component folders that are not loaded.

    Raises:
        ModelUnavailableError: if a folder holds pickled weights only, or no weights at all are found.
    """
    folders = [folder, *sorted(entry for entry in folder.iterdir() if entry.is_dir())]
    has_weights = False
    for part in folders:
        if part.name in except_folders and part != folder:
            continue
        suffixes = {entry.suffix for entry in part.iterdir() if entry.is_file()}
        has_weights = has_weights or ".safetensors" in suffixes
        if suffixes & PICKLED_SUFFIXES and ".safetensors" not in suffixes:
            raise ModelUnavailableError(
                f"the weights in '{part}' are pickled ({', '.join(sorted(suffixes & PICKLED_SUFFIXES))}); only "
                "safetensors are loaded, because pickles can run code. Save the model again with save_pretrained."
            )
    if not has_weights:
        raise ModelUnavailableError(
            f"the model folder '{folder}' has no weights; it needs a .safetensors file. "
            "Check that the download or copy is complete."
        )


def folder_digest(folder: Path) -> str:
    """Names a model by what it holds.

    Args:
        folder: a local model folder.

    Returns:
        SHA-256, as 64 hexadecimal digits, of the relative names and contents of its .safetensors and .json files.
    """
    digest = sha256()
    for path in sorted(entry for entry in folder.rglob("*") if entry.suffix in {".safetensors", ".json"}):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{_file_digest(path)}\n".encode())
    return digest.hexdigest()


def _readable_size(num_bytes: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if num_bytes >= size:
            return f"{num_bytes / size:.1f} {unit}"
    return f"{num_bytes / 1e3:.1f} kB"


def _file_digest(path: Path) -> str:
    """SHA-256 of a file; a hub cache names large files by it, which saves reading them."""
    if path.is_symlink() and _CONTENT_HASH.fullmatch(path.resolve().name):
        return path.resolve().name
    digest = sha256()
    with path.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _unreachable(repo_id: str, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return (
        f"the model '{repo_id}' could not be fetched: {reason}. It must be a hub id you can reach, or a local folder; "
        "check the spelling and the network, or give the folder."
    )
