"""What lies in a folder of pictures: every file once, and which of them nothing was made of."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from suite.datasets.formats.assemble import Notes
from suite.datasets.formats.folder import PICTURES

_NO_PICTURES = frozenset(
    (
        *(".txt", ".xml", ".json", ".yaml", ".yml", ".csv", ".tsv", ".md", ".html", ".names"),
        *(".data", ".cache", ".npy", ".npz", ".zip", ".db", ".ini", ".py", ".sh"),
    )
)
_FEWEST = 5  # numbers of a line of labels
_LINE = 4096  # bytes


def files_below(folder: Path, leave_out: Path | None = None) -> Iterator[Path]:
    """All files that are not hidden, in order; links to folders are followed, and no folder is entered twice.

    Args:
        folder: where to begin.
        leave_out: a folder that is not entered.
    """
    entered = {folder.resolve()} | ({leave_out.resolve()} if leave_out else set())
    for parent, inner, names in os.walk(folder, followlinks=True):
        here, further = Path(parent), []
        for name in sorted(inner):
            real = (here / name).resolve()
            if not name.startswith(".") and real not in entered:
                entered.add(real)
                further.append(name)
        inner[:] = further
        yield from (here / name for name in sorted(names) if not name.startswith("."))


def is_picture(file: Path) -> bool:
    """By the ending of its name."""
    return file.suffix.lower() in PICTURES


def note_passed_over(
    root: Path,
    parts: Iterable[Path],
    pictures: Iterable[Path],
    label_file: Callable[[Path], Path],
    notes: Notes,
) -> None:
    """Take down the files that a reader of a picture and a text beside it makes nothing of.

    Args:
        root: the data set's folder, which the notes' places are seen from.
        parts: folders and lists of the part; only folders are looked through.
        pictures: those that were taken.
        label_file: where the labels of a picture are.
        notes: takes them down.
    """
    taken = Counter(label_file(picture) for picture in pictures)
    for labels, count in taken.items():
        if count > 1 and labels.is_file():
            for _ in range(count - 1):
                notes.add("picture shares its label file with another", _seen(root, labels))
    for part in parts:
        if part.is_dir():
            _note_folder(root, part, taken, label_file, notes)


def _note_folder(
    root: Path,
    part: Path,
    taken: Counter[Path],
    label_file: Callable[[Path], Path],
    notes: Notes,
) -> None:
    home = label_file(part / "any.jpg").parent
    for file in files_below(part):
        ending = file.suffix.lower()
        if ending == ".txt" and home != part and _is_label(file):
            notes.add("label file passed over: not in the folder of labels", _seen(root, file))
        elif ending not in PICTURES | _NO_PICTURES:
            notes.add("file passed over: no picture by its ending", _seen(root, file))
    _note_labels(root, home, taken, notes, above=home not in {root, part})


def _note_labels(
    root: Path, home: Path, taken: Counter[Path], notes: Notes, *, above: bool
) -> None:
    """Note labels in `home` that belong to no picture, and those one folder above it that a picture lacks."""
    unlabelled = {labels.name for labels in taken if not labels.is_file()}
    for file in sorted(home.parent.glob("*.txt")) if above else ():
        if file.name in unlabelled and file not in taken and _is_label(file):
            notes.add("label file passed over: not in the folder of labels", _seen(root, file))
    for file in files_below(home) if home.is_dir() else ():
        if file.suffix.lower() == ".txt" and file not in taken and _is_label(file):
            notes.add("label file passed over: no picture of its name", _seen(root, file))


def _is_label(file: Path) -> bool:
    """Whether a text begins as labels do; one that is empty says that there are no objects."""
    with file.open("rb") as stream:
        fields = stream.readline(_LINE).split()
    try:
        return len([float(field) for field in fields]) >= _FEWEST or not fields
    except ValueError:
        return False


def _seen(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix()
