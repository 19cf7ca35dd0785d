"""From the rows of any form of annotation to a `Split`: what all the readers share.

A fault of one picture or one box is counted, left out or mended, and reported: real sets have a few of them.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suite.datasets.files import Examined, decoded_sides, examine
from suite.datasets.split import Category, Issue, MissingDataError, Picture, Split
from suite.record import canonical_json

_HASHED_WHOLE = 256 * 2**20  # bytes of pictures; larger sets are told apart by names and sizes
_SLACK = 1.0  # pixels that a box may reach over the edge and stay as it is: COCO's own are rounded
_EXAMPLES = 3
_UNKNOWN = (0, 0)


@dataclass(slots=True)
class Notes:
    """What was left out or mended so far."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, place: str) -> None:
        """One more of a kind."""
        self.found.setdefault(kind, []).append(place)

    def issues(self) -> tuple[Issue, ...]:
        """All kinds in the order of their names."""
        return tuple(
            Issue(kind, len(at), tuple(at[:_EXAMPLES])) for kind, at in sorted(self.found.items())
        )

    def __str__(self) -> str:
        return ", ".join(
            f"{issue.kind} ({issue.count}: {issue.examples[0]})" for issue in self.issues()
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture as an annotation has it: `file` is None where none was found, `sides` where none are stated."""

    id: int
    name: str
    file: Path | None
    sides: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture whose file was looked at; `identity` is empty where it cannot be used.

    `upright` as in `Picture`: sides that nobody states are those of the picture as EXIF turns it.
    """

    id: int
    name: str
    width: int
    height: int
    file: Path
    identity: str
    upright: bool

    @property
    def usable(self) -> bool:
        """Whether training and evaluation get it."""
        return bool(self.identity)


@dataclass(frozen=True, slots=True)
class Box:
    """One object; `outline` is its polygon as x, y, x, y, ... in pixels, if it is known."""

    xywh: tuple[float, float, float, float]
    label: int
    crowd: bool
    area: float
    outline: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a part comes from: its folder, the file that says what is in it, the part's name, the form."""

    folder: Path
    file: Path
    split: str
    form: str


def look_at(listed: Sequence[Listed], notes: Notes) -> dict[int, Entry]:
    """Entries by id, in order of the ids; files that cannot be used are noted."""
    whole = sum(row.file.stat().st_size for row in listed if row.file is not None) <= _HASHED_WHOLE
    return {
        row.id: _entry(row, notes, whole=whole) for row in sorted(listed, key=lambda row: row.id)
    }


def _entry(row: Listed, notes: Notes, *, whole: bool) -> Entry:
    examined = (
        examine(row.file, row.sides, whole=whole) if row.file else Examined("missing", "", "")
    )
    fault, sides = examined.fault, examined.sides
    if not fault and row.file and row.sides is None and sides == _UNKNOWN:
        sides = decoded_sides(row.file) or _UNKNOWN
        fault = "not a picture" if sides == _UNKNOWN else ""
    if fault:
        notes.add(f"picture left out: {fault}", f"{row.name} {examined.detail}".strip())
    width, height = row.sides or sides
    return Entry(
        row.id,
        row.name,
        width,
        height,
        row.file or Path(row.name),
        "" if fault else examined.identity,
        upright=row.sides is None and examined.turned,
    )


def make_box(
    xywh: Sequence[float],
    entry: Entry,
    notes: Notes,
    place: str,
    *,
    label: int,
    crowd: bool = False,
    area: object = ...,
    outline: Sequence[float] = (),
) -> Box | None:
    """The box cut at the edges of its picture; None, and a note, where nothing of it can be used.

    `area` is whatever the file has; that of the box stands in for what is no area.
    """
    if not all(_finite(v) for v in xywh):
        notes.add("annotation left out: box is not finite", place)
        return None
    x, y, width, height = (float(v) for v in xywh)
    if width <= 0 or height <= 0:
        notes.add("annotation left out: box has no size", f"{place} in {entry.name}")
        return None
    right, bottom = min(x + width, entry.width), min(y + height, entry.height)
    left, top = max(x, 0.0), max(y, 0.0)
    if right <= left or bottom <= top:
        notes.add("annotation left out: box outside its picture", f"{place} in {entry.name}")
        return None
    if (
        min(x, y) < -_SLACK
        or x + width > entry.width + _SLACK
        or y + height > entry.height + _SLACK
    ):
        notes.add("box cut at the edge of its picture", f"{place} in {entry.name}")
        x, y, width, height = left, top, right - left, bottom - top
    if area is ...:
        area = width * height
    elif not isinstance(area, int | float) or not _finite(area) or area <= 0:
        notes.add("area replaced by width x height", f"{place}: {area!r}")
        area = width * height
    return Box((x, y, width, height), label, crowd, float(area), outline)


def _finite(value: float) -> bool:
    """Whether a number of a file is one: JSON has whole numbers that no float can hold."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def assemble(
    source: Source,
    categories: tuple[Category, ...],
    entries: Mapping[int, Entry],
    boxes: Mapping[int, Sequence[Box]],
    notes: Notes,
) -> Split:
    """The part of a data set.

    Raises:
        MissingDataError: nothing usable is left.
    """
    pictures = tuple(
        _picture(entry, boxes.get(entry.id, ())) for entry in entries.values() if entry.usable
    )
    if not pictures:
        raise MissingDataError(
            f"{source.file}: none of its {len(entries)} pictures can be used; {notes}"
        )
    if source.split == "train" and not any((~picture.crowd).any() for picture in pictures):
        raise MissingDataError(
            f"{source.file}: no object is left to train on; {notes or 'it has no annotations'}"
        )
    name = source.folder.resolve().name
    fingerprint = _fingerprint(categories, pictures, entries)
    return Split(
        name,
        source.folder,
        source.split,
        categories,
        pictures,
        notes.issues(),
        fingerprint,
        source.form,
    )


def _picture(entry: Entry, boxes: Sequence[Box]) -> Picture:
    return Picture(
        entry.id,
        entry.file,
        entry.width,
        entry.height,
        np.array([box.xywh for box in boxes], np.float64).reshape(-1, 4),
        np.array([box.label for box in boxes], np.int64),
        np.array([box.crowd for box in boxes], np.bool_),
        np.array([box.area for box in boxes], np.float64),
        entry.upright,
        tuple(np.array(box.outline, np.float32).reshape(-1, 2) for box in boxes)
        if any(b.outline for b in boxes)
        else (),
    )


def _outlines(boxes: Sequence[Box]) -> tuple[NDArray[np.float32], ...]:
    if not any(box.outline for box in boxes):
        return ()
    return tuple(np.array(box.outline, np.float32).reshape(-1, 2) for box in boxes)


def _fingerprint(
    categories: tuple[Category, ...], pictures: tuple[Picture, ...], entries: Mapping[int, Entry]
) -> str:
    total = hashlib.sha256(
        canonical_json([[category.id, category.name] for category in categories]).encode()
    )
    for picture in pictures:
        entry = entries[picture.id]
        about = [
            entry.id,
            entry.name,
            entry.width,
            entry.height,
            entry.identity,
            len(picture.boxes),
        ]
        about += [True] if entry.upright else []
        total.update(canonical_json(about).encode())
        for values in (
            picture.boxes,
            picture.labels,
            picture.crowd,
            picture.area,
            *picture.outlines,
        ):
            total.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
    return total.hexdigest()
