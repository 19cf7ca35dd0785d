"""Changes of a training picture's colours, which leave its boxes as they are."""

import cv2
import numpy as np

from suite.datasets.augment.values import RAMP, Values, looked_up
from suite.datasets.images import Image

_SMOOTH = np.array(((1, 1, 1), (1, 5, 1), (1, 1, 1)), np.float32) / 13


def adjust_hsv(image: Image, gains: tuple[float, float, float]) -> Image:
    """Multiply hue, saturation and value by `gains`, hue around the circle, the others up to full."""
    hue, saturation, value = (RAMP * gain for gain in gains)
    table = np.stack(
        (hue % 180, np.minimum(saturation, 255), np.minimum(value, 255)), axis=-1
    ).astype(np.uint8)
    shifted = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    cv2.LUT(shifted, table[None], dst=shifted)
    return np.asarray(cv2.cvtColor(shifted, cv2.COLOR_HSV2RGB, dst=shifted), np.uint8)


def contrasted(image: Image, factor: float) -> Image:
    """Distances from the picture's mean grey times `factor`."""
    grey = cv2.mean(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))[0]
    return looked_up(image, grey + (RAMP - grey) * factor)


def coloured(image: Image, factor: float) -> Image:
    """Distances from each pixel's grey times `factor`."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return _between(grey, image, factor)


def sharpened(image: Image, factor: float) -> Image:
    """Distances from the smoothed picture times `factor`."""
    return _between(cv2.filter2D(image, -1, _SMOOTH), image, factor)


def stretched_values(image: Image) -> Image:
    """Each channel's values spread over the whole range."""
    low, high = image.min(axis=(0, 1)).astype(int), image.max(axis=(0, 1)).astype(int)
    table = (RAMP[:, None] - low) * 255 / np.maximum(high - low, 1)
    return looked_up(image, np.where(high > low, table, RAMP[:, None]))


def equalized(image: Image) -> Image:
    """Each channel's values spread so that all are about as frequent."""
    return np.asarray(
        cv2.merge([cv2.equalizeHist(channel) for channel in cv2.split(image)]), np.uint8
    )


def _between(zero: Values, one: Image, factor: float) -> Image:
    return np.asarray(cv2.addWeighted(one, factor, zero, 1 - factor, 0), np.uint8)
