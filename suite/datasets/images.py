"""One picture on its way to the network: letterbox, and the way that YOLOv5 resizes before it."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from suite.datasets.split import DataError

Image = NDArray[np.uint8]  # (H, W, 3), RGB
PADDING = 114  # grey of YOLOv5's borders

# a training job has one thread; OpenCV would take one per core for each small picture
cv2.setNumThreads(1)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture lies in the network's image: pixel = ratio x original pixel + padding.

    `ratio` is that of widths and that of heights, which differ only where the picture is stretched. The paddings are
    halves of the rest and may end in .5; the picture itself starts at the rounded-down pixel.
    `size` is the network image's (height, width).
    """

    ratio: tuple[float, float]
    pad_left: float
    pad_top: float
    size: tuple[int, int]


def resize_longest(image: Image, size: int, *, training: bool) -> tuple[Image, float]:
    """Scale so that the longer side is `size`; the image and the ratio of heights, which YOLOv5 takes for both axes.

    Sides are rounded down, as in YOLOv5 v7.0 (its later state rounds up). Shrinking averages areas, except in
    training, where speed matters more.
    """
    height, width = image.shape[:2]
    ratio = size / max(height, width)
    if ratio == 1:
        return image, 1.0
    way = cv2.INTER_LINEAR if training or ratio > 1 else cv2.INTER_AREA
    resized = np.asarray(
        cv2.resize(image, scaled_sides(width, height, size), interpolation=way), np.uint8
    )
    return resized, resized.shape[0] / height


def view_for_evaluation(
    image: Image, longest: int, size: int | tuple[int, int]
) -> tuple[Image, Letterbox]:
    """A picture as networks are evaluated on it: its longer side scaled to `longest`, then padded to `size`."""
    scaled, ratio = resize_longest(image, longest, training=False)
    padded, box = letterbox(scaled, size)
    return padded, Letterbox((ratio, ratio), box.pad_left, box.pad_top, box.size)


def scaled_sides(width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height of a picture after `resize_longest`."""
    longest = max(width, height)
    if longest == size:
        return width, height
    ratio = size / longest
    return max(int(width * ratio), 1), max(int(height * ratio), 1)


def letterbox(
    image: Image, size: int | tuple[int, int], *, enlarge: bool = False, stride: int | None = None
) -> tuple[Image, Letterbox]:
    """Scale the image to fit `size` and pad it with grey on both sides, as YOLOv5's `letterbox`.

        padded, box = letterbox(image, 640)         # image (480, 320, 3): padded (640, 640, 3)
        box.ratio, box.pad_left, box.pad_top        # (1.0, 1.0), 160.0, 80.0

    Args:
        image: (H, W, 3) uint8 RGB.
        size: of the result in pixels, a side or height and width, unless `stride` is given.
        enlarge: whether a smaller image grows.
        stride: pad only to the next multiple of this, so that the result can be smaller than `size`.

    Returns:
        The padded image (H', W', 3) uint8, and how the picture lies in it. The pixels of the border have the value
        `PADDING`; where the rest is odd, the right and the lower border are the wider ones.
    """
    height, width = image.shape[:2]
    rows, columns = (size, size) if isinstance(size, int) else size
    ratio = min(rows / height, columns / width)
    if not enlarge:
        ratio = min(ratio, 1.0)
    inner = (round(height * ratio), round(width * ratio))
    rest = (rows - inner[0], columns - inner[1])
    if stride is not None:
        rest = (rest[0] % stride, rest[1] % stride)
    if inner != (height, width):
        resized = cv2.resize(image, inner[::-1], interpolation=cv2.INTER_LINEAR)
        image = np.asarray(resized, np.uint8)
    top, left = rest[0] // 2, rest[1] // 2
    padded = np.full((inner[0] + rest[0], inner[1] + rest[1], 3), PADDING, np.uint8)
    padded[top : top + inner[0], left : left + inner[1]] = image
    return padded, Letterbox(
        (ratio, ratio), rest[1] / 2, rest[0] / 2, (padded.shape[0], padded.shape[1])
    )


def stretch(image: Image, size: int) -> tuple[Image, Letterbox]:
    """Scale the image to a square of side `size` whatever its shape: no border, as many deployments feed networks."""
    height, width = image.shape[:2]
    resized = np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
    return resized, Letterbox((size / width, size / height), 0.0, 0.0, (size, size))


def encode_jpeg(image: Image, *, quality: int = 80) -> bytes:
    """The image as a JPEG file."""
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise DataError("a picture cannot be written as JPEG; it must have 3 channels of 8 bits")
    return bytes(data)


def scale_to(image: Image, longest: int) -> tuple[Image, float]:
    """Shrink so that no side exceeds `longest`; the image and the ratio."""
    ratio = min(1.0, longest / max(image.shape[:2]))
    if math.isclose(ratio, 1.0):
        return image, 1.0
    size = (max(round(image.shape[1] * ratio), 1), max(round(image.shape[0] * ratio), 1))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), ratio
