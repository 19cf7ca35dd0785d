"""Reads a data set in the form of Pascal VOC: a sheet of XML a picture, in VOC's own layout or that of other tools.

Corners are taken as they stand: the width of a box is xmax - xmin. VOC itself counts pixels from 1 and the last one in,
which hardly any tool that writes this form does. Objects marked `difficult` are treated as COCO's crowd regions are:
evaluation ignores them, as VOC's own does, and training leaves them out; so are those of which an attribute says
`is_crowd`, as datumaro writes it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from suite.datasets.formats.assemble import (
    Box,
    Entry,
    Listed,
    Notes,
    Source,
    assemble,
    look_at,
    make_box,
)
from suite.datasets.formats.folder import categories, class_names, inside, lines, numbered
from suite.datasets.formats.markup import Element, read_xml
from suite.datasets.formats.spelling import truth
from suite.datasets.formats.voc_files import Layout, layout, only_part, picture_files, stems
from suite.datasets.split import Category, DataError, Reading, Split

FORM = "Pascal VOC"
_LONGEST = 10**6  # pixels of a side
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_FROM_1 = "roboflow.ai"  # the database that a writer states which counts pixels from 1
_NAMES, _LABELMAP = "classes.txt", "labelmap.txt"


def read(folder: Path, split: str, how: Reading) -> Split:
    """Read the pictures that `ImageSets/Main/{split}.txt` names, or all of the folder of a part.

    The classes are those of `classes.txt` or `labelmap.txt`, or all that the objects of both parts have, in the order
    of the alphabet. A picture without a sheet has no objects.

    Raises:
        DataError: a file is wrong.
        MissingDataError: nothing usable is left.
    """
    at = layout(folder, split)
    assert at is not None, "whoever calls has looked"
    notes = Notes()
    sheets = _sheets(folder, at, notes)
    files = picture_files(at, list(sheets), notes)
    numbers = dict(zip(sheets, numbered([f"{stem}.xml" for stem in sheets]), strict=True))
    entries = look_at(_listed(sheets, numbers, files, at), notes, pixels=how.pixels)
    table = _classes(folder, split, sheets)
    labels = {category.name: index for index, category in enumerate(table)}
    label_of = partial(_label, labels=labels, folder=folder)
    first_pixel = how.voc_first_pixel or 0
    boxes: dict[int, list[Box]] = {}
    for stem, sheet in sheets.items():
        entry = entries[numbers[stem]]
        if sheet is None and entry.usable:
            notes.add("picture without a sheet, taken for one without objects", entry.name)
        elif sheet is not None and entry.usable:
            boxes[entry.id] = list(_boxes(sheet, entry, notes, label_of, first_pixel))
    if how.voc_first_pixel is None:
        _note_pixels(sheets.values(), notes)
    there = sum(sheet is not None for sheet in sheets.values())
    sought = f"{at.sheets}: {there} of {len(sheets)} sheets are there"
    return assemble(Source(folder, at.list, split, FORM, sought), table, entries, boxes, notes)


def whole(folder: Path) -> list[str] | None:
    """The pictures of a set that is in one part, seen from its folder; None for one that has both.

    Raises:
        DataError: a file is wrong.
    """
    at = only_part(folder)
    if at is None:
        return None
    files = picture_files(at, [stem for _, stem in stems(folder, at, Notes())], Notes())
    return [file.relative_to(folder).as_posix() for file in files.values()]


@dataclass(frozen=True, slots=True)
class _Thing:
    """An `object` of a file; `location` is where it stands in the data set's folder, `corners` are as written."""

    name: str
    location: str
    corners: tuple[float, float, float, float]
    difficult: bool

    def xywh(self, first_pixel: int) -> tuple[float, float, float, float]:
        """With pixels counted from 1 the last one is in the box, so that it is wider by one."""
        left, top, right, bottom = self.corners
        width, height = right - left + first_pixel, bottom - top + first_pixel
        return (left - first_pixel, top - first_pixel, width, height)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What one annotation says; `sides` only where they are stated."""

    sides: tuple[int, int] | None
    things: tuple[_Thing, ...]
    database: str


_Sheets = Mapping[str, _Sheet | None]


def _sheets(folder: Path, at: Layout, notes: Notes) -> dict[str, _Sheet | None]:
    """By the pictures' stems; None where there is no file."""
    sheets = {}
    for where, stem in stems(folder, at, notes):
        path = inside(at.sheets, f"{stem}.xml", where)
        sheets[stem] = _sheet(folder, path, notes) if path.is_file() else None
    return sheets


def _listed(
    sheets: _Sheets, numbers: Mapping[str, int], files: Mapping[str, Path], at: Layout
) -> list[Listed]:
    listed = []
    for stem, sheet in sheets.items():
        file = files.get(stem)
        name = file.relative_to(at.pictures).as_posix() if file else stem
        listed.append(Listed(numbers[stem], name, file, sheet.sides if sheet else None))
    return listed


def _boxes(
    sheet: _Sheet,
    entry: Entry,
    notes: Notes,
    label_of: Callable[[_Thing], int],
    first_pixel: int,
) -> Iterator[Box]:
    for thing in sheet.things:
        label, xywh = label_of(thing), thing.xywh(first_pixel)
        box = make_box(xywh, entry, notes, thing.location, label=label, crowd=thing.difficult)
        if box:
            yield box


