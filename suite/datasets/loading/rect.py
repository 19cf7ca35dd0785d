"""Batches of pictures of like shapes, so that little of a batch is border: YOLOv5's rectangular training."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suite.datasets.split import Picture


@dataclass(frozen=True, slots=True)
class Shaped:
    """Indices of the pictures of a batch, and the height and width in pixels of its images."""

    pictures: tuple[int, ...]
    size: tuple[int, int]


def by_shape(
    pictures: Sequence[Picture], *, image_size: int, batch: int, stride: int
) -> tuple[Shaped, ...]:
    """The batches of an epoch, from the widest pictures to the tallest; longer sides are `image_size`.

    Every batch is full: the last one shows again what it lacks (YOLOv5's is smaller).
    """
    ratios = np.array([picture.height / picture.width for picture in pictures])
    order = np.argsort(ratios, kind="stable")
    starts = range(0, len(order), batch)
    groups = [np.resize(order[min(start, max(len(order) - batch, 0)) :], batch) for start in starts]
    return tuple(
        Shaped(
            tuple(group.tolist()),
            image_shape(ratios[group].min(), ratios[group].max(), image_size, stride),
        )
        for group in groups
    )


def image_shape(
    least: float, most: float, image_size: int, stride: int, *, pad: float = 0.0
) -> tuple[int, int]:
    """Height and width in pixels for pictures whose heights are `least` to `most` of their widths.

    The longer side is `image_size`, the other what the pictures need; `pad` is in strides, before both are rounded up.
    """
    height = width = 1.0
    if most < 1:
        height = most
    elif least > 1:
        width = 1 / least
    rows, columns = (
        math.ceil(side * image_size / stride + pad) * stride for side in (height, width)
    )
    return rows, columns
