"""What tells two parts of data sets apart: anything that training or evaluation could notice."""

import hashlib
from collections.abc import Mapping, Sequence

from suite.datasets.split import Category, Picture
from suite.record import canonical_json


def fingerprint(
    categories: Sequence[Category], pictures: Sequence[Picture], files: Mapping[int, Sequence[str]]
) -> str:
    """64 hexadecimal digits; `files` has the name and the identity of each picture's file, by its id."""
    total = hashlib.sha256(
        canonical_json([[category.own_id, category.name] for category in categories]).encode()
    )
    for picture in pictures:
        name, identity = files[picture.id]
        about = [
            picture.own_id,
            name,
            picture.width,
            picture.height,
            identity,
            len(picture.boxes),
        ]
        about += [True] if picture.upright else []
        total.update(canonical_json(about).encode())
        for values in (
            picture.boxes,
            picture.labels,
            picture.crowd,
            picture.area,
            *picture.outlines,
        ):
            total.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
    return total.hexdigest()
