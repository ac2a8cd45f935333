"""OraclePerception: perception that knows the answer, for tests and for bounds on what is possible."""

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import final

import numpy as np

from rldf.arrays import Image, ImageBatch, Probabilities
from rldf.contracts import Perception
from rldf.errors import PerceptionError
from rldf.perception.percepts import make_percept, uniform
from rldf.records.percept import Percept
from rldf.space import Axis, Encoding, EncodingSpace


@final
class OraclePerception(Perception):
    """Asks a function what a picture shows.

    The true term of each axis gets `certainty`, the others share the rest evenly. Where the function returns None
    it abstains on every axis.
    """

    def __init__(
        self, space: EncodingSpace, read: Callable[[Image], Encoding | None], *, certainty: float = 1.0
    ) -> None:
        """Keeps the function.

        Args:
            space: the space of the encodings.
            read: tells the encoding of a picture, or None for "outside the grammar".
            certainty: probability given to the true term, above 0.5 so that it stays the most probable, at most 1.

        Raises:
            PerceptionError: if certainty is out of range.
        """
        if not 0.5 < certainty <= 1.0:
            raise PerceptionError(f"the certainty is {certainty}; it must be above 0.5 and at most 1. Give another.")
        self.space = space
        self._read = read
        self._certainty = certainty

    def perceive(self, images: ImageBatch) -> list[Percept]:
        """Reads each picture: one percept each, probabilities summing to 1 per axis."""
        return [self._percept(self._read(image)) for image in images]

    def _percept(self, encoding: Encoding | None) -> Percept:
        if encoding is None:
            probabilities = {axis.id: uniform(axis) for axis in self.space.axes}
            return make_percept(self.space, probabilities, unsure_axes=[*probabilities])
        self.space.require(encoding)
        probabilities = {
            axis.id: self._around(axis, index) for axis, index in zip(self.space.axes, encoding.indices, strict=True)
        }
        return make_percept(self.space, probabilities, unsure_axes=())

    def _around(self, axis: Axis, index: int) -> Probabilities:
        if len(axis) == 1:
            return np.ones(1)
        row = np.full(len(axis), (1.0 - self._certainty) / (len(axis) - 1))
        row[index] = self._certainty
        return row


def remember_pictures(pictures: Iterable[tuple[Image, Encoding]]) -> Callable[[Image], Encoding | None]:
    """Makes a function for `OraclePerception` that knows some pictures by their pixels.

    Args:
        pictures: pictures, each with what it shows.

    Returns:
        A function from a picture to its encoding; None for a picture it does not know.
    """
    known = {_pixel_digest(image): encoding for image, encoding in pictures}
    return lambda image: known.get(_pixel_digest(image))


def _pixel_digest(image: Image) -> str:
    return sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()
