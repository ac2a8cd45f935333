"""Makes run folders as docs/run-folder.md describes them, with small coloured pictures."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

AXES: Mapping[str, tuple[str, ...]] = {
    "object": ("carrot", "banana", "apple", "football", "sheep", "cow", "monkey", "bicycle", "car", "bus"),
    "count": ("one", "two", "three", "many"),
    "density": ("no", "one", "many"),
    "scene": ("farm", "park", "beach", "street"),
}
TARGET = {"object": "cow", "count": "two", "density": "many", "scene": "park"}
START = {"object": "sheep", "count": "two", "density": "one", "scene": "farm"}
FOUND = {"object": "cow", "count": "three", "density": "many", "scene": "park"}
FIRST_RESULT_SEED = 1_000_000  # pictures of the result are drawn from here on
Terms = Mapping[str, str]
Draw = Callable[[Terms, int], Image.Image]


def coloured_picture(terms: Terms, seed: int) -> Image.Image:
    """Draws a 128 px picture: sky and ground by the scene, one ellipse for each of the count."""
    rng = np.random.default_rng(seed)
    position = {axis: AXES[axis].index(term) for axis, term in terms.items()}
    ground = ((196, 170, 90), (96, 160, 80), (230, 205, 150), (110, 110, 116))[position["scene"]]
    noise = rng.integers(-8, 9, size=(128, 128, 3))
    sheet = np.empty((128, 128, 3), dtype=np.int64)
    sheet[:64], sheet[64:] = (150, 200, 240), ground
    image = Image.fromarray(np.clip(sheet + noise, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(position["count"] + 1):
        x, y = (int(value) for value in rng.integers(14, 100, size=2))
        pen.ellipse((x, y, x + 24, y + 24), fill=(25 * position["object"], 90, 240 - 20 * position["object"]))
    return image


@dataclass(kw_only=True)
class RunMaker:
    """What a test may choose of a run folder."""

    folder: Path
    num_steps: int = 12
    num_new: int = 3
    num_test: int = 2
    is_finished: bool = True
    is_alarm: bool = False
    found: Terms = field(default_factory=lambda: dict(FOUND))
    input_name: str = "holiday/cow.png"
    notes: Sequence[str] = ("The picture may lie outside the grammar on the axis 'density'.",)
    draw: Draw = coloured_picture
    size_px: int = 128  # of the pictures of the result

    def make(self) -> Path:
        """Writes the folder.

        Returns:
            Its path.
        """
        (self.folder / "images").mkdir(parents=True)
        self._picture("images/input-0.png", TARGET, 7)
        self._write("run.json", self.run())
        steps = self.steps()
        lines = "".join(json.dumps(step) + "\n" for step in steps)
        (self.folder / "steps.jsonl").write_text(lines, encoding="utf-8")
        if self.is_finished:
            self._write("summary.json", self.summary(steps))
        return self.folder

    def run(self) -> dict[str, object]:
        """What run.json holds."""
        command = f"rldf search '{self.input_name}' --budget {self.num_steps} --seed 3"
        return {
            "schema_version": 1,
            "kind": "search",
            "id": self.folder.name,
            "created": "2026-03-01T12:00:00Z",
            "command": command,
            "versions": {"rldf": "0.1.0", "python": "3.11.9", "torch": "2.13.0", "numpy": "2.4.6"},
            "device": "cpu",
            "dtype": "float32",
            "seed": 3,
            "seeds": {"search": [11, 12], "validation": [21, 22, 23, 24], "test": list(range(31, 31 + self.num_test))},
            "config": {"search": {"searcher": "q-learning", "discount": 0.9, "lock": []}, "guidance_scale": 3.0},
            "model": {"id": "embedded", "digest": "d1" * 32, "identity": "embedded DPMSolverMultistep 12 steps"},
            "perception": {"id": "scorer-a", "digest": "a1" * 32, "kind": "heads"},
            "judge": {"id": "scorer-b", "digest": "b1" * 32, "kind": "heads", "is_independent": True},
            "grammar": {
                "name": "base",
                "digest": "c1" * 32,
                "axes": [{"id": axis, "kind": "categorical", "terms": terms} for axis, terms in AXES.items()],
            },
            "inputs": [{"path": self.input_name, "file": "images/input-0.png", "sha256": sha256(b"x").hexdigest()}],
            "locked": {"scene": "park"},
            "target": {**encoding(TARGET), "probabilities": probabilities(TARGET), "unsure_axes": ["density"]},
            "start": {**encoding(START), "source": "percept"},
            "notes": list(self.notes),
        }

    def steps(self) -> list[dict[str, object]]:
        """What steps.jsonl holds: a walk that comes closer, then validation of three candidates."""
        rng = np.random.default_rng(0)
        tried = [self._try(step, rng) for step in range(self.num_steps)]
        if not self.is_finished:
            return tried
        compared = [dict(self.found), dict(TARGET), dict(START)]
        for position, terms in enumerate([terms for terms in compared for _ in range(2)]):
            tried.append(self._step(self.num_steps + position, terms, phase="validation", reward=0.8 - 0.05 * position))
        return tried

    def summary(self, steps: Sequence[Mapping[str, object]]) -> dict[str, object]:
        """What summary.json holds."""
        score, start_score = (0.42, 0.61) if self.is_alarm else (0.93, 0.51)
        images = {
            "found": self._pictures("test-found", self.found, self.num_test),
            "start": self._pictures("test-start", START, self.num_test),
            "new": self._pictures("new", self.found, self.num_new),
        }
        return {
            "run": self.folder.name,
            "sentence": sentence(self.found),
            "encoding": dict(self.found),
            "target": TARGET,
            "reached": self.found == TARGET,
            "alarm": self.is_alarm,
            "model": {"id": "embedded", "digest": "d1" * 32},
            "score": score,
            "score_ci95": [score - 0.03, score + 0.03],
            "start_score": start_score,
            "start_score_ci95": [start_score - 0.05, start_score + 0.05],
            "start_encoding": START,
            "start_sentence": sentence(START),
            "budget": {
                "renders": self.num_steps,
                "max_renders": self.num_steps,
                "cache_hits": 2,
                "test_renders": 2 * self.num_test,
                "encoder_calls": len(steps) + 2 * self.num_test,
                "denoiser_evaluations": 1234,
                "seconds": 83.4,
                "peak_rss_mib": 1536.0,
            },
            "stopped": "budget",
            "judge": {"is_independent": True, "input_reading": TARGET},
            "axes": {
                axis: {
                    "term": term,
                    "found": 0.9,
                    "start": 0.5 if START[axis] != term else 0.88,
                    "alternatives": [
                        {"term": term, "mean_reward": 0.7, "tries": 4},
                        {"term": AXES[axis][0], "mean_reward": 0.4321, "tries": 3},
                    ],
                }
                for axis, term in self.found.items()
            },
            "candidates": [
                {
                    "encoding": dict(terms),
                    "sentence": sentence(terms),
                    "search_reward": 0.7,
                    "validation_reward": 0.8 - 0.1 * position,
                    "validation_renders": 2,
                }
                for position, terms in enumerate([dict(self.found), TARGET, START])
            ],
            "images": images,
            "notes": [*self.notes, "The search stopped at its budget."],
        }

    def _try(self, step: int, rng: np.random.Generator) -> dict[str, object]:
        progress = step / max(self.num_steps - 1, 1)
        terms = {axis: TARGET[axis] if rng.random() < progress else str(rng.choice(AXES[axis])) for axis in AXES}
        if step == self.num_steps - 2:
            terms = dict(self.found)
        agreement = sum(terms[axis] == TARGET[axis] for axis in AXES) / len(AXES)
        return self._step(step, terms, phase="search", reward=agreement * 0.8 + 0.1 * float(rng.random()))

    def _step(self, step: int, terms: Terms, *, phase: str, reward: float) -> dict[str, object]:
        file = f"images/{step:06d}.png"
        self._picture(file, terms, step)
        seen = {**terms, "count": "one"} if step == 1 else dict(terms)
        return {
            "step": step,
            "phase": phase,
            "encoding": encoding(terms),
            "sentence": sentence(terms),
            "seed": 11,
            "seed_index": 0,
            "image": file,
            "percept": {
                **encoding(seen),
                "probabilities": probabilities(seen),
                "unsure_axes": [],
                "objects": [seen["object"]],
            },
            "reward": reward,
            "is_terminal": False,
            "is_new_render": step % 5 != 4,
            "distance": sum(abs(AXES[a].index(terms[a]) - AXES[a].index(TARGET[a])) for a in AXES),
        }

    def _pictures(self, name: str, terms: Terms, count: int) -> list[str]:
        files = [f"images/{name}-{position:02d}.png" for position in range(count)]
        for position, file in enumerate(files):
            self._picture(file, terms, FIRST_RESULT_SEED + position)
        return files

    def _picture(self, file: str, terms: Terms, seed: int) -> None:
        image = self.draw(terms, seed)
        if seed >= FIRST_RESULT_SEED and image.width != self.size_px:
            image = image.resize((self.size_px, self.size_px))
        image.save(self.folder / file, compress_level=1)

    def _write(self, name: str, values: Mapping[str, object]) -> None:
        (self.folder / name).write_text(json.dumps(values), encoding="utf-8")


def encoding(terms: Terms) -> dict[str, object]:
    """An encoding as it stands on disk."""
    return {"terms": dict(terms), "indices": [AXES[axis].index(terms[axis]) for axis in AXES]}


def probabilities(terms: Terms) -> dict[str, list[float]]:
    """Certain readings: 0.9 for the term named, the rest shared."""
    return {
        axis: [0.9 if term == terms[axis] else 0.1 / (len(all_terms) - 1) for term in all_terms]
        for axis, all_terms in AXES.items()
    }


def sentence(terms: Terms) -> str:
    """The sentence of an encoding, roughly as the grammar spells it."""
    return f"a photo of {terms['count']} {terms['object']} and {terms['density']} people in a {terms['scene']}"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that tests only read."""
    return RunMaker(folder=tmp_path_factory.mktemp("runs") / "demo").make()


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Makes a run folder; see `RunMaker` for what can be chosen."""

    def make(name: str = "demo", **choices: object) -> Path:
        maker = RunMaker(folder=tmp_path / "runs" / name)
        for choice, value in choices.items():
            assert hasattr(maker, choice), f"a RunMaker has no '{choice}'"
            setattr(maker, choice, value)
        return maker.make()

    return make