def _note_pixels(sheets: Iterable[_Sheet | None], notes: Notes) -> None:
    """Say where corners look as if pixels counted from 1: a box is a pixel wider then, and half of one further left."""
    known = [sheet for sheet in sheets if sheet is not None]
    stated = [sheet for sheet in known if sheet.database == _FROM_1]
    things = [(thing, sheet.sides) for sheet in known for thing in sheet.things]
    last = [
        thing
        for thing, sides in things
        if sides is not None and (thing.corners[2] == sides[0] or thing.corners[3] == sides[1])
    ]
    if not stated and any(min(thing.corners[:2]) <= 0 for thing, _ in things):
        last = []
    kind = "corners may count pixels from 1 (--voc-first-pixel tells)"
    for thing in [thing for sheet in stated for thing in sheet.things] or last:
        notes.add(kind, thing.location)


def _sheet(folder: Path, path: Path, notes: Notes) -> _Sheet:
    root = read_xml(path)
    if root.tag != "annotation":
        raise DataError(
            f"{path}:{root.line}: begins with <{root.tag}>; an annotation begins with <annotation>"
        )
    within = path.relative_to(folder).as_posix()
    objects = [child for child in root.children if child.tag == "object"]
    things = tuple(_thing(path, within, child, notes) for child in objects)
    database = root.find("source/database")
    return _Sheet(_sides(path, root), things, database.text.strip() if database else "")


def _sides(path: Path, root: Element) -> tuple[int, int] | None:
    """Tools that do not know the size write 0, or nothing."""
    sides = []
    for name in ("width", "height"):
        element = root.find(f"size/{name}")
        sides.append(_number(path, element) if element is not None else 0.0)
    width, height = sides
    stated = all(1 <= side < _LONGEST for side in sides)
    return (int(width), int(height)) if stated else None


def _thing(path: Path, within: str, element: Element, notes: Notes) -> _Thing:
    where = f"{path}:{element.line}"
    name = element.find("name")
    if name is None or not name.text.strip():
        raise DataError(f"{where}: the object has no name; it must have the one of its class")
    corners = [element.find(f"bndbox/{corner}") for corner in _CORNERS]
    given = [corner for corner in corners if corner is not None]
    if len(given) < len(corners):
        raise DataError(f"{where}: the object has no bndbox with {', '.join(_CORNERS)}")
    left, top, right, bottom = (_number(path, corner) for corner in given)
    location = f"{within}:{element.line}"
    crowd = _is_difficult(element, location, notes) or _is_crowd(element)
    return _Thing(name.text.strip(), location, (left, top, right, bottom), crowd)


def _is_crowd(element: Element) -> bool:
    """Whether an attribute says so: `<attribute><name>is_crowd</name><value>True</value></attribute>`."""
    attributes = element.find("attributes")
    for attribute in attributes.children if attributes else ():
        name, value = attribute.find("name"), attribute.find("value")
        if name and value and name.text.strip() == "is_crowd":
            return truth(value.text) is True
    return False


def _is_difficult(element: Element, location: str, notes: Notes) -> bool:
    mark = element.find("difficult")
    text = mark.text.strip() if mark is not None else ""
    difficult = truth(text or "0")
    if difficult is None:
        notes.add("difficult is not written as 0 or 1, and taken as 0", f"{location}: {text!r:.40}")
    return bool(difficult)


def _number(path: Path, element: Element) -> float:
    try:
        return float(element.text)
    except ValueError:
        text = element.text.strip()
        raise DataError(
            f"{path}:{element.line}: <{element.tag}> is {text!r}; it must be a number"
        ) from None


def _classes(folder: Path, split: str, known: _Sheets) -> tuple[Category, ...]:
    if (folder / _NAMES).is_file():
        return categories(class_names(folder / _NAMES))
    if (folder / _LABELMAP).is_file():
        return categories(_labelmap(folder / _LABELMAP))
    sheets = list(known.values())
    for other in {"train", "val"} - {split}:
        at = layout(folder, other)
        sheets += _sheets(folder, at, Notes()).values() if at else ()
    names = {thing.name for sheet in sheets if sheet for thing in sheet.things}
    return categories(tuple(sorted(names)))


def _labelmap(file: Path) -> tuple[str, ...]:
    """The names of lines `name:colour:parts:actions`, as datumaro and CVAT write them, without `background`."""
    named = [line for _, line in lines(file) if not line.startswith("#")]
    names = dict.fromkeys(line.rsplit(":", 3)[0] for line in named)
    names.pop("background", None)
    if not names:
        raise DataError(f"{file}: has no class; a line is `name:colour:parts:actions`")
    return tuple(names)


def _label(thing: _Thing, labels: Mapping[str, int], folder: Path) -> int:
    if thing.name not in labels:
        listing = next(file for file in (_NAMES, _LABELMAP) if (folder / file).is_file())
        raise DataError(
            f"{folder / thing.location}: class {thing.name!r} is not among those of {folder / listing}"
        )
    return labels[thing.name]
