"""Makes and reopens run folders before any model is loaded, so that a run killed at once can still be resumed."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rldf.errors import ImageError, RecordError
from rldf.perception.reading import digest_of_file
from rldf.presets.config import SearchConfig
from rldf.presets.loading import config_from_dict, config_to_dict
from rldf.records import RunStore, read_json, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInput:
    """Where an input picture of a run lies.

    Attributes:
        path: as the user gave it.
        file: a file to read it from now.
        sha256: of the user's file; "" where it was not read yet.
    """

    path: str
    file: Path
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRun:
    """A run folder that is open for writing, and what is to be done in it.

    Attributes:
        store: the folder; whoever runs it closes it.
        config: the settings.
        inputs: the pictures; several are one concept.
        request: "created", "command" and "config", as they go into `run.json`.
    """

    store: RunStore
    config: SearchConfig
    inputs: tuple[StoredInput, ...]
    request: Mapping[str, Any]


def prepare_search(
    paths: Sequence[str | Path],
    *,
    config: SearchConfig,
    out: str | Path | None = None,
    command: str = "",
    force: bool = False,
) -> PreparedRun:
    """Makes the folder of a new run and writes down what is asked for. Loads no model; takes milliseconds.

    Args:
        paths: the picture; several are one concept.
        config: the settings.
        out: the run folder; None for `runs/<date-time>-<stem of the picture>` in the current folder.
        command: the command that makes this run again; "" to write one from the settings.
        force: True to remove an older run that lies there.

    Returns:
        What `run_prepared` takes.

    Raises:
        ImageError: if a picture does not exist.
    """
    for path in paths:
        if not Path(path).exists():
            raise ImageError(f"there is no file '{path}'; an image file is needed. Check the path.")
    now = utc_now()
    folder = default_folder(paths[0], now=now, parent=Path("runs")) if out is None else Path(out)
    request = {
        "created": now,
        "command": command_of(paths, config=config) if command == "" else command,
        "config": config_to_dict(config),
        "inputs": [{"path": str(path), "file": str(Path(path).resolve())} for path in paths],
    }
    store = RunStore.create(folder, request=request, force=force)
    return _prepared(store, request=request)


def reopen_search(folder: str | Path) -> PreparedRun:
    """Opens the folder of an interrupted run again. Loads no model; takes milliseconds.

    Args:
        folder: a run folder.

    Returns:
        What `run_prepared` takes.
    """
    folder = Path(folder)
    store = RunStore.reopen(folder)
    try:
        if not (folder / "run.json").is_file():
            return _prepared(store, request=read_json(folder / "request.json"))
        run = _require_search(read_json(folder / "run.json"), folder=folder)
        inputs = [
            {"path": entry["path"], "file": str(folder / entry["file"]), "sha256": entry["sha256"]}
            for entry in run["inputs"]
        ]
        request = {key: run[key] for key in ("created", "command", "config")} | {"inputs": inputs}
        return _prepared(store, request=request)
    except BaseException:
        store.close()
        raise


def begin_or_reopen(paths: Sequence[str | Path], folder: Path, *, config: SearchConfig, force: bool) -> PreparedRun:
    """Begins a search, or takes up what lies in its folder if that is the same search.

    What a search learned from stays as it was when it began.

    Args:
        paths: the picture; several are one concept.
        folder: the run folder.
        config: the settings.
        force: True to begin anew whatever lies there.

    Returns:
        What `run_prepared` takes; it tells a finished run again.

    Raises:
        RecordError: if the folder holds a search of other pictures, or one with other settings.
    """
    if force or not (folder / "run.json").is_file():
        is_begun = (folder / "request.json").is_file()  # of a run without run.json nothing was drawn yet
        return prepare_search(paths, config=config, out=folder, force=force or is_begun)
    digests = [digest_of_file(path) for path in paths]
    prepared = reopen_search(folder)
    other = ""
    if [entry.sha256 for entry in prepared.inputs] != digests:
        stored, given = (", ".join(f"'{each}'" for each in row) for row in ([e.path for e in prepared.inputs], paths))
        other = f"is of another picture than {given}: of {stored}, by SHA-256; a run has the same pictures throughout"
    elif (
        replace(prepared.config, search=replace(prepared.config.search, learn_from=config.search.learn_from)) != config
    ):
        other = "was made with other settings; what is gone on with has the same settings throughout"
    if other:
        prepared.store.close()
        raise RecordError(f"the run '{folder}' {other}. Choose another --out, or give --force to search again.")
    return prepared


def default_folder(path: str | Path, *, now: str, parent: Path) -> Path:
    """Names the folder of a new run: `<parent>/<date-time>-<stem of the picture>`, with a number where it exists.

    Args:
        path: the (first) picture.
        now: ISO 8601 time.
        parent: folder of all runs.

    Returns:
        A folder that does not exist.
    """
    stem = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in Path(path).stem)
    moment = now[:19].replace("-", "").replace(":", "").replace("T", "-")
    folder = parent / f"{moment}-{stem}"
    number = 2
    while folder.exists():
        folder = parent / f"{moment}-{stem}-{number}"
        number += 1
    return folder


def command_of(paths: Sequence[str | Path], *, config: SearchConfig) -> str:
    """Writes the command that makes a run again: what differs from the defaults, as `--config` settings."""
    defaults, values = _flat(config_to_dict(SearchConfig())), _flat(config_to_dict(config))
    changes = [
        "--config " + shlex.quote(f"{name}={_toml(value)}") for name, value in values.items() if value != defaults[name]
    ]
    together = ["--together"] if len(paths) > 1 else []
    return " ".join(["rldf search", *(shlex.quote(str(path)) for path in paths), *together, *changes])


def _require_search(run: dict[str, Any], *, folder: Path) -> dict[str, Any]:
    if run["kind"] != "search":
        raise RecordError(
            f"the run '{folder}' is of kind '{run['kind']}'; runs of kind 'search' can be resumed. Start it again."
        )
    return run


def _prepared(store: RunStore, *, request: Mapping[str, Any]) -> PreparedRun:
    return PreparedRun(
        store=store,
        config=config_from_dict(request["config"], place="the run's settings"),
        inputs=tuple(
            StoredInput(path=entry["path"], file=Path(entry["file"]), sha256=entry.get("sha256", ""))
            for entry in request["inputs"]
        ),
        request={key: request[key] for key in ("created", "command", "config")},
    )


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted names to values; tables of terms stay whole."""
    rows: dict[str, Any] = {}
    sections = set(config_to_dict(SearchConfig())) if not prefix else set()
    for key, value in table.items():
        if key in sections and isinstance(value, Mapping):
            rows |= _flat(value, f"{key}.")
        else:
            rows[f"{prefix}{key}"] = value
    return rows


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f'{key} = "{term}"' for key, term in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(f'"{entry}"' for entry in value) + "]"
    return str(value)
