"""The same validation pictures with the boxes of every variant; each picture is in the page once."""

import re
from dataclasses import dataclass

from reports.model import Report, Row
from reports.section import Section
from suite.record import Json

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
    found: tuple[tuple[Box, ...], ...]  # one per variant shown


def build(report: Report) -> Section:
    """The gallery, one radio button for each variant."""
    title = "What they see"
    rows = [row for row in report.rows if row.find("detections")]
    gallery = report.facts.get("gallery")
    entries = (
        [entry for entry in gallery if isinstance(entry, dict)] if isinstance(gallery, list) else []
    )
    if not rows or not entries:
        return Section(
            "detections",
            title,
            "Detections",
            missing="This run kept no detections on the pictures of the gallery.",
        )
    names = report.facts.get("categories")
    categories = [str(name) for name in names] if isinstance(names, list) else []
    found = [_boxes_by_picture(row, categories) for row in rows]
    pictures = [_picture(entry, found, categories) for entry in entries]
    return Section(
        "detections",
        title,
        "Detections",
        f"The same pictures for every variant; boxes with a score of {_SURE} or more from the first seed. "
        "White dashed boxes are the truth.",
        {
            "rows": rows,
            "pictures": [picture for picture in pictures if picture is not None],
            "categories": categories[:12],
            "counts": [sum(len(boxes) for boxes in each.values()) for each in found],
        },
        css=",".join(f".gallery:has(#d-{i}:checked) .v{i}" for i in range(len(rows)))
        + "{display:inline}",
    )


def _picture(
    entry: dict[str, Json], found: list[dict[str, tuple[Box, ...]]], categories: list[str]
) -> Picture | None:
    identity = str(entry.get("id"))
    jpeg, width, height = entry.get("jpeg"), entry.get("width"), entry.get("height")
    if not (
        isinstance(jpeg, str)
        and _BASE64.fullmatch(jpeg)
        and isinstance(width, int)
        and isinstance(height, int)
    ):
        return None
    truth = entry.get("truth")
    boxes = (
        [_box([*box[:4], 1.0, box[4]], categories) for box in truth if isinstance(box, list)]
        if isinstance(truth, list)
        else []
    )
    return Picture(
        identity, width, height, jpeg, tuple(boxes), tuple(each.get(identity, ()) for each in found)
    )


def _boxes_by_picture(row: Row, categories: list[str]) -> dict[str, tuple[Box, ...]]:
    noted = row.notes("detections").get("pictures")
    pictures = (
        [picture for picture in noted if isinstance(picture, dict)]
        if isinstance(noted, list)
        else []
    )
    return {str(picture.get("id")): _sure(picture.get("boxes"), categories) for picture in pictures}


def _sure(boxes: Json, categories: list[str]) -> tuple[Box, ...]:
    rows = (
        [[_number(v) for v in box] for box in boxes if isinstance(box, list)]
        if isinstance(boxes, list)
        else []
    )
    sure = sorted((box for box in rows if box[4] >= _SURE), key=lambda box: -box[4])[:_MOST]
    return tuple(_box(list(box), categories) for box in sure)


def _box(values: list[Json] | list[float], categories: list[str]) -> Box:
    x, y, width, height, score, label = (_number(value) for value in values)
    index = int(label)
    name = categories[index] if index < len(categories) else str(index)
    return Box(
        round(x, 1),
        round(y, 1),
        round(width, 1),
        round(height, 1),
        index,
        f"{name} {score:.2f}".replace("0.", "."),
    )


def _number(value: Json) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
