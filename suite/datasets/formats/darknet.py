"""Darknet's description of a data set, as CVAT ("YOLO 1.1") and datumaro write it: obj.data beside obj.names."""

from pathlib import Path

from suite.datasets.formats.folder import class_names, inside, lines
from suite.datasets.formats.yolo_yaml import Description, Said
from suite.datasets.split import DataError

FILE = "obj.data"
_HOME = "data/"  # where darknet was run from; the exported set has no such folder


def read_description(file: Path) -> Description:
    """Read `key = value` lines: names, train, and valid or val; others are passed over.

    Raises:
        DataError: it names no file of names, or one that is not there.
    """
    said: dict[str, Said] = {}
    for number, line in lines(file):
        key, _, value = line.partition("=")
        said[key.strip().lower()] = Said(_there(file.parent, value.strip()), number)
    names = said.get("names")
    if names is None:
        raise DataError(f"{file}: has no line `names = ...`; it names the file with the classes")
    parts = {
        "train": tuple(said[key] for key in ("train",) if key in said),
        "val": tuple(said[key] for key in ("valid", "val", "validation") if key in said)[:1],
    }
    path = inside(file.parent, names.text, f"{file}:{names.line}: names")
    return Description(Said("", 0), parts, class_names(path))


def _there(folder: Path, text: str) -> str:
    """The path as it is to be read: without `data/`, unless there is such a folder."""
    return text if (folder / _HOME).is_dir() else text.removeprefix(_HOME)
