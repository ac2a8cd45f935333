"""`generate`: a set of pictures of a run's words or of a sentence, under control of every axis."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from rldf.contracts import ImageEmbedder, Perception
from rldf.errors import ConfigError, UnknownTermError, did_you_mean
from rldf.grammar import Grammar, grammars_with
from rldf.hub import Announce, say_nothing
from rldf.jobs.set_facts import MAX_SHOWN, measure_set, write_archives, write_sheet
from rldf.presets.config import SearchConfig
from rldf.presets.loading import config_from_dict, config_to_dict, load_preset
from rldf.presets.shelf import SHELF
from rldf.records import Extra, ExtraPicture, RunRecord, encoding_to_json, read_run, write_extra
from rldf.sampling import (
    Controls,
    Order,
    PictureProduced,
    PictureRedrawn,
    Selection,
    close_manifest,
    near_optimal,
    plan_pictures,
    produce,
    read_manifest,
    redraw,
    require_no_pictures,
)
from rldf.search import PartCard
from rldf.space import Encoding
from rldf.web import keep_picture, name_of, write_report
from rldf.worlds.trials import UNMENTIONED

SetForm = Literal["folder", "webdataset"]
OFF = "none"
MAX_NAME = 80  # our choice: letters of a folder's name


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRequest:
    """What is asked of a set.

    Attributes:
        count: pictures, at least 1.
        terms: axis id to term, to change the words before drawing.
        controls: what varies and what is balanced.
        check: axes on which scorer A must read what was asked for; ("none",) for no check, () for the noun's axis
            where the embedded scorers are used and none elsewhere.
        max_tries: pictures drawn for each one kept, at most.
        is_diverse: True to draw all tries and keep those that are good and unlike the others; of a run, the encodings
            that did nearly as well take part.
        form: "webdataset" writes archives beside the folder of pictures.
    """

    count: int = 8
    terms: Mapping[str, str] = field(default_factory=dict)
    controls: Controls = field(default_factory=Controls)
    check: tuple[str, ...] = ()
    max_tries: int = 4
    is_diverse: bool = False
    form: SetForm = "folder"

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"{self.count} pictures were asked for; at least 1 can be drawn. Give a larger -n.")
        if self.max_tries < 1:
            raise ConfigError(f"max_tries is {self.max_tries}; a picture is drawn at least once. Give 1 or more.")
        for axis in (*self.controls.vary, *self.controls.balanced_axes):
            if axis in self.terms:
                raise ConfigError(
                    f"the axis '{axis}' is set to '{self.terms[axis]}' and also varied or balanced; one of the two "
                    "would be lost. Ask for one of them."
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFinished:
    """All pictures of a set lie on the disk.

    Attributes:
        folder: where.
        manifest: content of `manifest.json`.
        sheet: the contact sheet.
        archives: archives, where they were asked for.
    """

    folder: Path
    manifest: Mapping[str, Any]
    sheet: Path
    archives: tuple[Path, ...]


def generate_pictures(
    source: str | Path | RunRecord,
    request: SetRequest | None = None,
    *,
    config: SearchConfig | None = None,
    out: str | Path | None = None,
    force: bool = False,
    announce: Announce = say_nothing,
) -> Iterator[PictureProduced | SetFinished]:
    """Draws pictures of a run's encoding or of a sentence, one seed each; goes on where it was interrupted.

    Args:
        source: a run, its folder, or a sentence of the grammar.
        request: what is asked of the set; None for 8 pictures.
        config: the settings; None for those of the run, or the embedded ones.
        out: folder of the pictures; None for `generated` in the run folder, or `pictures/<sentence>`.
        force: True to draw again what is there already.
        announce: is given one line before anything is downloaded.

    Yields:
        One event per picture, and `SetFinished`.
    """
    asked = SetRequest() if request is None else request
    used, choices, run = _what_to_draw(source, asked, config=config)
    run_folder = None if run is None else run.folder
    usual = Path("pictures") / folder_name(str(source)) if run_folder is None else run_folder / "generated"
    folder = usual if out is None else Path(out)
    order = _order(asked, choices, config=used, announce=announce)
    generator = SHELF.generator(used.model, announce=announce)
    say_other_weights(run, generator.card, announce=announce)
    made = []
    for event in produce(generator.image_generator, order, folder=folder, force=force):
        made.append(event)
        yield event
    finished = _finish(made, order, folder=folder, asked=asked)
    if run_folder is not None:
        _tell_run(finished, made, run_folder=run_folder)
        write_report(run_folder)
    yield finished


def plan_redraw(manifest_path: str | Path) -> tuple[int, float]:
    """Counts what drawing a set again would make, without loading anything: pictures, and US dollars for one."""
    manifest, config = _read_set(manifest_path)
    return len(manifest["pictures"]), config.model.picture_cost_usd


def redraw_pictures(
    manifest_path: str | Path, *, out: str | Path, force: bool = False, announce: Announce = say_nothing
) -> Iterator[PictureRedrawn]:
    """Draws a set again from its manifest alone.

    Args:
        manifest_path: the manifest, or the folder it is in.
        out: folder of the new pictures.
        force: True to write over pictures that lie there.
        announce: is given one line before anything is downloaded.

    Yields:
        One event per picture; each tells whether its pixels are those of the manifest.
    """
    manifest, config = _read_set(manifest_path)
    if not force:
        require_no_pictures(Path(out))
    uncached = replace(config.model, use_cache=False)  # pictures from the cache would be equal whatever the model does
    generator = SHELF.generator(uncached, announce=announce).image_generator
    yield from redraw(manifest, generator, folder=Path(out), batch_size=config.search.batch_size)


def _read_set(manifest_path: str | Path) -> tuple[dict[str, Any], SearchConfig]:
    """Reads a manifest and the settings its pictures were drawn with."""
    manifest = read_manifest(Path(manifest_path))
    return manifest, config_from_dict(manifest["config"], place=f"the settings of '{manifest_path}'")


def base_config(source: str | Path, *, preset: str) -> SearchConfig:
    """The settings to start from: those of the run where the source is one, else those of a preset."""
    if Path(source).is_dir():
        return config_from_dict(read_run(Path(source)).run["config"], place=f"the run '{source}'")
    return load_preset(preset).config


def noun_axis(grammar: Grammar) -> str:
    """The axis that names the class: the first whose words take a number, such as "object"; else the first."""
    takers = [axis.id for axis in grammar.axes if axis.agreement == "takes-number"]
    return takers[0] if takers else grammar.axes[0].id


def words_of(
    source: str | Path | RunRecord, *, config: SearchConfig | None, terms: Mapping[str, str]
) -> tuple[SearchConfig, Encoding, RunRecord | None]:
    """Finds the settings and the encoding that a run or a sentence stands for.

    Args:
        source: a run, its folder, or a sentence.
        config: the settings; None for those of the run, or the embedded ones.
        terms: axis id to term, to change the encoding.

    Returns:
        Settings, encoding, and the run where there is one.
    """
    is_folder = not isinstance(source, RunRecord) and Path(source).is_dir()
    run = read_run(Path(str(source))) if is_folder else source if isinstance(source, RunRecord) else None
    if run is not None:
        used = config
        if used is None:
            used = config_from_dict(run.run["config"], place=f"the settings of '{run.folder}'")
        found = run.terms
    else:
        used = SearchConfig() if config is None else config
        found = {}
    grammar = SHELF.grammar(used)
    require_axes(grammar, tuple(terms))
    if run is None:
        found = grammar.space.terms(grammar.parse(str(source)))
    first = {axis.id: axis.terms[0] for axis in grammar.space.axes}
    return used, grammar.space.encode({**first, **found, **terms}), run


def require_axes(grammar: Grammar, axes: Sequence[str]) -> None:
    """Refuses axes that a grammar has not, by an `UnknownTermError` that names the shipped grammars that have them."""
    own = [axis.id for axis in grammar.space.axes]
    for axis in axes:
        if axis in own:
            continue
        others = grammars_with(axis)
        advice = f" Grammars that have it: {', '.join(others)}; give one by --grammar." if others else ""
        raise UnknownTermError(
            f"the grammar '{grammar.name}' has no axis '{axis}'; it has: {', '.join(own)}."
            f"{advice or did_you_mean(axis, own)}"
        )


def say_other_weights(run: RunRecord | None, card: PartCard, *, announce: Announce) -> None:
    """Says where the words of a run are drawn by a model of the same name with other weights.

    Args:
        run: where the words come from; None for a sentence.
        card: of the model at hand.
        announce: is given the line.
    """
    before = {} if run is None else run.run["model"]
    if run is not None and card.id == before["id"] and card.digest != before["digest"]:
        announce(
            f"note: the run '{run.folder}' was made with other weights of '{card.id}' ({before['digest'][:12]}, now "
            f"{card.digest[:12]}); its words may be drawn differently"
        )


def _what_to_draw(
    source: str | Path | RunRecord, asked: SetRequest, *, config: SearchConfig | None
) -> tuple[SearchConfig, list[Encoding], RunRecord | None]:
    """Finds settings and encodings of what is to be drawn, and the run it comes from."""
    used, encoding, run = words_of(source, config=config, terms=asked.terms)
    require_axes(SHELF.grammar(used), (*asked.controls.vary, *asked.controls.balanced_axes))
    if run is None:
        return used, [encoding], None
    choices = [encoding]
    if asked.is_diverse:
        grammar = SHELF.grammar(used)
        keep = list(dict.fromkeys([noun_axis(grammar), *(axis for axis in asked.check if axis != OFF)]))
        space = grammar.space
        near = [run.space.terms(each) for each in near_optimal(run, keep=keep)]
        choices = list(dict.fromkeys(space.encode({**space.terms(encoding), **each, **asked.terms}) for each in near))
    return used, choices, run


def folder_name(sentence: str) -> str:
    """Makes a folder's name of a sentence; one that is cut short ends with a digest of the whole."""
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in "-".join(sentence.split()))
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 9]}-{sha256(sentence.encode()).hexdigest()[:8]}"


