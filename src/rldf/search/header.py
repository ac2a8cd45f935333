"""Makes the content of `run.json`, and checks on resuming that it still holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from rldf.errors import RecordError
from rldf.records import Percept, axes_to_json, encoding_to_json, percept_to_json, versions
from rldf.records.json_forms import Json
from rldf.search.parts import PartCard, SearchJob, SearchParts
from rldf.search.seeds import RunSeeds
from rldf.space import Encoding

SAME_ON_RESUME = (("model", "identity"), ("perception", "digest"), ("judge", "digest"), ("grammar", "digest"))


def make_header(
    *,
    run_id: str,
    request: Mapping[str, Any],
    parts: SearchParts,
    job: SearchJob,
    target: Percept,
    start: Encoding,
    notes: Sequence[str],
) -> Json:
    """Makes the content of `run.json`, as `docs/run-folder.md` lists it.

    Args:
        run_id: name of the run folder.
        request: what was asked for: "created", "command", "config".
        parts: what the search is made of.
        job: what it does.
        target: what scorer A read in the input.
        start: where the search begins.
        notes: one line each.

    Returns:
        An object that JSON can hold.
    """
    space, seeds = parts.space, RunSeeds(root=job.seed)
    counts = {
        "search": 4,
        "validation": job.budget.validation_renders,
        "test": job.num_test_seeds,
        "new": job.num_new,
    }
    return {
        "kind": "search",
        "id": run_id,
        "created": request["created"],
        "command": request["command"],
        "versions": versions(),
        "device": parts.device,
        "dtype": parts.dtype,
        "seed": job.seed,
        "seeds": {
            "search": seeds.first("search", counts["search"]),
            "validation": seeds.first("validation", counts["validation"]),
            "test": seeds.first("test", counts["test"]),
            "new": seeds.first("new", counts["new"]),
        },
        "config": request["config"],
        "model": {**_card(parts.generator_card), "identity": parts.generator_card.identity},
        "perception": _card(parts.perception_card),
        "judge": {**_card(parts.judge_card), "is_independent": parts.is_judge_independent},
        "grammar": {"name": parts.grammar.name, "digest": parts.grammar.digest, "axes": axes_to_json(space)},
        "inputs": [
            {"path": picture.path, "file": f"images/input-{position}.png", "sha256": picture.sha256}
            for position, picture in enumerate(job.inputs)
        ],
        "locked": dict(space.locked),
        "target": percept_to_json(space, target),
        "start": {
            **encoding_to_json(space, start),
            "source": job.start,
            "sentence": parts.grammar.render(start),
        },
        "notes": list(notes),
    }


def require_same(stored: Mapping[str, Any], fresh: Mapping[str, Any], *, folder: str) -> None:
    """Refuses to go on with a run whose models, grammar or target are no longer the same.

    Args:
        stored: content of `run.json`.
        fresh: the same, made now.
        folder: the run folder, for the message.

    Raises:
        RecordError: if one differs.
    """
    for part, field in SAME_ON_RESUME:
        if stored[part][field] != fresh[part][field]:
            raise RecordError(
                f"the run '{folder}' cannot be resumed: its {part} has changed, from {stored[part][field]!r} to "
                f"{fresh[part][field]!r}. Use the rldf and the models that it was begun with, or start a new run."
            )
    for field in ("target", "start"):
        if stored[field]["terms"] != fresh[field]["terms"]:
            raise RecordError(
                f"the run '{folder}' cannot be resumed: its {field} was {stored[field]['terms']} and is now "
                f"{fresh[field]['terms']}. It was begun with another device or version; start a new run."
            )


def _card(card: PartCard) -> Json:
    return {"id": card.id, "digest": card.digest, "kind": card.kind}
