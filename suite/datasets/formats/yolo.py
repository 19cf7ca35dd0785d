"""Reads a data set in YOLO's form: a text file a picture, described by a data.yaml."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

from suite.datasets.formats import darknet
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
from suite.datasets.formats.folder import (
    categories,
    class_names,
    inside,
    numbered,
    read_text,
)
from suite.datasets.formats.listing import note_passed_over
from suite.datasets.formats.spelling import spellings
from suite.datasets.formats.yolo_files import label_file, only_part, parts_of, pictures_of
from suite.datasets.formats.yolo_rows import KeyPoints, RowReader
from suite.datasets.formats.yolo_yaml import Description, Said, has_names, read_description
from suite.datasets.split import DataError, MissingDataError, Reading, Split

FORM = "YOLO txt"
_NAMES = "classes.txt"


def description_file(folder: Path) -> Path | None:
    """What describes a YOLO set: data.yaml, one .yaml file with `names`, obj.data, or classes.txt beside labels/."""
    yamls = [path for path in sorted(folder.glob("*.y*ml")) if path.is_file()]
    named = [path for path in yamls if path.stem == "data"]
    telling = named or [path for path in yamls if has_names(path)]
    if named or len(telling) == 1:
        return telling[0]
    names, of_darknet = folder / _NAMES, folder / darknet.FILE
    if of_darknet.is_file():
        return of_darknet
    return names if names.is_file() and (folder / "labels").is_dir() else None


def read(source: Path, split: str, how: Reading) -> Split:
    """Read a part of the data set in the folder `source`, or that the .yaml file `source` describes.

    The labels of images/a/b.jpg are in labels/a/b.txt; without a folder `images` they lie beside the picture. A picture
    without labels has no objects. A polygon counts as the box around it; of a row with key points, a score or a track
    id the box is taken.

    Raises:
        DataError: a file is wrong.
        MissingDataError: there is no such part, or nothing usable is left.
    """
    notes = Notes()
    described = _described(source, split, notes)
    folder = described.folder
    # a picture that two lists name comes once
    paths = dict.fromkeys(
        path for part in described.parts for path in pictures_of(folder, part, notes)
    )
    if not paths:
        where = ", ".join(str(part) for part in described.parts)
        raise MissingDataError(
            f"{described.file}: no pictures of '{split}' in {where}; there should be some"
        )
    names = [path.relative_to(folder).as_posix() for path in paths]
    numbers = numbered(names)
    listed = [
        Listed(number, name, path if path.is_file() else None)
        for number, name, path in zip(numbers, names, paths, strict=True)
    ]
    note_passed_over(folder, described.parts, paths, partial(label_file, folder), notes)
    entries = look_at(listed, notes, pixels=how.pixels)
    reader = RowReader(len(described.names), described.key_points, notes)
    boxes = {
        entry.id: list(_boxes(folder, entry, reader)) for entry in entries.values() if entry.usable
    }
    reader.tell()
    # shares fit a picture whichever way up it is
    notes.reach.update(dict.fromkeys(notes.reach, (0.0, 0.0)))
    first = label_file(folder, next(iter(paths)))
    sought = f"{first} and so on: {reader.files} of {len(boxes)} such files are there"
    origin = Source(folder, described.file, split, FORM, sought)
    return assemble(origin, categories(described.names), entries, boxes, notes)


@dataclass(frozen=True, slots=True)
class _Described:
    """`parts` are folders of pictures, and files that list some."""

    folder: Path
    file: Path
    names: tuple[str, ...]
    parts: tuple[Path, ...]
    key_points: KeyPoints | None = None


def _described(source: Path, split: str, notes: Notes) -> _Described:
    file, folder, about = _about(source)
    parts = parts_of(folder, file, about.parts, split, notes)
    return _Described(folder, file, about.names, parts, about.key_points)


def _about(source: Path) -> tuple[Path, Path, Description]:
    """The description's file, the data set's folder, and what is said there."""
    file = description_file(source) if source.is_dir() else source
    assert file is not None, "whoever calls has looked"
    if file.name == _NAMES:
        silent: dict[str, tuple[Said, ...]] = {"train": (), "val": ()}
        return file, file.parent, Description(Said("", 0), silent, class_names(file))
    if file.name == darknet.FILE:
        return file, file.parent, darknet.read_description(file)
    about = read_description(file)
    return file, _folder(file, about), about


def whole(source: Path) -> list[str] | None:
    """The pictures of a set that is in one part, seen from its folder; None for one that has both.

    Raises:
        DataError: a file is wrong.
        MissingDataError: what the description names is not there.
    """
    file, folder, about = _about(source)
    parts = only_part(folder, file, about.parts)
    if parts is None:
        return None
    paths = dict.fromkeys(path for part in parts for path in pictures_of(folder, part, Notes()))
    return [path.relative_to(folder).as_posix() for path in paths if path.is_file()]


def _folder(file: Path, about: Description) -> Path:
    folder = file.parent
    if not about.path.text:
        return folder
    where = f"{file}:{about.path.line}: path"
    for text in spellings(about.path.text):
        try:
            described = inside(folder, text, where)
        except DataError:
            continue
        if described.is_dir():
            return described
    raise DataError(
        f"{where} {about.path.text!r} is not in this file's folder; give --data the data set's own folder, or "
        "remove `path` where train and val lie beside this file"
    )


def _boxes(folder: Path, entry: Entry, reader: RowReader) -> Iterator[Box]:
    file = label_file(folder, entry.file)
    if not file.is_file():
        return
    reader.files += 1
    within = file.relative_to(folder).as_posix()
    sides = (entry.width, entry.height)
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        if line.strip():
            location = f"{within}:{number}"
            row = reader.read(f"{file}:{number}", location, line.split())
            pixels = [share * side for share, side in zip(row.around, sides * 2, strict=True)]
            outline = [share * side for share, side in zip(row.polygon, cycle(sides), strict=False)]
            box = make_box(pixels, entry, reader.notes, location, label=row.label, outline=outline)
            if box:
                yield box
