"""Beside the detections: those in the pictures that the report shows."""

from dataclasses import dataclass
from typing import NamedTuple

from suite.evidence import Evidence


class DetectedBox(NamedTuple):
    """A box in pixels of the gallery's picture, its score, and the index of its class."""

    left: float
    top: float
    width: float
    height: float
    score: float
    category: int


@dataclass(frozen=True, slots=True)
class DetectedPicture(Evidence):
    """The sure detections in one picture, best first; `id` is the data set's."""

    id: int | str
    boxes: tuple[DetectedBox, ...]


@dataclass(frozen=True, slots=True)
class Gallery(Evidence):
    """Beside `detections`: every picture of the gallery."""

    pictures: tuple[DetectedPicture, ...] | None = None
