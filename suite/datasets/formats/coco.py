"""Reads a data set in COCO's format and says what it left out.

A fault of the whole file (unreadable, ids that clash, paths that leave the folder) is an error. A fault of one
picture or one box is counted, left out or mended, and reported.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

import numpy as np

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
from suite.datasets.formats.coco_files import (
    annotation_file,
    find,
    is_parted_by_lists,
    of_part,
    only_file,
    roots,
)
from suite.datasets.formats.spelling import truth
from suite.datasets.split import Category, DataError, Reading, Split

FORM = "COCO JSON"
_BITS = 63  # of an id, besides its sign, that an array can hold
_LONGEST = 40  # characters of a value that a note shows
_FARTHEST = 1e6  # pixels; a corner beyond is no corner
_Known = TypeVar("_Known")


def read(folder: Path, split: str, how: Reading) -> Split:
    """Read `instances_{split}.json`, or what `coco_files` names beside it, and find its pictures.

    Pictures may lie in images/{split}, images/{split}2017, {split}2017, {split}, images, or the folder itself. Class
    indices follow the category ids of the file's own table in rising order.

    Raises:
        DataError: the file contradicts itself.
        MissingDataError: nothing usable is left.
    """
    file = annotation_file(folder, split)
    assert file is not None, "whoever calls has looked"
    content = _load(file)
    notes = Notes()
    categories = _distinct(_categories(file, content), notes)
    folders = roots(folder, split)
    if is_parted_by_lists(folder):
        content = of_part(folder, split, _pictures(file, content, folders, Notes()), content)
    listed = _pictures(file, content, folders, notes)
    entries = look_at(listed, notes, pixels=how.pixels)
    boxes = _boxes(content, entries, categories, notes)
    for category in categories:
        if category.numbered is not None:
            kind = "category id beyond 64 bits, or beside one: numbered anew"
            notes.add(kind, f"category {category.own_id} ({category.name})", "note")
    sought = f"its list 'annotations', of {len(content['annotations'])} rows"
    source = Source(folder, file, split, FORM, sought)
    return assemble(source, categories, entries, boxes, notes)


def whole(folder: Path) -> list[str] | None:
    """The pictures of a set that is in one part, seen from its folder; None for any other.

    Raises:
        DataError: the file contradicts itself.
    """
    file = only_file(folder)
    if file is None:
        return None
    listed = _pictures(file, _load(file), roots(folder, None), Notes())
    return [row.file.relative_to(folder).as_posix() for row in listed if row.file is not None]


def _load(file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{file}: cannot be read as JSON ({error})") from error
    if not isinstance(content, dict):
        raise DataError(
            f"{file}: holds a {type(content).__name__}; a COCO file is an object with images and annotations"
        )
    for key in ("images", "categories", "annotations"):
        rows = content.get(key)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise DataError(
                f"{file}: has no list of objects '{key}'; a COCO file of instances does"
            )
    return content


def _categories(file: Path, content: Mapping[str, Any]) -> tuple[Category, ...]:
    rows = content["categories"]
    ids = [_whole(file, f"categories[{index}]", row, "id") for index, row in enumerate(rows)]
    _refuse_doubles(file, "categories", ids)
    if not ids:
        raise DataError(f"{file}: its table of categories is empty")
    names = dict(zip(ids, (str(row.get("name", "")) for row in rows), strict=True))
    numbers = _fitting(ids)
    return tuple(
        Category(numbers.get(own, own), names[own] or str(own), own if numbers else None)
        for own in sorted(names)
    )


def _fitting(ids: Sequence[int]) -> dict[int, int]:
    """Where an array cannot hold an id as a whole number, the place of each in their order, from 1; else nothing."""
    if all(-(2**_BITS) <= number < 2**_BITS for number in ids):
        return {}
    return {own: place for place, own in enumerate(sorted(ids), start=1)}


def _distinct(categories: tuple[Category, ...], notes: Notes) -> tuple[Category, ...]:
    """The same with the id behind every name that stands there twice: tables by class are by name."""
    counts = Counter(category.name for category in categories)
    for name in (name for name, count in counts.items() if count > 1):
        ids = [str(category.own_id) for category in categories if category.name == name]
        notes.add("category name used twice, told apart by id", f"{name}: {' and '.join(ids)}")
    return tuple(
        replace(category, name=f"{category.name} ({category.own_id})")
        if counts[category.name] > 1
        else category
        for category in categories
    )


def _pictures(
    file: Path, content: Mapping[str, Any], folders: list[Path], notes: Notes
) -> list[Listed]:
    rows = content["images"]
    ids = [_whole(file, f"images[{index}]", row, "id") for index, row in enumerate(rows)]
    _refuse_doubles(file, "images", ids)
    numbers = _fitting(ids)
    listed = []
    for own, row in zip(ids, rows, strict=True):
        path = find(file, row, folders, notes)
        location = f"image {own} ({row['file_name']})"
        sides = (_whole(file, location, row, "width"), _whole(file, location, row, "height"))
        number = numbers.get(own, own)
        listed.append(Listed(number, row["file_name"], path, sides, own if numbers else None))
        if numbers:
            notes.add("picture id beyond 64 bits, or beside one: numbered anew", location, "note")
    return listed


def _boxes(
    content: Mapping[str, Any],
    entries: Mapping[int, Entry],
    categories: tuple[Category, ...],
    notes: Notes,
) -> dict[int, list[Box]]:
    labels = {category.own_id: index for index, category in enumerate(categories)}
    pictures = {entry.listed.own_id: entry for entry in entries.values()}
    boxes: dict[int, list[Box]] = {number: [] for number in entries}
    seen: set[str] = set()
    for index, row in enumerate(content["annotations"]):
        location = f"annotation {row.get('id', f'[{index}]')}"
        entry, label = _known(pictures, row.get("image_id")), _known(labels, row.get("category_id"))
        if entry is None:
            notes.add(
                "annotation left out: unknown image_id", f"{location}: {row.get('image_id')!r}"
            )
            continue
        if label is None:
            notes.add(
                "annotation left out: unknown category_id",
                f"{location}: {row.get('category_id')!r}",
            )
            continue
        _note_id(str(row.get("id", "")), seen, notes, location)
        if entry.usable and (box := _box(row, label, entry, notes, location)):
            boxes[entry.id].append(box)
    return boxes


def _known(table: Mapping[Any, _Known], key: object) -> _Known | None:
    # a list, say, has no hash; a whole number is found as a float, too
    return table.get(key) if isinstance(key, int | float) else None


def _note_id(number: str, seen: set[str], notes: Notes, location: str) -> None:
    """Ids are given anew whatever they are; these two kinds would have spoilt AP without a word."""
    if number == "0":
        notes.add("annotation numbered anew: id 0", location)
    if number and number in seen:
        notes.add("annotation numbered anew: id used twice", location)
    seen.add(number)


def _box(
    row: Mapping[str, Any], label: int, entry: Entry, notes: Notes, location: str
) -> Box | None:
    xywh = row.get("bbox")
    if not _is_four_numbers(xywh):
        notes.add("annotation left out: no box of four numbers", location)
        return None
    crowd = _crowd(row.get("iscrowd"), notes, location)
    area, outline = row.get("area", ...), _outline(row.get("segmentation"))
    return make_box(
        xywh, entry, notes, location, label=label, crowd=crowd, area=area, outline=outline
    )


def _crowd(value: object, notes: Notes, location: str) -> bool:
    """Whether a region is one of many objects. The truth value of a text is that of its being there."""
    if value is None or (isinstance(value, int | float) and value in {0, 1}):
        return bool(value)
    meant = bool(truth(value)) if isinstance(value, str) else False
    shown = f"{location}: {value!r:.{_LONGEST}}"
    notes.add(f"iscrowd is not written as 0 or 1, and taken as {int(meant)}", shown)
    return meant


def _is_four_numbers(value: object) -> TypeGuard[list[float]]:
    if not isinstance(value, list) or len(value) != 4:
        return False
    return all(isinstance(number, int | float) for number in value)


def _outline(parts: object) -> Sequence[float]:
    """The largest of an object's polygons; none where it has no sound one, or a mask."""
    sound = [part for part in parts if _is_polygon(part)] if isinstance(parts, list) else []
    return max(sound, key=_area, default=[])


def _is_polygon(part: object) -> bool:
    return (
        isinstance(part, list)
        and len(part) >= 6
        and len(part) % 2 == 0
        and all(isinstance(v, int | float) and abs(v) <= _FARTHEST for v in part)
    )


def _area(polygon: list[float]) -> float:
    """By the shoelace formula."""
    x, y = np.array(polygon).reshape(-1, 2).T
    return abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2


def _whole(file: Path, location: str, row: Mapping[str, Any], key: str) -> int:
    """A whole number, which tables with gaps write as a float."""
    value = row.get(key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise DataError(f"{file}: {location} has {key} {value!r}; it must be a whole number")
    if key != "id" and value < 1:
        raise DataError(f"{file}: {location} has {key} {value}; it must be at least 1")
    return value


def _refuse_doubles(file: Path, table: str, ids: list[int]) -> None:
    doubles = sorted(number for number, count in Counter(ids).items() if count > 1)
    if doubles:
        raise DataError(
            f"{file}: {table} has the id {doubles[0]} twice ({len(doubles)} such ids); ids must differ"
        )
