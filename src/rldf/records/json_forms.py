"""Records as JSON and back; the form is that of `docs/run-folder.md`.

Floats keep every bit. Encodings name their terms beside their indices, and terms decide when they are read, so a
later reordering of a vocabulary cannot change their meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from rldf.arrays import Image
from rldf.errors import EncodingError, RecordError, UnknownTermError
from rldf.records.percept import Outcome, Percept, Prompt, StepRecord
from rldf.space import Axis, AxisKind, Encoding, EncodingSpace

Json = dict[str, Any]
Phase = Literal["search", "validation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStep:
    """One line of `steps.jsonl`: one try, its picture named by file.

    Attributes:
        step: position in the run, from 0.
        phase: "search" or "validation".
        encoding: the point tried.
        prompt: its sentence.
        seed: seed of the picture.
        seed_index: which of the phase's seeds that is.
        image: file of the picture, relative to the run folder.
        percept: what scorer A read in it.
        reward: larger is better.
        is_terminal: True where the try ended an episode, other than at the target.
        is_new_render: False where this picture was asked for before in this run.
        distance: moves from the encoding to the target's.
        elapsed_s: seconds since the run began, waiting between two sessions left out.
    """

    step: int
    phase: Phase
    encoding: Encoding
    prompt: Prompt
    seed: int
    seed_index: int
    image: str
    percept: Percept
    reward: float
    is_terminal: bool
    is_new_render: bool
    distance: int
    elapsed_s: float

    def record(self, image: Image) -> StepRecord:
        """Makes the record a searcher sees, given the picture.

        Args:
            image: the picture this step names.

        Returns:
            The record: all that is in it is in this step or in the picture.
        """
        outcome = Outcome(encoding=self.encoding, prompt=self.prompt, seed=self.seed, image=image, percept=self.percept)
        return StepRecord(outcome=outcome, reward=self.reward, is_terminal=self.is_terminal)


def axes_to_json(space: EncodingSpace) -> list[Json]:
    """Writes the axes of a space, in order."""
    return [
        {"id": axis.id, "kind": axis.kind, "is_optional": axis.is_optional, "terms": list(axis.terms)}
        for axis in space.axes
    ]


def space_from_json(axes: list[Json]) -> EncodingSpace:
    """Reads the axes of a space; without locks and exclusions."""
    kinds: dict[str, AxisKind] = {"categorical": "categorical", "ordinal": "ordinal"}
    return EncodingSpace(
        axes=tuple(
            Axis(
                id=axis["id"],
                terms=tuple(axis["terms"]),
                kind=kinds[axis["kind"]],
                is_optional=bool(axis.get("is_optional", False)),
            )
            for axis in axes
        )
    )


def encoding_to_json(space: EncodingSpace, encoding: Encoding) -> Json:
    """Writes an encoding: its terms and, beside them, its indices."""
    return {"terms": space.terms(encoding), "indices": list(encoding.indices)}


def encoding_from_json(space: EncodingSpace, data: Mapping[str, Any]) -> Encoding:
    """Reads an encoding by its terms.

    Args:
        space: the grid it belongs to.
        data: an object with "terms".

    Returns:
        The encoding.

    Raises:
        RecordError: if it names an axis or a term the space lacks.
    """
    try:
        return space.encode(data["terms"])
    except (EncodingError, UnknownTermError) as error:
        raise RecordError(f"the stored encoding {data['terms']} does not fit the grammar: {error}") from error


def percept_to_json(space: EncodingSpace, percept: Percept) -> Json:
    """Writes a percept: its terms, and one probability per term for each axis."""
    rows = zip(space.axes, percept.probabilities, strict=True)
    return {
        **encoding_to_json(space, percept.encoding),
        "probabilities": {axis.id: [float(value) for value in row] for axis, row in rows},
        "unsure_axes": list(percept.unsure_axes),
        "objects": list(percept.objects),
    }


def percept_from_json(space: EncodingSpace, data: Mapping[str, Any]) -> Percept:
    """Reads a percept; probabilities are float64."""
    return Percept(
        encoding=encoding_from_json(space, data),
        probabilities=tuple(np.array(data["probabilities"][axis.id], dtype=np.float64) for axis in space.axes),
        unsure_axes=tuple(data["unsure_axes"]),
        objects=tuple(data.get("objects", ())),
    )


def step_to_json(space: EncodingSpace, step: StoredStep) -> Json:
    """Writes one line of `steps.jsonl`."""
    return {
        "step": step.step,
        "phase": step.phase,
        "encoding": encoding_to_json(space, step.encoding),
        "sentence": step.prompt.text,
        "negative": step.prompt.negative,
        "seed": step.seed,
        "seed_index": step.seed_index,
        "image": step.image,
        "percept": percept_to_json(space, step.percept),
        "reward": step.reward,
        "is_terminal": step.is_terminal,
        "is_new_render": step.is_new_render,
        "distance": step.distance,
        "elapsed_s": step.elapsed_s,
    }


def step_from_json(space: EncodingSpace, data: Mapping[str, Any]) -> StoredStep:
    """Reads one line of `steps.jsonl`.

    Args:
        space: the grid of the run.
        data: the object on that line.

    Returns:
        The step.

    Raises:
        RecordError: if a field is missing or does not fit.
    """
    try:
        return StoredStep(
            step=data["step"],
            phase=data["phase"],
            encoding=encoding_from_json(space, data["encoding"]),
            prompt=Prompt(text=data["sentence"], negative=data.get("negative", "")),
            seed=data["seed"],
            seed_index=data["seed_index"],
            image=data["image"],
            percept=percept_from_json(space, data["percept"]),
            reward=float(data["reward"]),
            is_terminal=data["is_terminal"],
            is_new_render=data["is_new_render"],
            distance=data["distance"],
            elapsed_s=float(data.get("elapsed_s", 0.0)),
        )
    except KeyError as error:
        raise RecordError(
            f"step {data.get('step', '?')} of the run has no field {error}; the fields are listed in "
            "docs/run-folder.md. The file was changed by hand: start a new run."
        ) from error
