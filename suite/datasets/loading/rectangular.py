"""Validation batches of YOLOv5's rectangular kind: pictures of like shape together, padded no further than needed.

What a picture is padded to depends on its neighbours, so AP depends a little on the batch size; the square batches of
`suite.datasets.loading.loader` are free of that. Here for comparison with numbers that were made this way.
"""

import math
from collections.abc import Iterator

from suite.datasets.loading.loader import ValBatch, validation_batch
from suite.datasets.loading.rect import image_shape
from suite.datasets.split import Picture, Split

PAD = 0.5  # strides added on each axis before rounding up: a square batch at 640 becomes 672


class RectangularBatches:
    """Every picture once, by the ratio of height to width; each batch has the shape that its extreme ratio needs."""

    def __init__(self, split: Split, *, image_size: int, batch: int, stride: int) -> None:
        self._pictures = sorted(split.pictures, key=lambda picture: picture.height / picture.width)
        self._size, self._batch, self._stride = image_size, batch, stride

    def __len__(self) -> int:
        return math.ceil(len(self._pictures) / self._batch)

    def __iter__(self) -> Iterator[ValBatch]:
        for first in range(0, len(self._pictures), self._batch):
            pictures = tuple(self._pictures[first : first + self._batch])
            shape = batch_shape(pictures, self._size, self._stride)
            yield validation_batch(pictures, self._size, shape)


def batch_shape(pictures: tuple[Picture, ...], size: int, stride: int) -> tuple[int, int]:
    """Height and width in pixels of a batch."""
    ratios = [picture.height / picture.width for picture in pictures]
    return image_shape(min(ratios), max(ratios), size, stride, pad=PAD)
