"""Reads a data set in YOLO's form: a text file a picture, described by a data.yaml."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path, PurePosixPath

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
    PICTURES,
    categories,
    class_names,
    inside,
    lines,
    numbered,
    read_text,
    require_path,
)
from suite.datasets.formats.spelling import is_of_windows, spellings
from suite.datasets.formats.yolo_rows import KeyPoints, RowReader
from suite.datasets.formats.yolo_yaml import Description, has_names, read_description
from suite.datasets.split import DataError, MissingDataError, Split

FORM = "YOLO txt"
_NAMES = "classes.txt"


def description_file(folder: Path) -> Path | None:
    """What describes a YOLO data set: data.yaml, the one .yaml file with `names`, or classes.txt beside labels/."""
    yamls = [path for path in sorted(folder.glob("*.y*ml")) if path.is_file()]
    named = [path for path in yamls if path.stem == "data"]
    telling = named or [path for path in yamls if has_names(path)]
    if named or len(telling) == 1:
        return telling[0]
    names = folder / _NAMES
    return names if names.is_file() and (folder / "labels").is_dir() else None


def read(source: Path, split: str) -> Split:
    """Read a part of the data set in the folder `source`, or that the .yaml file `source` describes.

    The labels of images/a/b.jpg are in labels/a/b.txt; without a folder `images` they lie beside the picture. A picture
    without labels has no objects. A polygon counts as the box around it; of a row with key points, a score or a track
    id the box is taken.

    Raises:
        DataError: a file is wrong.
        MissingDataError: there is no such part, or nothing usable is left.
    """
    described = _described(source, split)
    folder = described.folder
    # a picture that two lists name comes once
    paths = dict.fromkeys(path for part in described.parts for path in _pictures(folder, part))
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
    notes = Notes()
    entries = look_at(listed, notes)
    reader = RowReader(len(described.names), described.key_points, notes)
    boxes = {
        entry.id: list(_boxes(folder, entry, reader)) for entry in entries.values() if entry.usable
    }
    reader.tell()
    # shares fit a picture whichever way up it is
    notes.reach.update(dict.fromkeys(notes.reach, (0.0, 0.0)))
    first = _label_file(folder, next(iter(paths)))
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


def _described(source: Path, split: str) -> _Described:
    file = description_file(source) if source.is_dir() else source
    assert file is not None, "whoever calls has looked"
    if file.name == _NAMES:
        folder = file.parent
        return _Described(folder, file, class_names(file), (folder / "images" / split,))
    about = read_description(file)
    folder = _folder(file, about)
    parts = _parts(folder, file, about, split)
    return _Described(folder, file, about.names, parts, about.key_points)


def _folder(file: Path, about: Description) -> Path:
    folder = file.parent
    if not about.path.text:
        return folder
    where = f"{file}:{about.path.line}"
    try:
        return inside(folder, about.path.text, f"{where}: path")
    except DataError:
        raise DataError(
            f"{where}: path {about.path.text!r} is not in this file's folder; give --data the data set's own folder"
        ) from None


def _parts(folder: Path, file: Path, about: Description, key: str) -> tuple[Path, ...]:
    parts = []
    for said in about.parts[key]:
        where = f"{file}:{said.line}"
        require_path(said.text, f"{where}: {key}")
        # a form that some tools export: data.yaml lies in the data set's folder, but writes as if it were one deeper
        text = said.text.removeprefix("../")
        if not (folder / text).exists():
            text = said.text
        path = _existing(folder, text, f"{where}: {key}")
        if not path.exists():
            raise MissingDataError(f"{where}: {key} names {said.text!r}, which is not in {folder}")
        parts.append(path)
    if not parts:
        raise MissingDataError(
            f"{file}: has no {key!r}; it must name a folder of pictures or a list of them"
        )
    return tuple(parts)


def _pictures(folder: Path, part: Path) -> Iterator[Path]:
    """Pictures in order; those that a list names need not exist."""
    if part.is_dir():
        for parent, inner, files in os.walk(part):
            inner.sort()
            for name in sorted(files):
                path = Path(parent, name)
                if path.suffix.lower() in PICTURES and not name.startswith("."):
                    yield path
        return
    for number, line in lines(part):
        where = f"{part}:{number}"
        near = _existing(folder, line, where, near=part.parent.relative_to(folder))
        yield near if near.exists() else _existing(folder, line, where)


def _existing(folder: Path, text: str, where: str, near: Path | None = None) -> Path:
    r"""The path that a text means; of `a\b`, which Windows writes for a/b, the one that is there."""
    if is_of_windows(text) and not (folder / text).exists():
        raise DataError(
            f"{where}: {text!r} leaves the data set's folder; it must be a relative path inside"
        )
    paths = [inside(folder, spelling, where, near=near) for spelling in spellings(text)]
    return next((path for path in paths if path.exists()), paths[0])


def _boxes(folder: Path, entry: Entry, reader: RowReader) -> Iterator[Box]:
    file = _label_file(folder, entry.file)
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


def _label_file(folder: Path, picture: Path) -> Path:
    parts = list(PurePosixPath(picture.relative_to(folder).as_posix()).with_suffix(".txt").parts)
    if "images" in parts[:-1]:
        parts[len(parts) - 2 - parts[-2::-1].index("images")] = "labels"
    return folder.joinpath(*parts)
