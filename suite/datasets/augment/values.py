"""Changes of a training picture's single values, each by itself, through a table."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from suite.datasets.images import Image

Values = NDArray[np.integer[Any] | np.floating[Any]]

RAMP = np.arange(256)


def looked_up(image: Image, values: Values) -> Image:
    """Each value v replaced by `values[v]` (256,), or (256, 3) by channel, decimals dropped."""
    table = np.clip(values, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None] if table.ndim == 2 else table), np.uint8)


def solarized(image: Image, threshold: int) -> Image:
    """Values from `threshold` on turned into their opposites."""
    return looked_up(image, np.where(threshold > RAMP, RAMP, 255 - RAMP))


def brightened_shadows(image: Image, amount: int) -> Image:
    """`amount` more for values below 128."""
    return looked_up(image, np.where(RAMP < 128, RAMP + amount, RAMP))


def posterized(image: Image, bits: int) -> Image:
    """Only the highest `bits` of each value."""
    return looked_up(image, RAMP & ~(2 ** (8 - bits) - 1))


def brightened(image: Image, factor: float) -> Image:
    """Every value times `factor`."""
    return looked_up(image, RAMP * factor)
