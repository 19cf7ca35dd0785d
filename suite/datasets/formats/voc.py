"""Reads a data set in the form of Pascal VOC: ImageSets/Main, Annotations, JPEGImages.

Corners are taken as they stand: the width of a box is xmax - xmin. VOC itself counts pixels from 1 and the last one in,
which hardly any tool that writes this form does. Objects marked `difficult` are treated as COCO's crowd regions are:
evaluation ignores them, as VOC's own does, and training leaves them out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
from suite.datasets.formats.folder import PICTURES, categories, class_names, inside, lines, numbered
from suite.datasets.formats.markup import Element, read_xml
from suite.datasets.formats.spelling import truth
from suite.datasets.split import Category, DataError, Split

FORM = "Pascal VOC"
_SETS, _ANNOTATIONS, _PICTURES = "ImageSets/Main", "Annotations", "JPEGImages"
_LONGEST = 10**6  # pixels of a side
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def list_file(folder: Path, split: str) -> Path:
    """The file that names the pictures of a part."""
    return folder / _SETS / f"{split}.txt"


def read(folder: Path, split: str) -> Split:
    """Read the pictures that `ImageSets/Main/{split}.txt` names.

    The classes are those of `classes.txt`, or all that the objects of both parts have, in the order of the alphabet.

    Raises:
        DataError: a file is wrong.
        MissingDataError: nothing usable is left.
    """
    file = list_file(folder, split)
    notes = Notes()
    files = _picture_files(folder)
    sheets = {stem: _sheet(folder, stem, file, number, notes) for number, stem in lines(file)}
    known = {stem: sheet for stem, sheet in sheets.items() if sheet is not None}
    table = _classes(folder, split, known)
    labels = {category.name: index for index, category in enumerate(table)}
    numbers = dict(zip(known, numbered([f"{stem}.xml" for stem in known]), strict=True))
    entries = look_at(_listed(known, numbers, files), notes)
    boxes: dict[int, list[Box]] = {}
    for stem, sheet in known.items():
        entry = entries[numbers[stem]]
        if entry.usable:
            boxes[entry.id] = list(_boxes(folder, sheet, entry, labels, notes))
    sought = f"{folder / _ANNOTATIONS}: {len(known)} of {len(sheets)} sheets are there"
    return assemble(Source(folder, file, split, FORM, sought), table, entries, boxes, notes)


@dataclass(frozen=True, slots=True)
class _Thing:
    """An `object` of a file; `location` is where it stands in the data set's folder."""

    name: str
    location: str
    xywh: tuple[float, float, float, float]
    difficult: bool


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What one annotation says; `sides` only where they are stated."""

    sides: tuple[int, int] | None
    things: tuple[_Thing, ...]


def _listed(
    sheets: Mapping[str, "_Sheet"], numbers: Mapping[str, int], files: Mapping[str, Path]
) -> list[Listed]:
    listed = []
    for stem, sheet in sheets.items():
        file = files.get(stem)
        listed.append(Listed(numbers[stem], file.name if file else stem, file, sheet.sides))
    return listed


def _boxes(
    folder: Path, sheet: "_Sheet", entry: Entry, labels: Mapping[str, int], notes: Notes
) -> Iterator[Box]:
    for thing in sheet.things:
        label = _label(thing, labels, folder)
        box = make_box(thing.xywh, entry, notes, thing.location, label=label, crowd=thing.difficult)
        if box:
            yield box


def _picture_files(folder: Path) -> Mapping[str, Path]:
    pictures = folder / _PICTURES
    # of two with one stem, the first in the order of names counts
    paths = sorted(pictures.iterdir(), reverse=True) if pictures.is_dir() else []
    return {path.stem: path for path in paths if path.suffix.lower() in PICTURES}


def _sheet(folder: Path, stem: str, file: Path, number: int, notes: Notes) -> _Sheet | None:
    path = inside(folder / _ANNOTATIONS, f"{stem}.xml", f"{file}:{number}")
    if not path.is_file():
        notes.add("picture left out: no annotation", f"{stem} ({path.name})")
        return None
    root = read_xml(path)
    if root.tag != "annotation":
        raise DataError(
            f"{path}:{root.line}: begins with <{root.tag}>; an annotation begins with <annotation>"
        )
    things = tuple(_thing(path, child, notes) for child in root.children if child.tag == "object")
    return _Sheet(_sides(path, root), things)


def _sides(path: Path, root: Element) -> tuple[int, int] | None:
    """Tools that do not know the size write 0, or nothing."""
    sides = []
    for name in ("width", "height"):
        element = root.find(f"size/{name}")
        sides.append(_number(path, element) if element is not None else 0.0)
    width, height = sides
    stated = all(1 <= side < _LONGEST for side in sides)
    return (int(width), int(height)) if stated else None


def _thing(path: Path, element: Element, notes: Notes) -> _Thing:
    where = f"{path}:{element.line}"
    within = f"{_ANNOTATIONS}/{path.name}:{element.line}"
    name = element.find("name")
    if name is None or not name.text.strip():
        raise DataError(f"{where}: the object has no name; it must have the one of its class")
    corners = [element.find(f"bndbox/{corner}") for corner in _CORNERS]
    given = [corner for corner in corners if corner is not None]
    if len(given) < len(corners):
        raise DataError(f"{where}: the object has no bndbox with {', '.join(_CORNERS)}")
    left, top, right, bottom = (_number(path, corner) for corner in given)
    difficult = _is_difficult(element, within, notes)
    return _Thing(name.text.strip(), within, (left, top, right - left, bottom - top), difficult)


def _is_difficult(element: Element, within: str, notes: Notes) -> bool:
    mark = element.find("difficult")
    text = mark.text.strip() if mark is not None else ""
    difficult = truth(text or "0")
    if difficult is None:
        notes.add("difficult is neither 0 nor 1, and taken as 0", f"{within}: {text!r:.40}")
    return bool(difficult)


def _number(path: Path, element: Element) -> float:
    try:
        return float(element.text)
    except ValueError:
        text = element.text.strip()
        raise DataError(
            f"{path}:{element.line}: <{element.tag}> is {text!r}; it must be a number"
        ) from None


def _classes(folder: Path, split: str, known: Mapping[str, _Sheet]) -> tuple[Category, ...]:
    listing = folder / "classes.txt"
    if listing.is_file():
        return categories(class_names(listing))
    names = {thing.name for sheet in known.values() for thing in sheet.things}
    for other in {"train", "val"} - {split}:
        file = list_file(folder, other)
        if file.is_file():
            sheets = (_sheet(folder, stem, file, number, Notes()) for number, stem in lines(file))
            names |= {thing.name for sheet in sheets if sheet for thing in sheet.things}
    return categories(tuple(sorted(names)))


def _label(thing: _Thing, labels: Mapping[str, int], folder: Path) -> int:
    if thing.name not in labels:
        raise DataError(
            f"{folder / thing.location}: class {thing.name!r} is not among those of {folder / 'classes.txt'}"
        )
    return labels[thing.name]