def _order(asked: SetRequest, choices: list[Encoding], *, config: SearchConfig, announce: Announce) -> Order:
    grammar = SHELF.grammar(config)
    selection, judge = _scorers(asked, grammar, config=config, announce=announce)
    controls = asked.controls
    facts = {
        "sentence": grammar.render(choices[0]),
        "encoding": encoding_to_json(grammar.space, choices[0]),
        "choices": [grammar.render(choice) for choice in choices],
        "controls": controls.as_json(),
        "config": config_to_dict(replace(config, search=replace(config.search, start_terms={}, start="percept"))),
    }
    plans = plan_pictures(
        grammar.space, choices, count=asked.count, controls=controls, seed=config.seed, unmentioned=UNMENTIONED
    )
    return Order(
        grammar=grammar,
        plans=plans,
        seed=config.seed,
        facts=facts,
        negative_prompt=config.model.negative_prompt,
        batch_size=config.search.batch_size,
        selection=selection,
        judge=judge,
    )


def tries_for_each(asked: SetRequest, config: SearchConfig) -> int:
    """Counts how often each picture of a set is drawn at most: once where nothing is checked. Loads no model."""
    return 1 if _checked_axes(asked, SHELF.grammar(config), config=config) == (OFF,) else asked.max_tries


def _checked_axes(asked: SetRequest, grammar: Grammar, *, config: SearchConfig) -> tuple[str, ...]:
    """The axes that scorer A checks; (OFF,) for none."""
    is_embedded = config.model.id == "embedded" or config.perception.kind == "embedded"
    return asked.check if asked.check else ((noun_axis(grammar),) if is_embedded or asked.is_diverse else (OFF,))


