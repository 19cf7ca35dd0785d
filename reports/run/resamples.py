"""What another choice of test pictures would make of every training, from the matches that lie beside the store.

Resampling a COCO-sized training takes seconds, so what came of it is kept in the folder `cache`, under the
hash of the matches; it may be deleted at any time.
"""

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from reports.model import Resampled
from suite.files import replacing
from suite.record import file_digest
from suite.stats.bootstrap import METRICS, RESAMPLES, picture_weights, resampled
from suite.stats.difference import Side
from suite.stats.matches import Matches, load

MATCHES = "matches.npz"
VERSION = 1
"""Raised when the same matches would be resampled to other numbers."""


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
    cache_folder = folder / "cache" / "resamples"
    known = {key: _resampled(path, cache_folder) for key, path in files.items() if path.is_file()}
    return {key: resamples for key, resamples in known.items() if resamples is not None}


@dataclass(frozen=True, slots=True)
class Trained:
    """The accuracy of one training, and its resamples where its matches are stored."""

    value: float
    resamples: Resampled | None


def sides(base: Sequence[Trained], variant: Sequence[Trained], metric: str) -> tuple[Side, Side]:
    """Both sides of a comparison by a metric, for `suite.stats.difference`.

    The choice of the test pictures is only in it where every training has resamples of the same pictures: what is
    known of some of them says nothing of the difference.

    Args:
        base: its trainings, at least one.
        variant: its trainings, at least one.
        metric: resampled are "ap", "ap50" and "ap75".
    """
    known = [training.resamples for training in (*base, *variant)]
    truths = {resamples.truth for resamples in known if resamples is not None}
    alike = metric in METRICS and None not in known and len(truths) == 1
    return _side(base, metric, alike=alike), _side(variant, metric, alike=alike)


def _side(trainings: Sequence[Trained], metric: str, *, alike: bool) -> Side:
    values = tuple(training.value for training in trainings)
    resamples = [t.resamples for t in trainings if t.resamples is not None]
    if not alike:
        return Side(values)
    row = METRICS.index(metric)
    drawn = np.stack([each.values[row] for each in resamples])
    return Side(values, drawn, resamples[0].pictures)


def _resampled(path: Path, cached: Path) -> Resampled | None:
    kept = cached / f"{file_digest(path)[:32]}-{RESAMPLES}-{VERSION}.npz"
    try:
        # numpy leaves a file of its own open where the archive is damaged
        with kept.open("rb") as file, np.load(file, allow_pickle=False) as content:
            return Resampled(str(content["truth"]), int(content["pictures"]), content["values"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass  # not resampled before, or a file that a kill left unfinished
    try:
        matches = load(path)
    except ValueError:
        return None
    count = len(matches.pictures)
    resamples = Resampled(_truth(matches), count, resampled(matches, _weights(count)))
    _keep(resamples, kept)
    return resamples


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


def _keep(resamples: Resampled, path: Path) -> None:
    try:
        with replacing(path, durable=False) as part, part.open("wb") as file:
            np.savez(
                file,
                truth=np.asarray(resamples.truth),
                pictures=np.asarray(resamples.pictures),
                values=resamples.values,
            )
    except OSError:
        pass  # a store that may only be read: resampled again next time
