"""How training pictures are moved: YOLOv5's random perspective, and the boxes that go along."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from suite.datasets.augment.canvas import Canvas, Floats, Sample, box_areas
from suite.datasets.augment.settings import Augment
from suite.datasets.images import PADDING, Image
from suite.datasets.random import RandomStream

_SMALLEST_SIDE = 2.0  # pixels; a box with a shorter side after cutting is dropped
LEAST_LEFT = 0.1  # of a box's area
_LONGEST = 100.0  # times its shorter side
_LEAST_DEPTH = 0.1  # of the depth at a canvas's middle, that its corners keep under a perspective
_LEAST_ZOOM = 0.25  # a window that shows more than this much of nothing is not worth painting


def moved(canvas: Canvas, size: tuple[int, int], augment: Augment, stream: RandomStream) -> Sample:
    """A random perspective, rotation, scale, shear and shift of a canvas about its middle, cut to `size`.

    As YOLOv5's `random_perspective`, but that under a perspective the corners keep a depth (`_slopes`).

    Args:
        canvas: one picture or a mosaic, of any size.
        size: height and width of the result in pixels.
        augment: the largest angles, shifts and changes of scale.
        stream: what is drawn from it depends on the settings alone, not on the pictures.
    """
    height, width = size
    slopes = _slopes(canvas, augment, stream)
    turn = _angle(augment.degrees, stream)
    factor = stream.uniform(1 - augment.scale, 1 + augment.scale)
    lean = [math.tan(_angle(augment.shear, stream)) for _ in "xy"]
    x, y = (
        side * stream.uniform(0.5 - augment.translate, 0.5 + augment.translate)
        for side in (width, height)
    )
    if not (any(slopes) or turn or any(lean)) and factor >= _LEAST_ZOOM:
        return _zoomed(canvas, size, factor, (x, y))
    perspective = np.array(((1, 0, 0), (0, 1, 0), (*slopes, 1)))
    rotation = linear(
        factor * np.array(((math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))))
    )
    shear = linear(np.array(((1, lean[0]), (lean[1], 1))))
    middle = shifted(-canvas.size[1] / 2, -canvas.size[0] / 2)
    return warped(
        canvas, size, shifted(x, y) @ shear @ rotation @ perspective @ middle, area=factor**2
    )


def warped(canvas: Canvas, size: tuple[int, int], matrix: Floats, *, area: float = 1.0) -> Sample:
    """The canvas under a projective map (3, 3), cut to `size`; `area` is what the map is taken to do to a box's."""
    flat = not matrix[2, :2].any()
    left, top, right, bottom = _needed(canvas, size, matrix) if flat else (0, 0, *canvas.size[::-1])
    # OpenCV counts from the middle of the first pixel, half a pixel from the edge
    by_pixel = shifted(-0.5, -0.5) @ matrix @ shifted(left + 0.5, top + 0.5)
    window, grey = canvas.window(left, top, right, bottom), (PADDING,) * 3
    if flat:
        image = cv2.warpAffine(window, by_pixel[:2], size[::-1], borderValue=grey)
    else:
        image = cv2.warpPerspective(window, by_pixel, size[::-1], borderValue=grey)
    corners = canvas.boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    moved_corners = _mapped(matrix, corners)
    boxes = np.concatenate((moved_corners.min(axis=1), moved_corners.max(axis=1)), axis=1)
    return _cut(np.asarray(image, np.uint8), boxes, area * box_areas(canvas.boxes), canvas.labels)


def _mapped(matrix: Floats, points: Floats) -> Floats:
    """Points (..., 2) under a projective map (3, 3)."""
    flat = points @ matrix[:2, :2].T + matrix[:2, 2]
    return np.asarray(flat / (points @ matrix[2, :2] + matrix[2, 2])[..., None])


def shifted(x: float, y: float) -> Floats:
    """The map that shifts by (x, y)."""
    return np.array(((1, 0, x), (0, 1, y), (0, 0, 1)), np.float64)


def linear(part: Floats) -> Floats:
    """The map about the origin that has this linear part (2, 2)."""
    matrix = np.eye(3)
    matrix[:2, :2] = part
    return matrix


def worth_keeping(left: Floats, whole_areas: Floats) -> NDArray[np.bool_]:
    """Which boxes are still large enough, compact enough and enough of what they were."""
    sides = left[:, 2:] - left[:, :2]
    shorter, longer = sides.min(axis=1, initial=np.inf), sides.max(axis=1, initial=0)
    enough = (shorter > _SMALLEST_SIDE) & (sides.prod(axis=1) > LEAST_LEFT * whole_areas)
    keep: NDArray[np.bool_] = enough & (longer < _LONGEST * np.maximum(shorter, 1e-9))
    return keep


def _angle(largest: float, stream: RandomStream) -> float:
    """Radians, of at most `largest` degrees either way; nothing is drawn from the stream where that is 0."""
    return math.radians(stream.uniform(-largest, largest)) if largest else 0.0


def _slopes(canvas: Canvas, augment: Augment, stream: RandomStream) -> tuple[float, float]:
    """How depth changes a pixel, to the right and down.

    YOLOv5 lets the horizon cross the picture, where boxes have no place any more; here the corners keep a depth.
    """
    if not augment.perspective:
        return 0.0, 0.0
    x, y = (stream.uniform(-augment.perspective, augment.perspective) for _ in range(2))
    height, width = canvas.size
    reach = abs(x) * width / 2 + abs(y) * height / 2
    less = min(1.0, (1 - _LEAST_DEPTH) / reach) if reach else 1.0
    return x * less, y * less


def _zoomed(
    canvas: Canvas, size: tuple[int, int], factor: float, middle: tuple[float, float]
) -> Sample:
    """A scale and a shift alone, to the nearest whole pixels of the canvas: then only a window is painted and resized.

    A tenth of the work of a warp that reads everywhere, and the factor moves by less than half a pixel in the window.
    """
    height, width = size
    rows, columns = max(round(height / factor), 1), max(round(width / factor), 1)
    left = round(canvas.size[1] / 2 - middle[0] / factor)
    top = round(canvas.size[0] / 2 - middle[1] / factor)
    image = canvas.window(left, top, left + columns, top + rows)
    if (rows, columns) != (height, width):
        image = np.asarray(
            cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8
        )
    boxes = (canvas.boxes - np.array((left, top) * 2)) * np.array(
        (width / columns, height / rows) * 2
    )
    return _cut(image, boxes, box_areas(boxes), canvas.labels)


def _needed(canvas: Canvas, size: tuple[int, int], matrix: Floats) -> tuple[int, int, int, int]:
    """The edges of the part of the canvas that an affine map shows, and of at least a pixel."""
    height, width = size
    corners = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float64)
    seen = _mapped(np.asarray(np.linalg.inv(matrix), np.float64), corners)
    # one pixel more on each side: the neighbours that are blended
    low, high = np.floor(seen.min(axis=0)) - 1, np.ceil(seen.max(axis=0)) + 1
    edge = np.array(canvas.size[::-1])
    left, top = np.clip(low, 0, edge - 1).astype(int).tolist()
    right, bottom = np.clip(high, (left + 1, top + 1), edge).astype(int).tolist()
    return left, top, right, bottom


def _cut(image: Image, boxes: Floats, whole_areas: Floats, labels: NDArray[np.int64]) -> Sample:
    inside = np.clip(boxes, 0, image.shape[1::-1] * 2)
    keep = worth_keeping(inside, whole_areas)
    return Sample(image, inside[keep], labels[keep])
