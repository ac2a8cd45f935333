"""The jobs of `rldf clone`: plan a synthetic copy of a folder of class folders, and open a plan to make it."""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from rldf.datasets.class_folder import ClassFolder, read_class_folder
from rldf.datasets.export import folder_names
from rldf.datasets.plan import PictureFormat, Plan, PlanSettings, make_plan
from rldf.datasets.plan_store import load_rounds, save_plan
from rldf.datasets.recipes import ClassRecipes, read_recipes, recipes_of_encodings, recipes_of_name
from rldf.datasets.storage import Storage
from rldf.errors import ConfigError, ImageError, RecordError
from rldf.hub import Announce, say_nothing
from rldf.jobs.clone_sentences import require_read, require_variable, search_class, tell_learning
from rldf.jobs.clone_settings import drawing_settings
from rldf.jobs.search import FileFailed, FolderEvent, encode_images, plan_search
from rldf.perception.reading import read_image
from rldf.perception.safety import SafetyModel
from rldf.presets.config import SearchConfig
from rldf.presets.generators import choose_device
from rldf.presets.loading import config_from_dict, config_to_dict
from rldf.presets.shelf import SHELF
from rldf.seeding import child_rng

CLONE_FILE = "clone.json"
SAFETY = "safety model"
"""Under which name a plan says which safety model looks at its pictures, with the digest."""