def _scorers(
    asked: SetRequest, grammar: Grammar, *, config: SearchConfig, announce: Announce
) -> tuple[Selection | None, Perception | None]:
    """Scorer A with its rule and scorer B; none where no check is asked for."""
    axes = _checked_axes(asked, grammar, config=config)
    if axes == (OFF,):
        if asked.is_diverse:
            raise ConfigError(
                "a diverse set is asked for without a check; scorer A must read the pictures to choose among them. "
                "Leave --check none out."
            )
        return None, None
    for axis_id in axes:
        grammar.space.axis(axis_id)
    perception, card = SHELF.perception(config, announce=announce)
    built = SHELF.judge(config, announce=announce)
    embedder = perception if asked.is_diverse else None
    if embedder is not None and not isinstance(embedder, ImageEmbedder):
        raise ConfigError(
            f"a diverse set needs the features of scorer A, and {type(embedder).__name__} gives none; the embedded "
            "scorer and zero-shot CLIP do. Name one by --perception."
        )
    selection = Selection(
        perception=perception,
        identity=f"{card.id} {card.digest}".strip(),
        axes=axes,
        max_tries=asked.max_tries,
        embedder=embedder,
    )
    return selection, None if built is None else built.perception


def _finish(made: list[PictureProduced], order: Order, *, folder: Path, asked: SetRequest) -> SetFinished:
    """Measures the set and writes what lies beside the pictures."""
    paths, sidecars = [event.path for event in made], [dict(event.sidecar) for event in made]
    facts: dict[str, Any] = {}
    embedder, scorer = (order.judge, "b") if order.judge is not None else (_perception(order), "a")
    if len(made) > 1 and isinstance(embedder, ImageEmbedder):
        facts["diversity"] = measure_set(sidecars, paths, embedder=embedder, scorer=scorer, seed=order.seed)
    captions = [", ".join(s["cell"].values()) if s["cell"] else s["sentence"] for s in sidecars]
    return SetFinished(
        folder=folder,
        manifest=close_manifest(folder, facts=facts),
        sheet=write_sheet(paths, captions, folder / "sheet.png"),
        archives=tuple(write_archives(paths, folder)) if asked.form == "webdataset" else (),
    )


