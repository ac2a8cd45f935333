"""The jobs of the main workflow as plain functions: `rldf.search`, `rldf.resume`, `rldf.encode`, `rldf.generate`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rldf.hub import Announce
from rldf.jobs.generate import SetRequest, generate_pictures
from rldf.jobs.search import Encoded, encode_images, resume_search, search_events
from rldf.presets.config import SearchConfig
from rldf.records import RunRecord, read_run
from rldf.sampling import Controls, PictureProduced
from rldf.search import RunFinished, SearchEvent


def search(
    image: str | Path | Sequence[str | Path],
    *,
    model: str | None = None,
    budget: int | None = None,
    seed: int | None = None,
    out: str | Path | None = None,
    config: SearchConfig | None = None,
    on_event: Callable[[SearchEvent], None] | None = None,
    force: bool = False,
    announce: Announce = print,
) -> RunRecord:
    """Searches the words of a picture: the encoding whose pictures, drawn by the model, match it.

    Args:
        image: a picture; a list of pictures is one concept.
        model: "embedded", a hub id, a local folder, a file or the address of an images endpoint.
        budget: distinct pictures the search may ask for, at least 1.
        seed: root seed, 0 or larger.
        out: the run folder; None for `runs/<date-time>-<stem of the picture>`.
        config: further settings; model, budget and seed replace what it says where they are given.
        on_event: is given every event, to show progress.
        force: True to remove an older run that lies at `out`.
        announce: is given one line before anything is downloaded.

    Returns:
        The finished run: `sentence`, `encoding`, `score`, `folder`, `image_paths` and all its records.

    Example:
        >>> run = search("photo.jpg", budget=48)  # doctest: +SKIP
        >>> run.sentence  # doctest: +SKIP
        'a photo of two cows and many people in a park'
    """
    used = SearchConfig() if config is None else config
    if model is not None:
        used = replace(used, model=replace(used.model, id=model, kind="auto"))
    if budget is not None:
        used = replace(used, budget=replace(used.budget, max_renders=budget))
    if seed is not None:
        used = replace(used, seed=seed)
    paths = [image] if isinstance(image, str | Path) else list(image)
    folder: Path | None = None
    for event in search_events(paths, config=used, out=out, force=force, announce=announce):
        if on_event is not None:
            on_event(event)
        if isinstance(event, RunFinished):
            folder = event.folder
    assert folder is not None
    return read_run(folder)


def resume(folder: str | Path, *, on_event: Callable[[SearchEvent], None] | None = None) -> RunRecord:
    """Goes on with an interrupted search to the same result.

    Args:
        folder: its run folder.
        on_event: is given every event, to show progress.

    Returns:
        The finished run.
    """
    for event in resume_search(folder):
        if on_event is not None:
            on_event(event)
    return read_run(Path(folder))


def encode(image: str | Path, *, config: SearchConfig | None = None, announce: Announce = print) -> Encoded:
    """Reads one picture with scorer A: encoding, sentence and probabilities, without drawing anything."""
    return encode_images([image], config=config, announce=announce)[0]


def generate(
    source: str | Path | RunRecord,
    n: int = 8,
    *,
    out: str | Path | None = None,
    config: SearchConfig | None = None,
    terms: Mapping[str, str] | None = None,
    controls: Controls | None = None,
    force: bool = False,
) -> list[Path]:
    """Draws n diverse pictures of a run or a sentence; see `generate_pictures` for more control.

    Args:
        source: a run, its folder, or a sentence of the grammar.
        n: pictures, at least 1.
        out: folder of the pictures.
        config: the settings; None for those of the run, or the embedded ones.
        terms: axis id to term, to change the words before drawing.
        controls: axes to vary and to balance.
        force: True to draw again what is there already.

    Returns:
        Their files.
    """
    request = SetRequest(
        count=n, terms={} if terms is None else terms, controls=Controls() if controls is None else controls
    )
    events = generate_pictures(source, request, out=out, config=config, force=force, announce=print)
    return [event.path for event in events if isinstance(event, PictureProduced)]
