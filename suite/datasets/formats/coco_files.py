"""Where the annotations and pictures of a COCO set lie: COCO's own layout, and those of tools that write its form."""

from collections.abc import Mapping, Sequence
from os.path import normpath
from pathlib import Path, PurePosixPath
from typing import Any

from suite.datasets.formats import one_part
from suite.datasets.formats.assemble import Listed, Notes
from suite.datasets.formats.folder import require_path
from suite.datasets.formats.spelling import SLASHES, is_of_windows, spellings
from suite.datasets.split import DataError

_NAMES = {
    "train": ("train", "Train"),
    "val": ("val", "valid", "validation", "Val", "Valid", "Validation"),
}
_EXPORTED = "_annotations.coco.json"
# one part: CVAT and datumaro, Label Studio, Roboflow
_WHOLE = ("instances_default.json", "result.json", _EXPORTED)


def annotation_file(folder: Path, split: str) -> Path | None:
    """The file with the annotations of a part, or of all pictures where lists say which are the part's; if any."""
    whole = only_file(folder) if one_part.has_lists(folder) else None
    return whole or _own_file(folder, split)


def only_file(folder: Path) -> Path | None:
    """The file of a set that is in one part, if it is one."""
    parts = [file for split in one_part.PARTS if (file := _own_file(folder, split)) is not None]
    if parts:
        return parts[0] if len(parts) == 1 else None
    files = (parent / name for name in _WHOLE for parent in (folder, folder / "annotations"))
    return next((file for file in files if file.is_file()), None)


def _own_file(folder: Path, split: str) -> Path | None:
    files = [
        parent / f"{stem}.json"
        for name in _NAMES[split]
        for stem in (f"instances_{name}", f"instances_{name}2017", name)
        for parent in (folder, folder / "annotations")
    ]
    files += [folder / name / _EXPORTED for name in _NAMES[split]]
    return next((file for file in files if file.is_file()), None)


def roots(folder: Path, split: str | None) -> list[Path]:
    """The folders that pictures of a part (None: of any) may be in, the likeliest first."""
    splits = one_part.PARTS if split is None or one_part.has_lists(folder) else (split,)
    names = [
        name
        for each in splits
        for part in _NAMES[each]
        for name in (f"images/{part}", f"images/{part}2017", f"{part}2017", part)
    ]
    return [
        folder / name
        for name in (*names, "images/default", "images", ".")
        if (folder / name).is_dir()
    ]


def find(file: Path, row: Mapping[str, Any], folders: Sequence[Path], notes: Notes) -> Path | None:
    """The file of an annotated picture; None where there is none.

    A path that leaves the set's folder is not followed: the picture is looked for by its bare name.

    Raises:
        DataError: no file can be called so, or the path leaves the folder and no picture has its bare name.
    """
    name = row.get("file_name")
    if not isinstance(name, str) or not name:
        raise DataError(f"{file}: image {row['id']} has no file_name")
    require_path(name, f"{file}: file_name")
    for spelling in spellings(name):
        path = normpath(spelling)
        if not _stays_inside(path):
            return _by_bare_name(file, name, folders, notes)
        found = _in(folders, path)
        if found is not None:
            if spelling != name:
                notes.add(SLASHES, repr(name), "note")
            return found
    if is_of_windows(name):
        return _by_bare_name(file, name, folders, notes)
    return None


def _by_bare_name(file: Path, name: str, folders: Sequence[Path], notes: Notes) -> Path:
    bare = PurePosixPath(name.replace("\\", "/")).name
    found = _in(folders, bare) if bare not in {"", ".", ".."} else None
    if found is None:
        raise _leaves(file, name)
    notes.add("picture found by its bare name: the stated path leaves the folder", name)
    return found


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _in(folders: Sequence[Path], name: str) -> Path | None:
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _leaves(file: Path, name: str) -> DataError:
    return DataError(
        f"{file}: file_name {name!r} leaves the data set's folder; it must be a relative path inside"
    )


def is_parted_by_lists(folder: Path) -> bool:
    """Whether all pictures are in one file, and lists say which part each is of."""
    return one_part.has_lists(folder) and only_file(folder) is not None


def of_part(
    folder: Path, split: str, listed: Sequence[Listed], content: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The content with the pictures and annotations of a part alone; `listed` are its pictures, in its order.

    Raises:
        DataError: a list cannot be read, or a line leaves the folder.
    """
    chosen = set(one_part.listed(folder, split))
    images = [
        image for image, row in zip(content["images"], listed, strict=True) if row.file in chosen
    ]
    others = {row.own_id for row in listed if row.file not in chosen}
    rows = [row for row in content["annotations"] if not _is_of(row.get("image_id"), others)]
    return {**content, "images": images, "annotations": rows}


def _is_of(number: object, ids: set[int]) -> bool:
    return isinstance(number, int | float | str) and number in ids
