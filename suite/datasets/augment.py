"""Training augmentation in NumPy and OpenCV: mosaic, shift and scale, colour, flips. All chance comes from a Dice."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from suite.datasets.dice import Dice
from suite.datasets.images import PADDING, Image, letterbox

_SMALLEST_SIDE = 2.0  # pixels; a box with a shorter side after cutting is dropped
_LEAST_LEFT = 0.1  # of its area
_LONGEST = 100.0  # times its shorter side


@dataclass(frozen=True, slots=True)
class Augment:
    """How training pictures are changed; the names and meanings are those of YOLOv5's recipes.

    `fliplr`, `flipud` and `mosaic` are probabilities; those of `hsv_` the largest relative changes; `translate` and
    `scale` are shares of the image's side and of 1.
    """

    fliplr: float = 0.5
    flipud: float = 0.0
    mosaic: float = 0.0
    hsv_hue: float = 0.0
    hsv_saturation: float = 0.0
    hsv_value: float = 0.0
    translate: float = 0.0
    scale: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """An image (H, W, 3) with its boxes (n, 4) left, top, right, bottom in pixels and their class indices (n,)."""

    image: Image
    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]


def augmented(samples: Sequence[Sample], size: int, augment: Augment, dice: Dice) -> Sample:
    """One sample of size x size from one, or a mosaic of four."""
    sample = _fitted(samples[0], size) if len(samples) == 1 else _mosaic(samples, size, dice)
    if len(samples) > 1 or augment.translate or augment.scale:
        sample = _moved(sample, size, augment, dice)
    image, boxes = sample.image, sample.boxes
    ranges = (augment.hsv_hue, augment.hsv_saturation, augment.hsv_value)
    if any(ranges):
        hue, saturation, value = (1 + reach * dice.uniform(-1, 1) for reach in ranges)
        image = adjust_hsv(image, (hue, saturation, value))
    if dice.chance(augment.flipud):
        image, boxes = image[::-1], boxes[:, [0, 3, 2, 1]]
        boxes = np.where([False, True, False, True], size - boxes, boxes)
    if dice.chance(augment.fliplr):
        image, boxes = image[:, ::-1], boxes[:, [2, 1, 0, 3]]
        boxes = np.where([True, False, True, False], size - boxes, boxes)
    return Sample(image, boxes, sample.labels)


def adjust_hsv(image: Image, gains: tuple[float, float, float]) -> Image:
    """Multiply hue, saturation and value by `gains`, hue around the circle, the others up to full."""
    ramp = np.arange(256, dtype=np.float64)
    hue, saturation, value = (ramp * gain for gain in gains)
    table = np.stack((hue % 180, np.minimum(saturation, 255), np.minimum(value, 255)), axis=-1).astype(np.uint8)
    shifted = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), table[None])
    return np.asarray(cv2.cvtColor(shifted, cv2.COLOR_HSV2RGB), np.uint8)


def _fitted(sample: Sample, size: int) -> Sample:
    image, place = letterbox(sample.image, size, enlarge=True)
    shift = np.array((int(place.pad_left), int(place.pad_top)) * 2)
    return Sample(image, sample.boxes * place.ratio[0] + shift, sample.labels)


def _mosaic(samples: Sequence[Sample], size: int, dice: Dice) -> Sample:
    """Four images that meet at a random point of a canvas of twice the size."""
    canvas = np.full((2 * size, 2 * size, 3), PADDING, np.uint8)
    x, y = (dice.between(size // 2, size + size // 2) for _ in range(2))
    boxes = []
    for corner, sample in enumerate(samples):
        height, width = sample.image.shape[:2]
        left = x - width if corner % 2 == 0 else x
        top = y - height if corner < 2 else y
        first_row, first_column = max(top, 0), max(left, 0)
        last_row, last_column = min(top + height, 2 * size), min(left + width, 2 * size)
        canvas[first_row:last_row, first_column:last_column] = sample.image[
            first_row - top : last_row - top, first_column - left : last_column - left
        ]
        boxes.append(np.clip(sample.boxes + np.array((left, top) * 2), 0, 2 * size))
    return Sample(canvas, np.concatenate(boxes), np.concatenate([sample.labels for sample in samples]))


def _moved(sample: Sample, size: int, augment: Augment, dice: Dice) -> Sample:
    """Scale about the centre, shift, and cut out size x size pixels."""
    factor = dice.uniform(1 - augment.scale, 1 + augment.scale)
    height, width = sample.image.shape[:2]
    x, y = (size * dice.uniform(0.5 - augment.translate, 0.5 + augment.translate) for _ in range(2))
    shift = np.array((x - factor * width / 2, y - factor * height / 2))
    matrix = np.column_stack((np.eye(2) * factor, shift))
    image = cv2.warpAffine(sample.image, matrix, (size, size), borderValue=(PADDING,) * 3)
    moved = sample.boxes * factor + np.tile(shift, 2)
    boxes = np.clip(moved, 0, size)
    keep = _worth_keeping(moved, boxes)
    return Sample(np.asarray(image, np.uint8), boxes[keep], sample.labels[keep])


def _worth_keeping(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.bool_]:
    whole, left = before[:, 2:] - before[:, :2], after[:, 2:] - after[:, :2]
    shorter, longer = left.min(axis=1, initial=np.inf), left.max(axis=1, initial=0)
    keep: NDArray[np.bool_] = (
        (shorter > _SMALLEST_SIDE)
        & (left.prod(axis=1) > _LEAST_LEFT * whole.prod(axis=1))
        & (longer < _LONGEST * np.maximum(shorter, 1e-9))
    )
    return keep
