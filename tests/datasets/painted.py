"""Pictures of solid rectangles, and where an eye finds them again: no arithmetic of the code under test."""

import numpy as np
from numpy.typing import NDArray

from suite.datasets.augment.order import Sample

BACKGROUND = 40
COLOURS = [
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 0),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
]
COLOURS += [(255, 128, 0), (128, 0, 255)]


def painted(size: tuple[int, int], boxes: dict[int, tuple[int, int, int, int]]) -> Sample:
    """A picture of `size` (height, width) with a rectangle (left, top, right, bottom) of each colour named."""
    image = np.full((*size, 3), BACKGROUND, np.uint8)
    for colour, (left, top, right, bottom) in boxes.items():
        image[top:bottom, left:right] = COLOURS[colour]
    return Sample(
        image,
        np.array(list(boxes.values()), np.float64).reshape(-1, 4),
        np.array(list(boxes), np.int64),
    )


def pixels_of(image: NDArray[np.uint8], colour: int) -> NDArray[np.bool_]:
    """The pixels that are more of this colour than of any other thing in the picture."""
    palette = np.array([*COLOURS, (BACKGROUND,) * 3, (114,) * 3], np.int16)
    distances = np.abs(image[:, :, None].astype(np.int16) - palette).sum(axis=-1, dtype=np.int16)
    array: NDArray[np.bool_] = distances.argmin(axis=-1) == colour
    return array


def extent(image: NDArray[np.uint8], colour: int) -> list[int] | None:
    """Left, top, right and bottom edge of all pixels of a colour; None where there is none."""
    rows, columns = np.nonzero(pixels_of(image, colour))
    if not len(rows):
        return None
    return [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]
