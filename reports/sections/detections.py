"""The same validation pictures with the boxes of every variant; each picture is in the page once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.model import Report, Row
from reports.section import Section
from suite.metrics.evidence.gallery import DetectedBox, Gallery
from suite.record import Json

_ID, _TITLE = "detections", "What they see"
_SURE = 0.25  # boxes with a lower score are not drawn
_MOST = 40
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the picture's pixels."""

    x: float
    y: float
    width: float
    height: float
    label: int
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A validation picture: the data URL's payload, the true boxes, and those of every variant."""

    id: str
    width: int
    height: int
    jpeg: str
    truth: tuple[Box, ...]
    detected: tuple[tuple[Box, ...], ...]  # one per variant shown


def build(report: Report) -> Section:
    """The gallery, one radio button for each variant."""
    rows = [row for row in report.rows if row.find("detections")]
    gallery = _objects(report.facts.get("gallery"))
    if not rows or not gallery:
        missing = "This run kept no detections on the pictures of the gallery."
        return Section(_ID, _TITLE, "Detections", missing=missing)
    categories = _categories(report.facts.get("categories"))
    detected = [_boxes_by_picture(row, categories) for row in rows]
    pictures = [_picture(entry, detected, categories) for entry in gallery]
    shown = ",".join(f".gallery:has(#d-{i}:checked) .v{i}" for i in range(len(rows)))
    return Section(
        _ID,
        _TITLE,
        "Detections",
        f"The same pictures for every variant; boxes with a score of {_SURE} or more from the first seed. "
        "White dashed boxes are the truth.",
        {
            "choices": [(row, _count(boxes)) for row, boxes in zip(rows, detected, strict=True)],
            "pictures": [picture for picture in pictures if picture is not None],
        },
        css=f"{shown}{{display:inline}}",
    )


def _objects(noted: Json) -> list[dict[str, Json]]:
    """The objects of a JSON list; none of anything else."""
    return [each for each in noted if isinstance(each, dict)] if isinstance(noted, list) else []


def _categories(noted: Json) -> list[str]:
    return [str(name) for name in noted] if isinstance(noted, list) else []


def _count(boxes: Mapping[str, Sequence[Box]]) -> int:
    return sum(len(each) for each in boxes.values())


def _picture(
    entry: Mapping[str, Json],
    detected: Sequence[Mapping[str, tuple[Box, ...]]],
    categories: Sequence[str],
) -> Picture | None:
    """A picture of the gallery; None where it is none that a page may hold."""
    identity = str(entry.get("id"))
    jpeg, width, height = entry.get("jpeg"), entry.get("width"), entry.get("height")
    if not isinstance(jpeg, str) or not _BASE64.fullmatch(jpeg):
        return None
    if not isinstance(width, int) or not isinstance(height, int):
        return None
    truth = entry.get("truth")
    marked = [box for box in truth if isinstance(box, list)] if isinstance(truth, list) else []
    boxes = tuple(_box([*box[:4], 1.0, box[4]], categories) for box in marked)
    every = tuple(each.get(identity, ()) for each in detected)
    return Picture(identity, width, height, jpeg, boxes, every)


def _boxes_by_picture(row: Row, categories: Sequence[str]) -> dict[str, tuple[Box, ...]]:
    pictures = row.evidence(Gallery, "detections").pictures or ()
    return {str(picture.id): _sure(picture.boxes, categories) for picture in pictures}


def _sure(boxes: Sequence[DetectedBox], categories: Sequence[str]) -> tuple[Box, ...]:
    """The boxes with a high score, the highest first."""
    sure = sorted((box for box in boxes if box.score >= _SURE), key=lambda box: -box.score)
    return tuple(_box(box, categories) for box in sure[:_MOST])


def _box(values: Sequence[Json], categories: Sequence[str]) -> Box:
    """From x, y, width and height in pixels, score and label."""
    x, y, width, height, score, label = (_number(value) for value in values)
    index = int(label)
    name = categories[index] if index < len(categories) else str(index)
    text = f"{name} {score:.2f}".replace("0.", ".")
    return Box(round(x, 1), round(y, 1), round(width, 1), round(height, 1), index, text)


def _number(value: Json) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
