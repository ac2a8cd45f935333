"""What rewards read of a target and of an outcome: the terms on some axes, and the objects."""

from collections.abc import Sequence

from rldf.contracts import Target
from rldf.errors import ConfigError
from rldf.records.percept import Percept
from rldf.space import EncodingSpace


def require_percept(target: Target, *, reward: str) -> Percept:
    """Returns the target's percept.

    Args:
        target: what is known of the wish.
        reward: name of the reward that asks, for the message.

    Returns:
        The percept.

    Raises:
        ConfigError: if the target has none.
    """
    if target.percept is None:
        raise ConfigError(
            f"{reward} compares with what perception read in the reference, but the target's percept is None; "
            "a percept is needed. Run perception on the reference image first, or choose the CLIP reward."
        )
    return target.percept


def require_axes(space: EncodingSpace, axis_ids: Sequence[str], *, reward: str) -> tuple[str, ...]:
    """Keeps the axes that the space has.

    Args:
        space: the space of the percepts.
        axis_ids: axes the reward can use.
        reward: name of the reward that asks, for the message.

    Returns:
        Those that exist, in the order given.

    Raises:
        ConfigError: if the space has none of them.
    """
    present = tuple(axis_id for axis_id in axis_ids if axis_id in {axis.id for axis in space.axes})
    if not present:
        raise ConfigError(
            f"{reward} reads the axes {', '.join(axis_ids)}, but the space has none of them; its axes are "
            f"{', '.join(axis.id for axis in space.axes)}. Name one of these, or choose another reward."
        )
    return present


def terms_on(space: EncodingSpace, percept: Percept, axis_ids: Sequence[str]) -> tuple[str, ...]:
    """The terms a percept names on some axes; "not mentioned" on an optional axis names nothing."""
    terms = space.terms(percept.encoding)
    return tuple(
        terms[axis_id]
        for axis_id in axis_ids
        if not (space.axis(axis_id).is_optional and terms[axis_id] == space.axis(axis_id).terms[0])
    )


def objects_in(space: EncodingSpace, percept: Percept, axis_ids: Sequence[str]) -> tuple[str, ...]:
    """The objects of a percept, the most certain first: those perception lists, else the terms on the object axes."""
    return percept.objects if percept.objects else terms_on(space, percept, axis_ids)
