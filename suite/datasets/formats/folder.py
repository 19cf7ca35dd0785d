"""Small text files and paths of a data set's folder: bounded, in UTF-8, and never outside the folder."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from suite.datasets.split import Category, DataError

PICTURES = frozenset((".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff"))
_MOST_BYTES = 64 * 2**20  # of a text file; a list of COCO's 118,287 pictures has 5 MB
_LONGEST_NAME, _LONGEST_PATH = 255, 2048  # bytes
_LARGEST_ID = 2**53  # beyond it JSON readers round


def inside(root: Path, text: str, where: str, *, near: Path | None = None) -> Path:
    """The path that `text` means, seen from `near` (`root` where that is not given).

    Raises:
        DataError: it is not within `root`; `where` begins the message.
    """
    require_path(text, where)
    base = os.path.abspath(root)  # noqa: PTH100  (a link within the folder may lead out of it: that is its owner's will)
    path = os.path.normpath(os.path.join(base, near or "", text))  # noqa: PTH118
    if os.path.commonpath((base, path)) != base:
        raise DataError(
            f"{where}: {text!r} leaves the data set's folder; it must be a relative path inside"
        )
    return root / os.path.relpath(path, base)


def require_path(text: str, where: str) -> None:
    """Raise DataError if no file can be called so: the system would answer with an error of its own."""
    try:
        parts = [len(part.encode()) for part in text.split("/")]
    except UnicodeEncodeError:  # half a character
        parts = [_LONGEST_NAME + 1]
    if "\0" in text or max(parts) > _LONGEST_NAME or sum(parts) + len(parts) > _LONGEST_PATH:
        raise DataError(
            f"{where}: no file can be called {text[:40]!r}; it must be a relative path inside"
        )


def read_bytes(file: Path, most: int, usual: str) -> bytes:
    """The whole file, of at most so many bytes; `usual` is said of one that is larger.

    Raises:
        DataError: it cannot be read, or is larger.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror or error})") from error
    if len(data) > most:
        raise DataError(f"{file}: is larger than {most // 2**20} MiB; {usual}")
    return data


def read_text(file: Path) -> str:
    """The whole text.

    Raises:
        DataError: it cannot be read, is larger than 64 MiB or no UTF-8.
    """
    data = read_bytes(file, _MOST_BYTES, "such text files are far smaller")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{file}:{line}: is no UTF-8 text; save it as UTF-8") from error


def lines(file: Path) -> Iterator[tuple[int, str]]:
    """The number and the text of every line that is not blank."""
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        if line.strip():
            yield number, line.strip()


def class_names(file: Path) -> tuple[str, ...]:
    """One name a line.

    Raises:
        DataError: a name stands there twice, or there is none.
    """
    names: dict[str, int] = {}
    for number, name in lines(file):
        if name in names:
            raise DataError(
                f"{file}:{number}: class {name!r} stands on line {names[name]} already; names must differ"
            )
        names[name] = number
    if not names:
        raise DataError(f"{file}: is empty; it has the name of one class on each line")
    return tuple(names)


def categories(names: tuple[str, ...]) -> tuple[Category, ...]:
    """Classes without ids of their own, numbered from 1."""
    return tuple(Category(number, name) for number, name in enumerate(names, start=1))


def numbered(names: list[str]) -> list[int]:
    """An id for each picture, the same on every machine: forms without ids have to have them for evaluation.

    It is the number that the file's name ends with (COCO's own ids, where the pictures are COCO's), if every name
    ends with one and all differ; otherwise the rank in the order of the names, from 1.
    """
    stems = [name.rpartition("/")[2].rpartition(".")[0] for name in names]
    endings = [re.search(r"[0-9]{1,16}$", stem) for stem in stems]
    ids = [int(ending[0]) for ending in endings if ending]
    if len(ids) == len(set(ids)) == len(names) and max(ids, default=0) < _LARGEST_ID:
        return ids
    ranks = {name: rank for rank, name in enumerate(sorted(names), start=1)}
    return [ranks[name] for name in names]
