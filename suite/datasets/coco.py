"""Reads a data set in COCO's format and says what it left out.

A fault of the whole file (unreadable, ids that clash, paths that leave the folder) is an error. A fault of one
picture or one box is counted, left out or mended, and reported: real sets have a few of them.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar

import numpy as np

from suite.datasets.files import Examined, examine
from suite.datasets.split import Category, DataError, Issue, Picture, Split
from suite.record import canonical_json

__all__ = ["Category", "DataError", "Issue", "Picture", "Split", "check_same_categories", "read_split"]

SplitName = Literal["train", "val"]
_Known = TypeVar("_Known")

_HASHED_WHOLE = 256 * 2**20  # bytes of pictures; larger sets are told apart by names and sizes
_SLACK = 1.0  # pixels that a box may reach over the edge and stay as it is: COCO's own are rounded
_EXAMPLES = 3


def read_split(folder: Path, split: SplitName) -> Split:
    """Read `instances_{split}.json` (or `annotations/instances_{split}2017.json`) and find its pictures.

    Pictures may lie in images/{split}, images/{split}2017, {split}2017, {split}, images, or the folder itself. Class
    indices follow the category ids of the file's own table in rising order.

    Raises:
        DataError: there is no such data, its files contradict themselves, or nothing usable is left.
    """
    file = _annotation_file(folder, split)
    content = _load(file)
    categories = _categories(file, content)
    notes = _Notes()
    entries = _pictures(file, content, _roots(folder, split), notes)
    boxes = _boxes(content, entries, categories, notes)
    pictures = tuple(_picture(entry, boxes[entry.id]) for entry in entries.values() if entry.usable)
    if not pictures:
        raise DataError(f"{file}: none of its {len(entries)} pictures can be used; {notes}")
    if split == "train" and not any((~picture.crowd).any() for picture in pictures):
        raise DataError(f"{file}: no object is left to train on; {notes or 'it has no annotations'}")
    fingerprint = _fingerprint(categories, pictures, entries)
    return Split(folder.resolve().name, folder, split, categories, pictures, notes.issues(), fingerprint)


def check_same_categories(train: Split, val: Split) -> None:
    """Raise DataError unless both parts have the same table of categories."""
    if train.categories == val.categories:
        return
    differ = sorted({str(c.id) + " " + c.name for c in set(train.categories) ^ set(val.categories)})
    raise DataError(
        f"{train.folder}: train and val have different categories ({', '.join(differ[:4])}); both files need one table"
    )


@dataclass(slots=True)
class _Notes:
    """What was left out or mended so far."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, place: str) -> None:
        self.found.setdefault(kind, []).append(place)

    def issues(self) -> tuple[Issue, ...]:
        return tuple(Issue(kind, len(at), tuple(at[:_EXAMPLES])) for kind, at in sorted(self.found.items()))

    def __str__(self) -> str:
        return ", ".join(f"{issue.kind} ({issue.count}: {issue.examples[0]})" for issue in self.issues())


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of `images`; `identity` is empty where the file cannot be used."""

    id: int
    name: str
    width: int
    height: int
    file: Path
    identity: str

    @property
    def usable(self) -> bool:
        return bool(self.identity)


@dataclass(frozen=True, slots=True)
class _Box:
    xywh: tuple[float, float, float, float]
    label: int
    crowd: bool
    area: float


def _annotation_file(folder: Path, split: str) -> Path:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; a COCO data set is a folder with instances_{split}.json and images")
    names = [f"{name}.json" for name in (f"instances_{split}", f"instances_{split}2017", split)]
    places = [place / name for name in names for place in (folder, folder / "annotations")]
    for file in places:
        if file.is_file():
            return file
    raise DataError(f"{folder}: no annotations of '{split}'; there should be {names[0]} or annotations/{names[1]}")


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
            raise DataError(f"{file}: has no list of objects '{key}'; a COCO file of instances does")
    return content


def _categories(file: Path, content: Mapping[str, Any]) -> tuple[Category, ...]:
    rows = content["categories"]
    ids = [_whole(file, f"categories[{index}]", row, "id") for index, row in enumerate(rows)]
    _refuse_doubles(file, "categories", ids)
    if not ids:
        raise DataError(f"{file}: its table of categories is empty")
    names = dict(zip(ids, (str(row.get("name", "")) for row in rows), strict=True))
    return tuple(Category(number, names[number] or str(number)) for number in sorted(names))


def _roots(folder: Path, split: str) -> list[Path]:
    inside = (f"images/{split}", f"images/{split}2017", f"{split}2017", split, "images", ".")
    return [folder / name for name in inside if (folder / name).is_dir()]


def _pictures(file: Path, content: Mapping[str, Any], roots: list[Path], notes: _Notes) -> dict[int, _Entry]:
    rows = content["images"]
    ids = [_whole(file, f"images[{index}]", row, "id") for index, row in enumerate(rows)]
    _refuse_doubles(file, "images", ids)
    found = [_find(file, row, roots) for row in rows]
    whole = sum(path.stat().st_size for path in found if path is not None) <= _HASHED_WHOLE
    entries = {}
    for number, row, path in sorted(zip(ids, rows, found, strict=True), key=lambda item: item[0]):
        name = row["file_name"]
        width, height = (_whole(file, f"image {number} ({name})", row, side) for side in ("width", "height"))
        examined = examine(path, (width, height), whole=whole) if path else Examined("missing", "", "")
        if examined.fault:
            notes.add(f"picture left out: {examined.fault}", f"{name} {examined.detail}".strip())
        entries[number] = _Entry(number, name, width, height, path or file, "" if examined.fault else examined.identity)
    return entries


def _find(file: Path, row: Mapping[str, Any], roots: list[Path]) -> Path | None:
    name = row.get("file_name")
    if not isinstance(name, str) or not name:
        raise DataError(f"{file}: image {row['id']} has no file_name")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or set(name) & set("\\:\0"):
        raise DataError(f"{file}: file_name {name!r} leaves the data set's folder; it must be a relative path inside")
    return next((root / path for root in roots if (root / path).is_file()), None)


def _boxes(
    content: Mapping[str, Any], entries: Mapping[int, _Entry], categories: tuple[Category, ...], notes: _Notes
) -> dict[int, list[_Box]]:
    labels = {category.id: index for index, category in enumerate(categories)}
    boxes: dict[int, list[_Box]] = {number: [] for number in entries}
    seen: set[str] = set()
    for index, row in enumerate(content["annotations"]):
        place = f"annotation {row.get('id', f'[{index}]')}"
        entry, label = _known(entries, row.get("image_id")), _known(labels, row.get("category_id"))
        if entry is None:
            notes.add("annotation left out: unknown image_id", f"{place}: {row.get('image_id')!r}")
            continue
        if label is None:
            notes.add("annotation left out: unknown category_id", f"{place}: {row.get('category_id')!r}")
            continue
        _note_id(str(row.get("id", "")), seen, notes, place)
        if entry.usable and (box := _box(row, label, entry, notes, place)):
            boxes[entry.id].append(box)
    return boxes


def _known(table: Mapping[int, _Known], key: object) -> _Known | None:
    return table.get(key) if isinstance(key, int) else None  # a list, say, has no hash


def _note_id(number: str, seen: set[str], notes: _Notes, place: str) -> None:
    """Ids are given anew whatever they are; these two kinds would have spoilt AP without a word."""
    if number == "0":
        notes.add("annotation numbered anew: id 0", place)
    if number and number in seen:
        notes.add("annotation numbered anew: id used twice", place)
    seen.add(number)


def _box(row: Mapping[str, Any], label: int, entry: _Entry, notes: _Notes, place: str) -> _Box | None:
    xywh = row.get("bbox")
    if not isinstance(xywh, list) or len(xywh) != 4 or not all(isinstance(v, int | float) for v in xywh):
        notes.add("annotation left out: no box of four numbers", place)
        return None
    if not all(math.isfinite(v) for v in xywh):
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
    if min(x, y) < -_SLACK or x + width > entry.width + _SLACK or y + height > entry.height + _SLACK:
        notes.add("box cut at the edge of its picture", f"{place} in {entry.name}")
        x, y, width, height = left, top, right - left, bottom - top
    area = row.get("area", width * height)
    if not isinstance(area, int | float) or not math.isfinite(area) or area <= 0:
        notes.add("area replaced by width x height", f"{place}: {area!r}")
        area = width * height
    return _Box((x, y, width, height), label, bool(row.get("iscrowd", 0)), float(area))


def _picture(entry: _Entry, boxes: list[_Box]) -> Picture:
    return Picture(
        entry.id,
        entry.file,
        entry.width,
        entry.height,
        np.array([box.xywh for box in boxes], np.float64).reshape(-1, 4),
        np.array([box.label for box in boxes], np.int64),
        np.array([box.crowd for box in boxes], np.bool_),
        np.array([box.area for box in boxes], np.float64),
    )


def _fingerprint(categories: tuple[Category, ...], pictures: tuple[Picture, ...], entries: Mapping[int, _Entry]) -> str:
    total = hashlib.sha256(canonical_json([[category.id, category.name] for category in categories]).encode())
    for picture in pictures:
        entry = entries[picture.id]
        about = [entry.id, entry.name, entry.width, entry.height, entry.identity, len(picture.boxes)]
        total.update(canonical_json(about).encode())
        for values in (picture.boxes, picture.labels, picture.crowd, picture.area):
            total.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
    return total.hexdigest()


def _whole(file: Path, place: str, row: Mapping[str, Any], key: str) -> int:
    value = row.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise DataError(f"{file}: {place} has {key} {value!r}; it must be a whole number")
    if key != "id" and value < 1:
        raise DataError(f"{file}: {place} has {key} {value}; it must be at least 1")
    return value


def _refuse_doubles(file: Path, table: str, ids: list[int]) -> None:
    doubles = sorted(number for number, count in Counter(ids).items() if count > 1)
    if doubles:
        raise DataError(f"{file}: {table} has the id {doubles[0]} twice ({len(doubles)} such ids); ids must differ")