How = Literal["search", "read", "names", "recipes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClonePlanRequest:
    """What is to be planned.

    Attributes:
        folder: the real pictures: one sub-folder per class.
        out: folder or fsspec URL of the clone.
        how: where sentences come from: searches of a few inputs per class, what perception reads in these, the class
            names alone, or a file of recipes.
        recipes: that file; None for the other ways.
        num_inputs: pictures of a class that are searched or read, at least 1.
        vary: axis ids that are varied evenly, where sentences are searched or read; never that of the class.
        max_recipes: sentences of a class, at most.
        counts: split to pictures of each class; train, where it is not here, is as many as the folder has.
        shard_size: pictures of a shard.
        batch_size: pictures drawn together.
        picture_format: how pictures are stored.
        quality: of JPEG and WebP.
        search_out: folder of the searches; None for `search` in the clone, where that is a folder.
        safety: folder or hub id of a safety model, which looks at every picture; "" for none.
    """

    folder: Path
    out: str
    how: How = "search"
    recipes: Path | None = None
    num_inputs: int = 3
    vary: tuple[str, ...] = ()
    max_recipes: int = 64
    counts: Mapping[str, int] = field(default_factory=dict)
    shard_size: int = 256
    batch_size: int = 16
    picture_format: PictureFormat = "jpeg"
    quality: int = 95
    search_out: Path | None = None
    safety: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPlanned:
    """One class has its recipes.

    Attributes:
        name: of the class.
        num_recipes: sentences.
        example: the first of them.
        position: from 1.
        count: classes in all.
    """

    name: str
    num_recipes: int
    example: str
    position: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClonePlanned:
    """The plan is frozen.

    Attributes:
        plan: the plan.
        passed_over: files of the input folder that are no pictures by their names, and why.
    """

    plan: Plan
    passed_over: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenClone:
    """A clone that was planned.

    Attributes:
        storage: where it lies.
        rounds: its plan.
        config: the settings its pictures are drawn with.
        folder: the real pictures.
        safety: folder or hub id of the safety model; "" for none.
    """

    storage: Storage
    rounds: tuple[Plan, ...]
    config: SearchConfig
    folder: Path
    safety: str = ""

    def reopened(self) -> "OpenClone":
        """Reads the plan again, with rounds that were added."""
        return replace(self, rounds=tuple(load_rounds(self.storage)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneForeseen:
    """What a clone would take, before anything is planned.

    Attributes:
        num_classes: classes of the folder.
        num_pictures: pictures of the clone.
        num_searches: searches of inputs.
        max_renders: pictures of all searches together, at most.
        max_cost_usd: price of all pictures, at most, in US dollars.
    """

    num_classes: int
    num_pictures: int
    num_searches: int
    max_renders: int
    max_cost_usd: float


ClonePlanEvent = FolderEvent | ClassPlanned | ClonePlanned


def plan_clone(
    request: ClonePlanRequest, *, config: SearchConfig, announce: Announce = say_nothing
) -> Iterator[ClonePlanEvent]:
    """Plans a clone: finds the sentences of every class, fixes every picture, freezes the plan.

    Called again after an interruption, it goes on with the searches that are on disk.

    Args:
        request: what is to be planned.
        config: model, perception, grammar and search.
        announce: is given one line before anything is downloaded.

    Yields:
        What happens; the last event is `ClonePlanned`. A plan that is there already is a `RecordError`.
    """
    storage = Storage(request.out)
    _require_no_plan(storage, request)
    _check(request, config=config)
    folder = read_class_folder(request.folder)
    counts, written = _counts(folder, request), _written_recipes(folder, request, config=config)
    if request.how == "search":
        tell_learning(config, announce=announce)
    safety = _safety_of(request, config=config, announce=announce)  # first: without it there is nothing to plan
    recipes: list[ClassRecipes] = []
    for position, name in enumerate(folder.class_names, start=1):
        made = yield from _recipes_of(name, folder, request=request, config=config, written=written, announce=announce)
        recipes.append(made)
        yield ClassPlanned(
            name=name,
            num_recipes=len(made.recipes),
            example=made.recipes[0].sentence,
            position=position,
            count=len(folder.class_names),
        )
    drawing = drawing_settings(config, batch_size=request.batch_size)
    generator = SHELF.generator(drawing.model, announce=announce)
    grammar = SHELF.grammar(config)
    model = config.model.id + generator.card.id.removeprefix(drawing.model.id)  # as it was given
    settings = PlanSettings(
        seed=config.seed,
        generator=generator.image_generator.identity,
        negative_prompt=config.model.negative_prompt,
        shard_size=request.shard_size,
        batch_size=request.batch_size,
        picture_format=request.picture_format,
        quality=request.quality,
        about={
            "input folder": str(request.folder),
            "sentences": request.how,
            "grammar": f"{grammar.name} {grammar.digest}",
            "model": f"{model} {generator.card.digest}",
            **({SAFETY: f"{safety[0]} {safety[1]}"} if safety is not None else {}),
        },
    )
    plan = make_plan(recipes, settings=settings, counts=counts)
    about = {
        "config": config_to_dict(drawing),
        "folder": str(request.folder.resolve()),
        "safety": "" if safety is None else safety[0],
    }
    storage.write(CLONE_FILE, (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode())
    yield ClonePlanned(plan=save_plan(plan, storage), passed_over=folder.passed_over)


def choose_sentences(how: How | None, *, recipes: Path | None, given: Mapping[str, object]) -> How:
    """Tells where sentences come from, by the options that were given, and refuses those that contradict it.

    Args:
        how: what `--sentences` says; None where it was not given.
        recipes: the file of `--recipes`; None where it was not given.
        given: further options and their values: "--vary", "--inputs", "--budget"; None for those not given.

    Returns:
        The file where there is one, and searches where nothing is said.

    Raises:
        ConfigError: if two sources are named, or an option would change nothing.
    """
    if recipes is not None and how not in {None, "recipes"}:
        raise ConfigError(
            f"--recipes is '{recipes}', and --sentences is {how}; sentences come from one place. Leave one of them out."
        )
    chosen: How = "recipes" if recipes is not None else "search" if how is None else how
    require_read(chosen, given)
    return chosen


def foresee_clone(request: ClonePlanRequest, *, config: SearchConfig) -> CloneForeseen:
    """Counts what planning would search and a run would draw, without loading or drawing anything."""
    _check(request, config=config)
    folder = read_class_folder(request.folder)
    inputs = [min(request.num_inputs, len(folder.files[name])) for name in folder.class_names]
    searches = sum(inputs) if request.how == "search" else 0
    counts = _counts(folder, request).values()
    pictures = sum(sum(number) if isinstance(number, Sequence) else number * len(inputs) for number in counts)
    search = plan_search(config, num_runs=searches)
    return CloneForeseen(
        num_classes=len(inputs),
        num_pictures=pictures,
        num_searches=searches,
        max_renders=search.max_pictures,
        max_cost_usd=search.max_cost_usd + pictures * config.model.picture_cost_usd,
    )


def open_clone(out: str) -> OpenClone:
    """Opens a clone that was planned; loads no model.

    Args:
        out: folder or fsspec URL.

    Returns:
        Its plan and settings.

    Raises:
        RecordError: if there is no plan, or its settings cannot be read.
    """
    storage = Storage(out)
    rounds = tuple(load_rounds(storage))
    try:
        about: dict[str, Any] = json.loads(storage.read(CLONE_FILE))
        config = config_from_dict(about["config"], place=f"the settings of '{out}'")
        place, safety = Path(about["folder"]), str(about.get("safety", ""))
        return OpenClone(storage=storage, rounds=rounds, config=config, folder=place, safety=safety)
    except (ValueError, KeyError, TypeError) as error:
        raise RecordError(
            f"'{CLONE_FILE}' in '{out}' cannot be read ({error}); it holds the settings of the clone. Restore it, or "
            "plan again."
        ) from error


def searches_of(storage: Storage) -> Path:
    """Where the searches of a clone lie: in it, where it is a folder, else in `clone/search` here."""
    return (storage.folder if storage.is_local else Path("clone")) / "search"


def _recipes_of(
    name: str,
    folder: ClassFolder,
    *,
    request: ClonePlanRequest,
    config: SearchConfig,
    written: Mapping[str, ClassRecipes],
    announce: Announce,
) -> Generator[FolderEvent, None, ClassRecipes]:
    """Finds the recipes of one class; returns them, and yields what its searches tell."""
    grammar = SHELF.grammar(config)
    match request.how:
        case "names":
            return recipes_of_name(name)
        case "recipes":
            return written[name]
        case "read":
            paths = yield from _inputs(name, folder, request, config)
            read = encode_images(paths, config=config, announce=announce)
            encodings = [entry.percept.encoding for entry in read]
        case "search":
            paths = yield from _inputs(name, folder, request, config)
            place = searches_of(Storage(request.out)) if request.search_out is None else request.search_out
            own = folder_names(folder.class_names)[folder.class_names.index(name)]
            encodings = yield from search_class(name, paths, out=place / own, config=config, announce=announce)
    return recipes_of_encodings(
        name, encodings, grammar=grammar, vary=request.vary, max_recipes=request.max_recipes, seed=config.seed
    )


def _require_no_plan(storage: Storage, request: ClonePlanRequest) -> None:
    if storage.has("plan/round-000.json"):
        raise RecordError(
            f"'{request.out}' holds a plan already; a plan is frozen. Go on with `rldf clone run {request.out}`, or "
            "choose another --out."
        )


def _check(request: ClonePlanRequest, *, config: SearchConfig) -> None:
    """Refuses what can be told to be wrong before anything is searched."""
    choose_sentences(request.how, recipes=request.recipes, given={"--vary": request.vary})
    require_variable(request.vary, grammar=SHELF.grammar(config))


def _written_recipes(
    folder: ClassFolder, request: ClonePlanRequest, *, config: SearchConfig
) -> Mapping[str, ClassRecipes]:
    """The recipes of every class from the user's file; none where sentences come from elsewhere."""
    if request.how != "recipes":
        return {}
    if request.recipes is None:
        raise ConfigError("no file of recipes was given; it is needed here. Give --recipes FILE.")
    found = {entry.name: entry for entry in read_recipes(request.recipes, grammar=SHELF.grammar(config))}
    for name in folder.class_names:
        if name not in found:
            raise ConfigError(
                f"the recipes '{request.recipes}' say nothing of class '{name}'; they need every class of the "
                "folder. Add it."
            )
    return found


def _inputs(
    name: str, folder: ClassFolder, request: ClonePlanRequest, config: SearchConfig
) -> Generator[FolderEvent, None, list[Path]]:
    """A few pictures of a class, by chance; one that cannot be read is told, and another takes its place."""
    files = folder.files[name]
    found: list[int] = []
    for position in child_rng(config.seed, "clone-inputs", name).permutation(len(files)).tolist():
        if len(found) == request.num_inputs:
            break
        try:
            read_image(files[position])
            found.append(position)
        except ImageError as error:
            yield FileFailed(path=files[position], message=str(error))
    if not found:
        raise ImageError(
            f"none of the {len(files)} pictures of class '{name}' can be read; its sentences come from some. "
            "Give readable pictures, or other sentences."
        )
    return [files[position] for position in sorted(found)]


def _counts(folder: ClassFolder, request: ClonePlanRequest) -> Mapping[str, Sequence[int] | int]:
    """Pictures of each class: as asked for, and as many to train on as the folder has where that is not said."""
    sizes = [len(folder.files[name]) for name in folder.class_names]
    counts: dict[str, Sequence[int] | int] = {"train": sizes, **request.counts}
    if not any(counts.values()):
        raise ConfigError(
            f"the clone would hold no picture: {', '.join(f'{split} is 0' for split in counts)}; it needs one at "
            "least. Give a larger --train, --validation or --test."
        )
    return counts


def _safety_of(request: ClonePlanRequest, *, config: SearchConfig, announce: Announce) -> tuple[str, str] | None:
    """Loads the safety model once, so that one that is missing is told before anything is searched: name, digest."""
    if request.safety == "":
        return None
    name = str(Path(request.safety).resolve()) if Path(request.safety).is_dir() else request.safety
    return name, SafetyModel(name, device=choose_device(config.model.device), announce=announce).digest
