"""The matches of detections with objects, kept beside a training: AP of any resample of the pictures comes from them.

Flags are bits, one for each area range and IoU threshold: 40 of a 64-bit word. The order of the
detections is that of pycocotools, so that equal scores fall as they fall there.
"""

import io
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.files import replacing

AREAS = ("all", "small", "medium", "large")
"""COCO's area ranges, in the order of the flags' blocks of bits."""

LIMITS = (1, 10, 100)
"""How many detections of a picture and a category count."""

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_THRESHOLDS = np.linspace(0.0, 1.0, 101)

_FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """What became of every detection that counts, and every object.

    Detections are sorted by category, then by falling score, ties by picture and rank; objects by
    nothing.
    """

    pictures: NDArray[Any]  # (I,) ids, whole numbers or texts, rising
    categories: NDArray[np.int64]  # (K,) ids, rising
    names: tuple[str, ...]  # (K,)
    data: str  # fingerprint of the validation part, "" where it is not known
    picture: NDArray[np.int32]  # (D,) index into `pictures`
    category: NDArray[np.int32]  # (D,) index into `categories`, rising
    score: NDArray[np.float64]  # (D,)
    rank: NDArray[np.int16]  # (D,) among the detections of its picture and category, the best is 0
    # (D,) bit 10 a + t: true positive in area range a at IoU threshold t
    correct: NDArray[np.uint64]
    ignored: NDArray[np.uint64]  # (D,) likewise: neither true nor false
    truth_picture: NDArray[np.int32]  # (G,)
    truth_category: NDArray[np.int32]  # (G,)
    truth_counted: NDArray[np.uint8]  # (G,) bit a: counts in area range a; crowds count in none

    def flags(self, area: int, threshold: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(D,) whether each detection is a true positive, and whether it is ignored."""
        bit = np.uint64(1 << (area * len(IOU_THRESHOLDS) + threshold))
        return (self.correct & bit) != 0, (self.ignored & bit) != 0

    def starts(self) -> NDArray[np.int64]:
        """(K + 1,) where the detections of each category begin; the last is their number."""
        return np.searchsorted(self.category, np.arange(len(self.categories) + 1)).astype(np.int64)

    def objects(self) -> NDArray[np.int64]:
        """(K, areas) how many objects count."""
        bits = self.truth_counted[:, None] >> np.arange(len(AREAS), dtype=np.uint8) & 1
        counts = np.zeros((len(self.categories), len(AREAS)), np.int64)
        np.add.at(counts, self.truth_category, bits.astype(np.int64))
        return counts


def save(matches: Matches, path: Path) -> Path:
    """Write the matches (.npz); a reader sees either the old file or the new one, never a half."""
    arrays = {field.name: np.asarray(getattr(matches, field.name)) for field in fields(Matches)}
    arrays["names"] = np.asarray(matches.names, dtype=np.str_)
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, format=np.asarray(_FORMAT), **arrays)
    with replacing(path, size=len(content.getvalue())) as part:
        part.write_bytes(content.getvalue())
    return path


def load(path: Path) -> Matches:
    """Read what `save` wrote.

    Raises:
        ValueError: the file is not there, damaged, or something else.
    """
    try:
        # numpy leaves a file of its own open where the archive is damaged
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
        written = int(arrays.pop("format"))
        arrays["names"] = tuple(arrays["names"].tolist())
        arrays["data"] = str(arrays["data"])
        matches = Matches(**arrays)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        zipfile.BadZipFile,
        zipfile.error,
    ) as error:
        raise ValueError(f"{path}: is no file of matches, or a damaged one ({error})") from error
    if written != _FORMAT:
        raise ValueError(
            f"{path}: matches of format {written}; this version reads format {_FORMAT}"
        )
    return matches
