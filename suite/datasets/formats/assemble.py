"""From the rows of any form of annotation to a `Split`: what all the readers share.

A fault of one picture or one box is counted, left out or mended, and reported: real sets have a few of them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suite.datasets.files import Examined, examine
from suite.datasets.findings import Severity
from suite.datasets.formats.fingerprint import fingerprint
from suite.datasets.formats.orientation import doubt
from suite.datasets.headers import header_of
from suite.datasets.numbered import Numbered
from suite.datasets.pixels import BLACK, DEEP, decoded, is_nearly_black
from suite.datasets.split import Category, Issue, MissingDataError, Picture, Split

_HASHED_WHOLE = 256 * 2**20  # bytes of pictures; larger sets are told apart by names and sizes
_BITS = 8  # that a network sees of a channel
_SLACK = 1.0  # pixels that a box may reach over the edge and stay as it is: COCO's own are rounded
_LOOKED_INTO = 8  # pictures of more bits; decoding all would take as long as an epoch
_EXAMPLES = 3


@dataclass(slots=True)
class Notes:
    """What was left out or mended so far; `reach` is how far the boxes of each picture go to the right and down."""

    locations: dict[str, list[str]] = field(default_factory=dict)
    severities: dict[str, Severity] = field(default_factory=dict)
    reach: dict[int, tuple[float, float]] = field(default_factory=dict)

    def add(self, kind: str, location: str, severity: Severity = "warning") -> None:
        """One more of a kind, and where in the data set it is; all of a kind are of one severity."""
        self.locations.setdefault(kind, []).append(location)
        self.severities[kind] = severity

    def issues(self) -> tuple[Issue, ...]:
        """All kinds in the order of their names."""
        return tuple(
            Issue(kind, len(locations), tuple(locations[:_EXAMPLES]), self.severities[kind])
            for kind, locations in sorted(self.locations.items())
        )

    def __str__(self) -> str:
        return ", ".join(
            f"{issue.kind} ({issue.count}: {issue.examples[0]})" for issue in self.issues()
        )


@dataclass(frozen=True, slots=True)
class Listed(Numbered):
    """A picture as an annotation has it: `file` is None where there is none, `sides` where none are stated.

    `numbered` as in `Numbered`.
    """

    id: int
    name: str
    file: Path | None
    sides: tuple[int, int] | None = None
    numbered: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture whose file was looked at: `listed` and what `examined` found."""

    listed: Listed
    examined: Examined

    @property
    def id(self) -> int:
        """The picture's."""
        return self.listed.id

    @property
    def name(self) -> str:
        """Of the file within the data set."""
        return self.listed.name

    @property
    def file(self) -> Path:
        """Where it is, or would be."""
        return self.listed.file or Path(self.name)

    @property
    def width(self) -> int:
        """In pixels: as stated, or else that of the picture as EXIF turns it."""
        return (self.listed.sides or self.examined.sides)[0]

    @property
    def height(self) -> int:
        """As `width`."""
        return (self.listed.sides or self.examined.sides)[1]

    @property
    def usable(self) -> bool:
        """Whether training and evaluation get it."""
        return not self.examined.fault


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
    """Where a part comes from: its folder, the file that says what is in it, the part's name, the form.

    `sought` says where its labels were looked for, and what was there.
    """

    folder: Path
    file: Path
    split: str
    form: str
    sought: str = ""


def look_at(listed: Sequence[Listed], notes: Notes, *, pixels: bool = True) -> dict[int, Entry]:
    """Entries by id, in order of the ids; files that cannot be used are noted.

    Without `pixels` a picture whose size is stated can be used whatever its file is.
    """
    whole = sum(row.file.stat().st_size for row in listed if row.file is not None) <= _HASHED_WHOLE
    entries = {
        row.id: _entry(row, notes, whole=whole, pixels=pixels)
        for row in sorted(listed, key=lambda row: row.id)
    }
    deep = [each for each in entries.values() if each.usable and each.examined.bits > _BITS]
    first = deep[:_LOOKED_INTO]
    if all(_is_nearly_black(entry.file) for entry in first):
        for entry in first:
            notes.add(BLACK, entry.name)
    return entries


def _is_nearly_black(file: Path) -> bool:
    data = file.read_bytes()
    header = header_of(data)
    image = decoded(data, header, upright=False)
    return image is not None and is_nearly_black(image, header)


def _entry(row: Listed, notes: Notes, *, whole: bool, pixels: bool) -> Entry:
    examined = Examined("missing", "", "")
    if row.file:
        examined = examine(row.file, row.sides, whole=whole)
    if examined.fault and row.sides and not pixels:
        notes.add(f"picture taken by its stated size: {examined.fault}", row.name)
        examined = Examined("", "", examined.fault)
    if examined.fault:
        notes.add(f"picture left out: {examined.fault}", f"{row.name} {examined.detail}".strip())
    elif examined.bits > _BITS:
        notes.add(DEEP, f"{row.name} ({examined.bits} bits)", "note")
    if examined.paged:
        notes.add("picture of several pages: only the first is used", row.name, "note")
    return Entry(row, examined)


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
    far = notes.reach.get(entry.id, (0.0, 0.0))
    notes.reach[entry.id] = (max(far[0], x + width), max(far[1], y + height))
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + width, entry.width), min(y + height, entry.height)
    if right <= left or bottom <= top:
        notes.add("annotation left out: box outside its picture", where)
        return None
    beyond = max(-x, -y, x + width - entry.width, y + height - entry.height)
    # an object whose box was rounded inwards reaches a pixel beyond each of its sides
    largest = (width + 2 * _SLACK) * (height + 2 * _SLACK)
    if beyond > _SLACK:
        notes.add("box cut at the edge of its picture", where)
        x, y, width, height = left, top, right - left, bottom - top
    if area is ...:
        area = width * height
    elif not isinstance(area, int | float) or not _finite(area) or area <= 0:
        notes.add("area replaced by width x height", f"{location}: {area!r}")
        area = width * height
    elif area > largest:
        notes.add("area larger than its box, replaced by width x height", f"{location}: {area:g}")
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
        MissingDataError: no picture can be used.
    """
    pictures = tuple(
        _picture(entry, boxes.get(entry.id, ())) for entry in entries.values() if entry.usable
    )
    if not pictures:
        raise MissingDataError(
            f"{source.file}: none of its {len(entries)} pictures can be used; {notes}"
        )
    _tell_orientations(entries, notes)
    files = {entry.id: (entry.name, entry.examined.identity) for entry in entries.values()}
    return Split(
        source.folder.resolve().name,
        source.folder,
        source.split,
        categories,
        pictures,
        notes.issues(),
        fingerprint(categories, pictures, files),
        source.form,
        source.file,
        source.sought,
        frozenset(entry.listed.own_id for entry in entries.values() if not entry.usable),
    )


def _tell_orientations(entries: Mapping[int, Entry], notes: Notes) -> None:
    for entry in entries.values():
        found, reach = entry.examined, notes.reach.get(entry.id)
        if found.fault or not found.turned or reach is None:
            continue
        stated = entry.listed.sides is not None
        doubted = doubt(found.sides, found.other, reach, upright=found.upright, stated=stated)
        if doubted is not None:
            notes.add(doubted[0], entry.name, doubted[1])


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
        entry.examined.upright,
        _outlines(boxes),
        entry.listed.numbered,
    )


def _outlines(boxes: Sequence[Box]) -> tuple[NDArray[np.float32], ...]:
    if not any(box.outline for box in boxes):
        return ()
    return tuple(np.array(box.outline, np.float32).reshape(-1, 2) for box in boxes)