def _tell_run(finished: SetFinished, made: list[PictureProduced], *, run_folder: Path) -> None:
    """Puts the set onto the run's report."""
    manifest = finished.manifest
    counts = [row["count"] for row in manifest["cells"]]
    controlled = ", ".join(made[0].sidecar["cell"])
    facts = [("pictures", str(len(made)))]
    if controlled:
        facts.append((f"cells of {controlled}", f"{len(counts)}, of {min(counts)} to {max(counts)} pictures"))
    if manifest["selection"] is not None:
        facts.append(("rejected by scorer A", f"{manifest['rejected']} of {manifest['drawn']} drawn"))
    if "diversity" in manifest:
        facts.append(("Vendi score", f"{manifest['diversity']['vendi_score']:.2f}"))
    name = name_of(run_folder, "set", finished.folder)
    is_inside = finished.folder.resolve().is_relative_to(run_folder.resolve())
    write_extra(
        run_folder,
        name,
        Extra(
            kind="set",
            title=f"A balanced set: {controlled}" if controlled else "A set of pictures",
            text=f"Drawn from: “{manifest['sentence']}”.",
            layout="grid",
            pictures=tuple(
                ExtraPicture(
                    file=keep_picture(run_folder, event.path, name=name),
                    caption=", ".join(event.sidecar["cell"].values()),
                )
                for event in (made if is_inside else made[:MAX_SHOWN])  # of others copies are kept
            ),
            facts=tuple(facts),
        ),
    )


def _perception(order: Order) -> Perception | None:
    return None if order.selection is None else order.selection.perception
