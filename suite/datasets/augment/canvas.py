"""Where training pictures lie before they are moved: one picture, or a mosaic of four or nine.

Coordinates are those of edges: a picture of width W reaches from 0 to W, and its first pixel's centre lies at 0.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from suite.datasets.images import PADDING, Image
from suite.datasets.random import RandomStream

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """An image (H, W, 3) with its boxes (n, 4) left, top, right, bottom in pixels and their class indices (n,).

    `outlines` is empty, or has one polygon (k, 2) a box, of no points where the object's shape is not known.
    """

    image: Image
    boxes: Floats
    labels: NDArray[np.int64]
    outlines: tuple[Floats, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """An image whose left top corner lies at (`left`, `top`) of a canvas; it covers what lies below where `mask` is."""

    image: Image
    left: int
    top: int
    mask: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """Pictures laid out beside one another and not painted yet: of a mosaic, a sample shows a third on average."""

    size: tuple[int, int]  # height, width
    pieces: tuple[Piece, ...]
    boxes: Floats
    labels: NDArray[np.int64]
    outlines: tuple[Floats, ...] = ()

    def window(self, left: int, top: int, right: int, bottom: int) -> Image:
        """The image (bottom - top, right - left, 3) uint8 between these edges, in pixels of the canvas.

        It is grey where no picture lies, and beyond the canvas.
        """
        image = np.full((bottom - top, right - left, 3), PADDING, np.uint8)
        low_x, low_y = max(left, 0), max(top, 0)
        high_x, high_y = min(right, self.size[1]), min(bottom, self.size[0])
        for piece in self.pieces:
            height, width = piece.image.shape[:2]
            x0, y0 = max(piece.left, low_x), max(piece.top, low_y)
            x1, y1 = min(piece.left + width, high_x), min(piece.top + height, high_y)
            if x0 >= x1 or y0 >= y1:
                continue
            part = (slice(y0 - piece.top, y1 - piece.top), slice(x0 - piece.left, x1 - piece.left))
            target = image[y0 - top : y1 - top, x0 - left : x1 - left]
            if piece.mask is None:
                target[:] = piece.image[part]
            else:
                np.copyto(target, piece.image[part], where=piece.mask[part][..., None])
        return image


def box_areas(boxes: Floats) -> Floats:
    """(n,) areas in square pixels of boxes (n, 4) left, top, right, bottom."""
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))


def fitted(sample: Sample, size: tuple[int, int]) -> Canvas:
    """One picture in the middle of a canvas of `size` (height, width), as large as it fits."""
    height, width = sample.image.shape[:2]
    ratio = min(size[0] / height, size[1] / width)
    rows, columns = round(height * ratio), round(width * ratio)
    image = sample.image
    if (rows, columns) != (height, width):
        image = np.asarray(
            cv2.resize(image, (columns, rows), interpolation=cv2.INTER_LINEAR), np.uint8
        )
    left, top = (size[1] - columns) // 2, (size[0] - rows) // 2
    boxes = sample.boxes * ratio + np.array((left, top) * 2)
    return Canvas(size, (Piece(image, left, top),), boxes, sample.labels)


def mosaic4(samples: Sequence[Sample], size: int, stream: RandomStream) -> Canvas:
    """Four pictures that meet at a random point of a canvas of twice the size."""
    x, y = (stream.between(size // 2, size + size // 2) for _ in range(2))
    corners = []
    for corner, sample in enumerate(samples):
        height, width = sample.image.shape[:2]
        corners.append((x - width if corner % 2 == 0 else x, y - height if corner < 2 else y))
    return _laid_out(samples, corners, (2 * size, 2 * size))


def mosaic9(samples: Sequence[Sample], size: int, stream: RandomStream) -> Canvas:
    """Nine pictures, the first in the middle and the others around it, of which a window of twice the size shows some.

    From above the middle they go around clockwise, each against the middle one or the one before it.
    """
    heights, widths = zip(*(sample.image.shape[:2] for sample in samples), strict=True)
    x, y = size - stream.integer(size), size - stream.integer(size)
    right, bottom = x + widths[0], y + heights[0]
    corners = (
        (x, y),
        (x, y - heights[1]),
        (x + widths[1], y - heights[2]),
        (right, y),
        (right, y + heights[3]),
        (right - widths[5], bottom),
        (right - widths[5] - widths[6], bottom),
        (x - widths[7], bottom - heights[7]),
        (x - widths[8], bottom - heights[7] - heights[8]),
    )
    return _laid_out(samples, corners, (2 * size, 2 * size))


def _laid_out(
    samples: Sequence[Sample], corners: Sequence[tuple[int, int]], size: tuple[int, int]
) -> Canvas:
    pieces = tuple(
        Piece(sample.image, *corner) for sample, corner in zip(samples, corners, strict=True)
    )
    edge = (size[1], size[0])
    boxes = [
        np.clip(sample.boxes + np.array(corner * 2), 0, edge * 2)
        for sample, corner in zip(samples, corners, strict=True)
    ]
    outlines: tuple[Floats, ...] = ()
    if any(sample.outlines for sample in samples):
        none = np.empty((0, 2))
        outlines = tuple(
            np.clip(outline + np.array(corner), 0, edge)
            for sample, corner in zip(samples, corners, strict=True)
            for outline in sample.outlines or (none,) * len(sample.boxes)
        )
    labels = np.concatenate([sample.labels for sample in samples])
    return Canvas(size, pieces, np.concatenate(boxes), labels, outlines)
