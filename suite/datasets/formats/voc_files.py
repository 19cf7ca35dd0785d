"""Where the sheets and pictures of a Pascal VOC set lie: VOC's own layout, and those of tools that write its form."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from suite.datasets.formats import one_part
from suite.datasets.formats.assemble import Notes
from suite.datasets.formats.folder import PICTURES, lines
from suite.datasets.formats.listing import files_below, is_picture
from suite.datasets.formats.spelling import SLASHES

_SETS = "ImageSets/Main"
_SHEETS, _PICTURES = ("Annotations", "annotations"), ("JPEGImages", "images")
_FOLDERS = {"train": ("train",), "val": ("val", "valid")}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a part lies. `list` names its pictures, if anything does: seen from `pictures` and without an ending."""

    sheets: Path
    pictures: Path
    list: Path

    @property
    def is_listed(self) -> bool:
        """Whether a file names the pictures; otherwise they are all that have a sheet or a picture's ending."""
        return self.list.is_file()


def layout(folder: Path, split: str) -> Layout | None:
    """Where a part of the set lies; None where there is no such part."""
    whole = only_part(folder) if one_part.has_lists(folder) else None
    if whole is not None:
        return Layout(whole.sheets, whole.pictures, one_part.list_file(folder, split))
    return _own(folder, split)


def only_part(folder: Path) -> Layout | None:
    """Where a set lies that is in one part; None for one that has two."""
    parts = [own for split in one_part.PARTS if (own := _own(folder, split)) is not None]
    if parts:
        return parts[0] if len(parts) == 1 else None
    return _of_folder(folder)


def _own(folder: Path, split: str) -> Layout | None:
    names = folder / _SETS / f"{split}.txt"
    if names.is_file():
        return Layout(_first(folder, _SHEETS), _first(folder, _PICTURES), names)
    parts = (folder / name for name in _FOLDERS[split])
    return next((found for part in parts if (found := _of_folder(part))), None)


def _of_folder(folder: Path) -> Layout | None:
    """Sheets and pictures in folders of their own, or side by side."""
    sheets = _first(folder, _SHEETS)
    if sheets.is_dir() and any(file.suffix == ".xml" for file in files_below(sheets)):
        return Layout(sheets, _first(folder, (*_PICTURES, ".")), folder)
    if folder.is_dir() and any(folder.glob("*.xml")):
        return Layout(folder, folder, folder)
    return None


def _first(folder: Path, names: Sequence[str]) -> Path:
    """The first of these folders that is there, or that of VOC's own layout."""
    return next((folder / name for name in names if (folder / name).is_dir()), folder / names[0])


def stems(folder: Path, at: Layout, notes: Notes) -> Iterator[tuple[str, str]]:
    """Of each picture where it is named, and its path seen from the folder of pictures, without an ending.

    Lines that were not read as they are written are noted.
    """
    if not at.is_listed:
        found = {
            file.relative_to(root).with_suffix("").as_posix()
            for root, wanted in ((at.sheets, _is_sheet), (at.pictures, is_picture))
            for file in files_below(root)
            if wanted(file)
        }
        yield from ((str(at.sheets), stem) for stem in sorted(found))
        return
    seen_from = at.pictures.relative_to(folder).as_posix()
    for number, line in lines(at.list):
        if "\\" in line:
            notes.add(SLASHES, f"{at.list.name}:{number}: {line!r}", "note")
        name = PurePosixPath(line.replace("\\", "/")).as_posix()
        if PurePosixPath(name).suffix.lower() in PICTURES:
            name = name.rpartition(".")[0]
        if at.list.parent == folder:  # a list of `data split`, which is seen from the set's folder
            name = name.removeprefix(f"{seen_from}/")
        yield f"{at.list}:{number}", name


def _is_sheet(file: Path) -> bool:
    return file.suffix == ".xml"


def picture_files(at: Layout, wanted: Sequence[str], notes: Notes) -> Mapping[str, Path]:
    """The picture of each stem that has one; of two with one stem the first in the order of names, and a note."""
    files: dict[str, Path] = {}
    known = set(wanted)
    for parent in sorted({PurePosixPath(stem).parent for stem in known}):
        here = at.pictures / parent
        paths = sorted(path for path in here.iterdir() if is_picture(path)) if here.is_dir() else []
        for path in paths:
            stem = (parent / path.stem).as_posix()
            if stem in files:
                notes.add("picture passed over: another has its name", f"{stem} ({path.name})")
            elif stem in known:
                files[stem] = path
    return files
