"""Where the pictures and the labels of a YOLO set lie: folders, lists, and the layouts of the tools that write them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from suite.datasets.formats.assemble import Notes
from suite.datasets.formats.folder import inside, lines, require_path
from suite.datasets.formats.listing import files_below, is_picture
from suite.datasets.formats.one_part import has_lists, list_file
from suite.datasets.formats.spelling import SLASHES, is_of_windows, spellings
from suite.datasets.formats.yolo_yaml import Said
from suite.datasets.split import DataError, MissingDataError

_USUAL = {
    "train": ("images/train", "train/images"),
    "val": ("images/val", "images/valid", "valid/images", "val/images"),
}


def parts_of(
    folder: Path, file: Path, said: Mapping[str, Sequence[Said]], split: str, notes: Notes
) -> tuple[Path, ...]:
    """The folders and lists of a part: those that the description names, or else those that lie where they usually do.

    Paths that were not read as they are written are noted.

    Raises:
        DataError: a path leaves the folder.
        MissingDataError: there is no such part.
    """
    if has_lists(folder) and not all(said.values()):
        return (list_file(folder, split),)
    if said[split]:
        return tuple(_part(folder, file, each, split, notes) for each in said[split])
    found = next((folder / name for name in _USUAL[split] if (folder / name).is_dir()), None)
    if found is not None:
        return (found,)
    beside = ", ".join(_USUAL[split])
    raise MissingDataError(
        f"{file}: names no folder or list for {split!r}, and there is none of {beside}; "
        f"if all pictures are in one part, `data split {folder}` makes two of it"
    )


def only_part(
    folder: Path, file: Path, said: Mapping[str, Sequence[Said]]
) -> tuple[Path, ...] | None:
    """The folders and lists of a set that is in one part; None for one that has both."""
    named = [split for split, parts in said.items() if parts]
    usual = [
        folder / name for names in _USUAL.values() for name in names if (folder / name).is_dir()
    ]
    if len(named) == 1:
        return tuple(_part(folder, file, each, named[0], Notes()) for each in said[named[0]])
    if not named and len(usual) < 2:
        return (*usual, folder / "images")[:1]
    return None


def _part(folder: Path, file: Path, said: Said, key: str, notes: Notes) -> Path:
    where = f"{file}:{said.line}"
    require_path(said.text, f"{where}: {key}")
    # a form that some tools export: data.yaml lies in the data set's folder, but writes as if it were one deeper
    for text in spellings(said.text):
        nearer = text.removeprefix("../")
        if (folder / nearer).exists():
            if text != said.text:
                notes.add(SLASHES, f"{file.name}:{said.line}: {said.text!r}", "note")
            return inside(folder, nearer, f"{where}: {key}")
    path = _inside(folder, said.text, f"{where}: {key}")
    if not path.exists():
        raise MissingDataError(f"{where}: {key} names {said.text!r}, which is not in {folder}")
    return path


def pictures_of(folder: Path, part: Path, notes: Notes) -> Iterator[Path]:
    """Pictures in order; those that a list names need not exist.

    A list's lines are seen from its own folder, or from the set's; darknet's have a folder `data` before that, which
    is not there. Lines that were not read as they are written are noted.

    Raises:
        DataError: a line leaves the folder.
    """
    if part.is_dir():
        yield from (file for file in files_below(part) if is_picture(file))
        return
    for number, line in lines(part):
        path, spelling = _listed(folder, part, f"{part}:{number}", line)
        if spelling != line:
            notes.add(SLASHES, f"{part.name}:{number}: {line!r}", "note")
        yield path


def _listed(folder: Path, part: Path, where: str, line: str) -> tuple[Path, str]:
    """The picture that a line means, and the spelling of it by which it was found; the line's own where it was not."""
    near = part.parent.relative_to(folder)
    for text in spellings(line):
        for tried in dict.fromkeys((text, text.removeprefix("data/"))):
            for base in (near, None):
                path = inside(folder, tried, where, near=base)
                if path.is_file():
                    return path, text
    return _inside(folder, line, where), line


def _inside(folder: Path, text: str, where: str) -> Path:
    r"""As `inside`, for what is not there: `C:\a.jpg` is elsewhere to the system that wrote it."""
    if is_of_windows(text):
        raise DataError(
            f"{where}: {text!r} leaves the data set's folder; it must be a relative path inside"
        )
    return inside(folder, text, where)


def label_file(folder: Path, picture: Path) -> Path:
    """The labels of images/a/b.jpg are in labels/a/b.txt; without a folder `images` they lie beside the picture."""
    parts = list(PurePosixPath(picture.relative_to(folder).as_posix()).with_suffix(".txt").parts)
    if "images" in parts[:-1]:
        parts[len(parts) - 2 - parts[-2::-1].index("images")] = "labels"
    return folder.joinpath(*parts)
