"""From the rows of any form of annotation to a `Split`: what all the readers share.

A fault of one picture or one box is counted, left out or mended, and reported: real sets have a few of them.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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

    locations: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, location: str) -> None:
        """One more of a kind, and where in the data set it is."""
        self.locations.setdefault(kind, []).append(location)

    def issues(self) -> tuple[Issue, ...]:
        """All kinds in the order of their names."""
        return tuple(
            Issue(kind, len(locations), tuple(locations[:_EXAMPLES]))
            for kind, locations in sorted(self.locations.items())
        )

    def __str__(self) -> str:
        return ", ".join(
            f"{issue.kind} ({issue.count}: {issue.examples[0]})" for issue in self.issues()
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture as an annotation has it: `file` is None where there is none, `sides` where none are stated."""

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


def look_at(listed: Sequence[Listed], notes: Notes, *, pixels: bool = True) -> dict[int, Entry]:
    """Entries by id, in order of the ids; files that cannot be used are noted.

    Without `pixels` a picture whose size is stated can be used whatever its file is.
    """
    whole = sum(row.file.stat().st_size for row in listed if row.file is not None) <= _HASHED_WHOLE
    return {
        row.id: _entry(row, notes, whole=whole, pixels=pixels)
        for row in sorted(listed, key=lambda row: row.id)
    }


def _entry(row: Listed, notes: Notes, *, whole: bool, pixels: bool) -> Entry:
    examined = Examined("missing", "", "")
    if row.file:
        examined = _with_sides(examine(row.file, row.sides, whole=whole), row)
    if examined.fault and row.sides and not pixels:
        notes.add(f"picture taken by its stated size: {examined.fault}", row.name)
        examined = Examined("", "", examined.fault)
    if examined.fault:
        notes.add(f"picture left out: {examined.fault}", f"{row.name} {examined.detail}".strip())
    width, height = row.sides or examined.sides
    return Entry(
        row.id,
        row.name,
        width,
        height,
        row.file or Path(row.name),
        "" if examined.fault else examined.identity,
        upright=row.sides is None and examined.turned,
    )


def _with_sides(examined: Examined, row: Listed) -> Examined:
    """The same with the sides of the decoded picture, where neither the annotation nor the header tells them."""
    assert row.file is not None
    if examined.fault or row.sides is not None or examined.sides != _UNKNOWN:
        return examined
    sides = decoded_sides(row.file)
    if sides is None:
        return replace(examined, fault="not a picture")
    return replace(examined, sides=sides)


def make_box(
    xywh: Sequence[float],
    entry: Entry,
    notes: Notes,
    location: str,
    *,
    label: int,
    crowd: bool = False,
    area: object = ...,
    outline: Sequence[float] = (),
) -> Box | None:
    """The box cut at the edges of its picture; None, and a note, where nothing of it can be used.

    Args:
        xywh: left, top, width, height in pixels, as the file has them.
        entry: the picture.
        notes: takes down what is left out or mended.
        location: where the box stands in the data set, for the notes.
        label: class index.
        crowd: whether it is a region of many objects.
        area: whatever the file has, in square pixels; that of the box stands in for what is no area.
        outline: the object's polygon, if it is known.
    """
    if not all(_finite(value) for value in xywh):
        notes.add("annotation left out: box is not finite", location)
        return None
    x, y, width, height = (float(value) for value in xywh)
    where = f"{location} in {entry.name}"
    if width <= 0 or height <= 0:
        notes.add("annotation left out: box has no size", where)
        return None
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + width, entry.width), min(y + height, entry.height)
    if right <= left or bottom <= top:
        notes.add("annotation left out: box outside its picture", where)
        return None
    beyond = max(-x, -y, x + width - entry.width, y + height - entry.height)
    if beyond > _SLACK:
        notes.add("box cut at the edge of its picture", where)
        x, y, width, height = left, top, right - left, bottom - top
    if area is ...:
        area = width * height
    elif not isinstance(area, int | float) or not _finite(area) or area <= 0:
        notes.add("area replaced by width x height", f"{location}: {area!r}")
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
        frozenset(entry.id for entry in entries.values() if not entry.usable),
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
        _outlines(boxes),
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
