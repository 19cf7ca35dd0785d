"""Sets whose pictures are all in one part: the lists that `data split` writes say which are to train on."""

from collections.abc import Iterator
from pathlib import Path

from suite.datasets.formats.folder import inside, lines

PARTS = ("train", "val")


def list_file(folder: Path, split: str) -> Path:
    """Names the pictures of a part, one a line, seen from the set's folder."""
    return folder / f"split_{split}.txt"


def has_lists(folder: Path) -> bool:
    """Whether a set was split."""
    return all(list_file(folder, split).is_file() for split in PARTS)


def listed(folder: Path, split: str) -> Iterator[Path]:
    """The pictures of a part, in the order of its list.

    Raises:
        DataError: the list cannot be read, or a line leaves the folder.
    """
    file = list_file(folder, split)
    for number, line in lines(file):
        yield inside(folder, line, f"{file}:{number}")


def write_lists(folder: Path, parts: dict[str, list[str]]) -> None:
    """Write both lists.

    Raises:
        OSError: the folder or the disk does not take them.
    """
    for split in PARTS:
        list_file(folder, split).write_text("".join(f"{name}\n" for name in parts[split]), "utf-8")
