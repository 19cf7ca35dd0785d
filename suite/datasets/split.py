"""The records of a data set: what every reader makes and every loader and metric takes."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.datasets.findings import Severity
from suite.datasets.numbered import Numbered
from suite.record import Json


class DataError(ValueError):
    """Files that are wrong; the message says where, what, and what would be right. `code` is a failed job's."""

    code = "data"


class MissingDataError(DataError):
    """There is no data, or nothing of it can be used."""


class BrokenPictureError(DataError):
    """One picture does not decode any more, or to another size than it had."""

    def __init__(self, file: Path, what: str) -> None:
        super().__init__(file, what)  # both, so that it can be pickled
        self.file, self.what = file, what

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a data set is read.

    `pixels` says whether pictures have to be there, which scores of stored detections do without where sizes are
    stated; `labelled` whether a part without a usable object is none. `voc_first_pixel` is 1 where the corners of VOC
    boxes count pixels from 1 and the last one in; None takes them as they stand, and notes what looks so.
    """

    pixels: bool = True
    labelled: bool = True
    voc_first_pixel: int | None = None


USUAL = Reading()


@dataclass(frozen=True, slots=True)
class Category(Numbered):
    """A row of the file's own table; its place in `Split.categories` is the class index that networks see.

    `numbered` as in `Numbered`.
    """

    id: int
    name: str
    numbered: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Picture(Numbered):
    """One picture and its objects.

    `boxes` (n, 4) are x, y, width, height in pixels; `labels` (n,) class indices; `crowd` (n,) marks regions that
    evaluation ignores and training leaves out; `area` (n,) decides small, medium and large. `upright` says that the
    boxes were drawn on the picture as its EXIF orientation turns it. `outlines` is empty, or has the polygon (k, 2) of
    each object in pixels, of no points where only its box is known. `numbered` as in `Numbered`.
    """

    id: int
    file: Path
    width: int
    height: int
    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    crowd: NDArray[np.bool_]
    area: NDArray[np.float64]
    upright: bool = False
    outlines: tuple[NDArray[np.float32], ...] = ()
    numbered: int | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """Something in the files that was left out or mended: how often, and up to three places. A note is no fault."""

    kind: str
    count: int
    examples: tuple[str, ...]
    severity: Severity = "warning"

    def as_json(self) -> dict[str, Json]:
        """The issue as the store and `--json` keep it."""
        return {"kind": self.kind, "count": self.count, "examples": list(self.examples)}


@dataclass(frozen=True, eq=False)
class Split:
    """The training or the validation part of a data set; pictures are in order of their ids.

    `fingerprint` changes with anything that training or evaluation could notice: categories, boxes, pictures. `file`
    says what is in the part, `sought` where its labels were looked for; `left_out` has the ids of pictures that the
    files name, but that cannot be used.
    """

    name: str
    folder: Path
    split: str
    categories: tuple[Category, ...]
    pictures: tuple[Picture, ...]
    issues: tuple[Issue, ...]
    fingerprint: str
    form: str = "COCO JSON"
    file: Path | None = None
    sought: str = ""
    left_out: frozenset[int] = frozenset()

    @property
    def box_count(self) -> int:
        """Objects of all pictures, crowd regions included."""
        return sum(len(picture.boxes) for picture in self.pictures)

    @property
    def warnings(self) -> tuple[str, ...]:
        """A line for each kind of thing that was left out or mended, and may not have been meant."""
        return tuple(
            f"{self.split}: {issue.kind}: {issue.count} ({', '.join(issue.examples)})"
            for issue in self.issues
            if issue.severity == "warning"
        )

    @cached_property
    def annotations(self) -> dict[str, Any]:
        """The split as `pycocotools.coco.COCO` wants it.

        Annotations are numbered from 1: pycocotools takes an annotation of id 0 for no match, and two of one id
        for one object, and says nothing in either case.
        """
        # one row an annotation
        rows = [
            (picture, index) for picture in self.pictures for index in range(len(picture.boxes))
        ]
        return {
            "categories": [
                {"id": category.id, "name": category.name} for category in self.categories
            ],
            "images": [{"id": p.id, "width": p.width, "height": p.height} for p in self.pictures],
            "annotations": [
                {
                    "id": number,
                    "image_id": picture.id,
                    "category_id": self.categories[picture.labels[index]].id,
                    "bbox": picture.boxes[index].tolist(),
                    "area": float(picture.area[index]),
                    "iscrowd": int(picture.crowd[index]),
                }
                for number, (picture, index) in enumerate(rows, start=1)
            ],
        }
