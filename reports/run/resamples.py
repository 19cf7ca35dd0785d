"""What another choice of test pictures would make of every training, from the matches that lie beside the store.

Resampling a COCO-sized training takes seconds, so what came of it is kept in the folder `cache`, under the
hash of the matches; it may be deleted at any time.
"""

import hashlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from suite.record import file_digest
from suite.stats.bootstrap import RESAMPLES, picture_weights, resampled
from suite.stats.matches import Matches, load

MATCHES = "matches.npz"
VERSION = 1
"""Raised when the same matches would be resampled to other numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """AP, AP50 and AP75 (rows of `values`) under resamples of the pictures; equal `truth` means equal resamples."""

    truth: str  # hash of the pictures and the objects in them
    pictures: int
    values: npt.NDArray[np.float64]


def resamples_of(folder: Path, artifacts: Mapping[str, Sequence[str]]) -> dict[str, Resampled]:
    """The resamples of each job that left matches behind, by its key; matches that cannot be read are left out.

    Args:
        folder: the store's, which the artifacts' paths start from.
        artifacts: the files of each job.
    """
    files = {
        key: folder / path
        for key, paths in artifacts.items()
        for path in paths
        if path.endswith(MATCHES)
    }
    found = {
        key: _resampled(path, folder / "cache" / "resamples")
        for key, path in files.items()
        if path.is_file()
    }
    return {key: each for key, each in found.items() if each is not None}


def _resampled(path: Path, cached: Path) -> Resampled | None:
    kept = cached / f"{file_digest(path)[:32]}-{RESAMPLES}-{VERSION}.npz"
    try:
        with np.load(kept, allow_pickle=False) as content:
            return Resampled(str(content["truth"]), int(content["pictures"]), content["values"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass  # not resampled before, or a file that a kill left unfinished
    try:
        matches = load(path)
    except ValueError:
        return None
    count = len(matches.pictures)
    found = Resampled(_truth(matches), count, resampled(matches, _weights(count)))
    _keep(found, kept)
    return found


@cache
def _weights(pictures: int) -> npt.NDArray[np.intp]:
    return picture_weights(pictures)


def _truth(matches: Matches) -> str:
    content = hashlib.sha256(matches.data.encode())
    for part in (
        matches.pictures,
        matches.categories,
        matches.truth_picture,
        matches.truth_category,
    ):
        content.update(repr((part.shape, str(part.dtype))).encode())
        content.update(part.tobytes())
    content.update(matches.truth_counted.tobytes())
    return content.hexdigest()


def _keep(found: Resampled, path: Path) -> None:
    part = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(
                file,
                truth=np.asarray(found.truth),
                pictures=np.asarray(found.pictures),
                values=found.values,
            )
        part.replace(path)
    except OSError:
        pass  # a store that may only be read: resampled again next time
