"""The paper's Tables 1 and 2 on the drawn world: the sets they need, each made once and kept."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from shutil import rmtree
from typing import Any, final

from rldf.datasets.export import export_clone
from rldf.datasets.reference_sets import SetKind, SetRequest, draw_set, unseen_objects
from rldf.datasets.storage import Storage
from rldf.errors import ConfigError, RecordError
from rldf.grammar import Grammar
from rldf.hub import Announce
from rldf.jobs.clone_plan import ClonePlanRequest, How, open_clone, plan_clone
from rldf.jobs.clone_run import CloneFinished, GatesApplied, RunRequest, run_clone
from rldf.presets.config import SearchConfig
from rldf.presets.loading import config_to_dict, load_preset
from rldf.presets.shelf import SHELF

MAX_SENTENCES = 256  # our choice: of a class of the clone
MAX_ROUNDS = 24  # our choice: top-ups of a clone; a study needs full classes, however much the gates leave out
_STUDY_FILE = "study.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneStudy:
    """How large the study is, and what draws.

    Attributes:
        config: model, perception, grammar and search; None for those of the embedded preset.
        num_classes: classes, the first of the grammar's object axis, spread evenly over it; at least 2.
        num_train: training pictures of each class, real and synthetic alike.
        num_test: real test pictures of each class, and pictures of the clone's validation split.
        how: where the clone's sentences come from.
        num_inputs: real pictures of a class that are searched or read.
        num_spaces: how many sizes of the encoding space a classifier is trained for; 0 leaves that out.
        epochs: of a classifier.
        size_px: side of the pictures it sees.
        num_seeds: trainings of each set.
        num_workers: processes that draw.
        class_rank: of the gate for other classes; 0 switches it off.
        extractor: what sees features, for table 1; see `build_extractor`.
        seed: root seed of every picture.
    """

    config: SearchConfig | None = None
    num_classes: int = 10
    num_train: int = 200
    num_test: int = 50
    how: How = "search"
    num_inputs: int = 3
    num_spaces: int = 4
    epochs: int = 15
    size_px: int = 64
    num_seeds: int = 3
    num_workers: int = 1
    class_rank: int = 1
    extractor: str = "embedded"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, low in (
            ("num_classes", self.num_classes, 2),
            ("num_train", self.num_train, 1),
            ("num_test", self.num_test, 1),
            ("num_seeds", self.num_seeds, 1),
        ):
            if value < low:
                raise ConfigError(f"the study's {name} is {value}; it must be {low} or larger. Change it.")


def quick_study(study: CloneStudy) -> CloneStudy:
    """Makes the same study tiny: it shows the machinery and proves nothing."""
    return replace(
        study, num_classes=3, num_train=8, num_test=4, how="read", num_inputs=2, num_spaces=2, epochs=1, num_seeds=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSize:
    """A part of the encoding space, and a clone from it.

    Attributes:
        axes: ids of the axes that vary; the others stand at their first term.
        num_encodings: encodings of each class.
    """

    axes: tuple[str, ...]
    num_encodings: int

    @property
    def name(self) -> str:
        """Of its folder and its row."""
        return f"space-{self.num_encodings}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StudySets:
    """The sets of a study, by name; a set that is there is never made again.

    Attributes:
        study: how large.
        folder: where all of it lies.
        announce: is given one line for each part.
    """

    study: CloneStudy
    folder: Path
    announce: Announce = field(compare=False)

    @property
    def config(self) -> SearchConfig:
        """What draws and searches."""
        return load_preset("embedded").config if self.study.config is None else self.study.config

    @property
    def grammar(self) -> Grammar:
        """Of the real pictures and the sentences."""
        return SHELF.grammar(self.config)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Terms of the object axis, evenly spread over it."""
        terms = self.grammar.space.axis("object").terms
        wanted = self.study.num_classes
        if wanted > len(terms):
            raise ConfigError(
                f"{wanted} classes were asked for, and the grammar '{self.grammar.name}' has {len(terms)} objects. "
                "Use fewer, or a grammar with more."
            )
        return tuple(terms[place * len(terms) // wanted] for place in range(wanted))

    def begin(self) -> None:
        """Notes what the study is; a folder that holds another one is refused."""
        unseen_objects(self.class_names)
        about = {**asdict(replace(self.study, config=None, num_workers=1)), "config": config_to_dict(self.config)}
        about = json.loads(json.dumps(about))
        place = self.folder / _STUDY_FILE
        if not place.is_file():
            Storage(str(self.folder)).write(_STUDY_FILE, (json.dumps(about, indent=1) + "\n").encode())
            return
        try:
            found = json.loads(place.read_text(encoding="utf-8"))
            different = sorted(name for name in about if found.get(name) != about[name])
        except (OSError, ValueError, AttributeError) as error:
            raise RecordError(
                f"'{place}' cannot be read ({error}); it says in JSON what study lies there. Remove the folder, or "
                "choose another --out."
            ) from error
        if found != about:
            raise RecordError(
                f"'{self.folder}' holds a study with other settings ({', '.join(different)}); a study goes on with the "
                "same. Give the same options, or choose another --out."
            )

    def real(self, kind: SetKind, *, stream: str, per_class: int) -> Path:
        """Draws a set of the world, or what is missing of it."""
        place = self.folder / "real" / (stream if kind == "real" else kind)
        request = SetRequest(
            kind=kind,
            grammar=self.grammar,
            class_names=self.class_names,
            per_class=per_class,
            stream=stream,
            seed=self.study.seed,
        )
        self.announce(f"{kind} pictures, {stream}: {draw_set(place, request)} in {place}")
        return place

    def train(self) -> Path:
        """The real training pictures: those that are cloned."""
        return self.real("real", stream="train", per_class=self.study.num_train)

    def test(self) -> Path:
        """The real test pictures, which nothing was trained on or planned from."""
        return self.real("real", stream="validation", per_class=self.study.num_test)

    def sample(self) -> Path:
        """A part of the real training pictures, in a folder of its own."""
        place = self.folder / "real" / "sample"
        request = SetRequest(
            kind="real",
            grammar=self.grammar,
            class_names=self.class_names,
            per_class=min(self.study.num_test, self.study.num_train),
            stream="train",
            seed=self.study.seed,
        )
        draw_set(place, request)
        return place

    def clone(self) -> Path:
        """The clone: sentences from its pictures, every axis but the object varied evenly."""
        vary = tuple(axis.id for axis in self.grammar.space.axes if axis.id != "object")
        return self._cloned("clone", how=self.study.how, vary=vary, num_validation=self.study.num_test)

    def names_clone(self) -> Path:
        """The baseline: class names alone; the same generator, steps, size and gates."""
        return self._cloned("names", how="names", num_validation=self.study.num_test)

    def spaces(self) -> list[SpaceSize]:
        """Growing parts of the encoding space: the object alone, then one axis more each time."""
        others = [axis for axis in self.grammar.space.axes if axis.id not in {"object", "style"}]
        others.sort(key=lambda axis: (axis.id != "scene", len(axis.terms)))
        found = []
        for number in range(min(self.study.num_spaces, len(others) + 1)):
            axes = others[:number]
            size = 1
            for axis in axes:
                size *= len(axis.terms)
            found.append(SpaceSize(axes=tuple(axis.id for axis in axes), num_encodings=size))
        return found

    def space_clone(self, size: SpaceSize) -> Path:
        """A clone of as many pictures from a part of the space; no search is involved."""
        file = f"{size.name}-recipes.json"
        rows = {name: list(self._encodings(name, size.axes)) for name in self.class_names}
        Storage(str(self.folder)).write(file, (json.dumps(rows, ensure_ascii=False) + "\n").encode())
        return self._cloned(size.name, how="recipes", recipes=self.folder / file, num_validation=0)

    def _encodings(self, class_name: str, axes: Sequence[str]) -> Iterator[dict[str, str]]:
        space = self.grammar.space
        choices = [
            (class_name,) if axis.id == "object" else axis.terms if axis.id in axes else axis.terms[:1]
            for axis in space.axes
        ]
        for terms in product(*choices):
            yield dict(zip((axis.id for axis in space.axes), terms, strict=True))

    def _cloned(
        self, name: str, *, how: How, num_validation: int, vary: tuple[str, ...] = (), recipes: Path | None = None
    ) -> Path:
        """Plans, makes and exports a clone, or what is missing of it; gives the exported folder."""
        place, pictures = self.folder / name, self.folder / f"{name}-pictures"
        if (pictures / "README.md").is_file():  # written last
            return pictures
        request = ClonePlanRequest(
            folder=self.train(),
            out=str(place),
            how=how,
            recipes=recipes,
            num_inputs=self.study.num_inputs,
            vary=vary,
            max_recipes=MAX_SENTENCES,
            counts={"train": self.study.num_train, "validation": num_validation},
        )
        if not (place / "plan" / "round-000.json").is_file():
            for _ in plan_clone(request, config=self.config, announce=self.announce):
                pass
            self.announce(f"{name}: planned")
        self._run(name, place)
        if pictures.is_dir():
            rmtree(pictures)  # of an export that was interrupted
        exported = export_clone(open_clone(str(place)).storage, pictures, form="imagefolder")
        self.announce(f"{name}: {exported.counts} pictures, {exported.num_left_out} left out")
        return pictures

    def _run(self, name: str, place: Path) -> None:
        rank = self.study.class_rank
        asked = RunRequest(num_workers=self.study.num_workers, class_rank=rank, max_rounds=MAX_ROUNDS)
        finished: Any = None
        for event in run_clone(open_clone(str(place)), asked, announce=self.announce):
            if isinstance(event, GatesApplied):
                counts = ", ".join(f"{number} {verdict}" for verdict, number in event.report.counts.items() if number)
                self.announce(f"{name}: gates, round {event.round_number}: {counts}")
            finished = event
        assert isinstance(finished, CloneFinished)
        if not finished.status.is_complete:
            raise RecordError(
                f"the clone '{place}' has {len(finished.status.done)} of {finished.status.num_shards} shards; it must "
                f"be whole. Give `rldf clone repair {place}`, and the same command again."
            )
        if not finished.is_whole:
            rounds = finished.status.num_rounds - 1
            raise RecordError(
                f"the clone '{place}' lacks {finished.num_missing} pictures after {rounds} top-up rounds; its classes "
                f"must be full. Go on with `rldf clone run {place} --class-rank {rank} --max-rounds {2 * rounds + 1}` "
                "and then the same command again."
            )
