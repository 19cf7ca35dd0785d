"""What the report says about a data set, as plain JSON: counts, what was left out, and a few small pictures."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from suite.datasets.decode import load_image
from suite.datasets.formats.forms import check_same_categories
from suite.datasets.formats.yolo import FORM as YOLO
from suite.datasets.images import encode_jpeg, scale_to
from suite.datasets.split import Issue, Picture, Split
from suite.record import Json, digest

GALLERY = 8  # validation pictures that the report shows
_LONGEST = 320  # pixels of a gallery picture's longer side
_SMALL, _LARGE = 32**2, 96**2  # square pixels: COCO's borders


def facts(train: Split, val: Split) -> dict[str, Json]:
    """Everything about the data that the store keeps; boxes of the gallery are in the gallery picture's pixels.

    Raises:
        DataError: the two parts have different tables of categories, or a gallery picture does not decode.
    """
    return summary(train, val) | {
        "gallery": [_gallery_picture(picture) for picture in gallery(val)]
    }


def summary(train: Split, val: Split) -> dict[str, Json]:
    """The facts without pictures.

    Raises:
        DataError: the two parts have different tables of categories.
    """
    check_same_categories(train, val)
    return {
        "name": train.name,
        "fingerprint": fingerprint(train, val),
        "categories": [category.name for category in train.categories],
        "train": _counts(train, counted_from_1(train, val)),
        "val": _counts(val),
    }


def counted_from_1(train: Split, val: Split) -> tuple[Issue, ...]:
    """That the classes of a YOLO set may count from 1, if they may: the first occurs nowhere, and others do.

    Every object would be under the name of the next class, and nothing else would tell.
    """
    labels = np.concatenate(
        [picture.labels for split in (train, val) for picture in split.pictures]
    )
    if train.form != YOLO or not len(labels) or not labels.all():
        return ()
    kind = "no object of class 0 in either part: do the labels count from 1?"
    return (Issue(kind, len(labels), (train.categories[0].name,)),)


def fingerprint(train: Split, val: Split) -> str:
    """The data set's: of both parts."""
    return digest([train.fingerprint, val.fingerprint])


def gallery(val: Split) -> tuple[Picture, ...]:
    """The pictures shown for every variant: evenly spread over those with objects."""
    shown = [picture for picture in val.pictures if (~picture.crowd).any()] or list(val.pictures)
    count = min(GALLERY, len(shown))
    return tuple(shown[index * len(shown) // count] for index in range(count))


def gallery_ratio(picture: Picture) -> float:
    """Pixels of the gallery picture per pixel of the original."""
    return min(1.0, _LONGEST / max(picture.width, picture.height))


def histogram(split: Split) -> dict[str, Json]:
    """Objects by category and by COCO's sizes, and objects in a picture; crowd regions left out."""
    labels = np.concatenate([picture.labels[~picture.crowd] for picture in split.pictures])
    area = np.concatenate([picture.area[~picture.crowd] for picture in split.pictures])
    each = sorted(int((~picture.crowd).sum()) for picture in split.pictures)
    counts = np.bincount(labels, minlength=len(split.categories)).tolist()
    small, large = int((area < _SMALL).sum()), int((area >= _LARGE).sum())
    return {
        "categories": [
            [category.name, n] for category, n in zip(split.categories, counts, strict=True)
        ],
        "sizes": {"small": small, "medium": len(area) - small - large, "large": large},
        "per_picture": {"least": each[0], "median": each[len(each) // 2], "most": each[-1]},
    }


def _counts(split: Split, further: Sequence[Issue] = ()) -> dict[str, Json]:
    return {
        "images": len(split.pictures),
        "boxes": split.box_count,
        "crowds": sum(int(picture.crowd.sum()) for picture in split.pictures),
        "empty": sum(not len(picture.boxes) for picture in split.pictures),
        "skipped": [issue.as_json() for issue in (*split.issues, *further)],
    }


def _gallery_picture(picture: Picture) -> dict[str, Json]:
    image, _ = scale_to(load_image(picture), _LONGEST)
    ratio = gallery_ratio(picture)
    truth: list[Any] = [
        [*(round(ratio * side, 1) for side in box), int(label)]
        for box, label, crowd in zip(
            picture.boxes.tolist(), picture.labels, picture.crowd, strict=True
        )
        if not crowd
    ]
    return {
        "id": picture.own_id,
        "width": image.shape[1],
        "height": image.shape[0],
        "jpeg": base64.b64encode(encode_jpeg(image)).decode("ascii"),
        "truth": truth,
    }
