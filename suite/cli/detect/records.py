"""What `detect` sees: boxes, and the pictures that they are in."""

from dataclasses import dataclass
from pathlib import Path

from suite.spec.records.objective import Suppression


@dataclass(frozen=True, slots=True)
class Box:
    """Left, top, width, height in the picture's pixels, with score and class index."""

    xywh: tuple[float, float, float, float]
    score: float
    label: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture, where its drawn copy is, its size and the boxes, best first."""

    image: Path
    drawn: Path
    size: tuple[int, int]
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a detection must exceed, how doubles are suppressed, and how many a picture keeps."""

    confidence: float
    suppression: Suppression
    max_detections: int
