"""Training pictures mixed with others or with noise: mixup, CutMix, random erasing, copy-paste."""

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from suite.datasets.augment.canvas import Canvas, Floats, Piece, Sample, box_areas
from suite.datasets.augment.geometry import LEAST_LEFT, worth_keeping
from suite.datasets.random import RandomStream

_MIX = 32  # mixup draws its share from Beta(32, 32): never far from a half
_ERASED = (0.02, 1 / 3)  # of the picture's area
_SLIMMEST = 0.3  # height over width of an erased rectangle, or its inverse
_TRIES = 10
_COVERED = 0.3  # of no box may more be hidden by a pasted object

Rectangle = tuple[int, int, int, int]  # left, top, right, bottom


def mixed(one: Sample, other: Sample, stream: RandomStream) -> Sample:
    """Both pictures shine through, with all boxes of both (mixup, arXiv 1710.09412, as YOLOv5 has it)."""
    share = stream.beta(_MIX)
    image = np.asarray(cv2.addWeighted(one.image, share, other.image, 1 - share, 0), np.uint8)
    return Sample(
        image, np.concatenate((one.boxes, other.boxes)), np.concatenate((one.labels, other.labels))
    )


def cut_mixed(one: Sample, other: Sample, stream: RandomStream) -> Sample:
    """A rectangle of the one picture shows the other (CutMix, arXiv 1905.04899, equations 1 and 2, Beta(1, 1)).

    The paper mixes two labels by area; here each part keeps its boxes, cut to what is seen of them.
    """
    height, width = one.image.shape[:2]
    side = math.sqrt(stream.uniform())
    hole = _around(
        stream.integer(width), stream.integer(height), round(side * width), round(side * height)
    )
    left, top, right, bottom = _inside(hole, height, width)
    image = one.image.copy()
    image[top:bottom, left:right] = other.image[top:bottom, left:right]
    around, kept = _seen_around(one.boxes, (left, top, right, bottom))
    within = np.clip(other.boxes, (left, top, left, top), (right, bottom, right, bottom))
    seen = worth_keeping(within, box_areas(other.boxes))
    return Sample(
        image,
        np.concatenate((around[kept], within[seen])),
        np.concatenate((one.labels[kept], other.labels[seen])),
    )


def erased(sample: Sample, stream: RandomStream) -> Sample:
    """A rectangle full of noise (random erasing, arXiv 1708.04896, algorithm 1); what it hides of a box is cut off.

    The paper draws the ratio of the sides evenly; evenly by its logarithm, as here, neither side is favoured.
    """
    height, width = sample.image.shape[:2]
    for _ in range(_TRIES):
        area = height * width * stream.uniform(*_ERASED)
        ratio = math.exp(stream.uniform(math.log(_SLIMMEST), -math.log(_SLIMMEST)))
        rows, columns = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if rows < height and columns < width:
            break
    else:
        return sample
    left, top = stream.integer(width - columns), stream.integer(height - rows)
    image = sample.image.copy()
    image[top : top + rows, left : left + columns] = stream.bytes(rows * columns * 3).reshape(
        rows, columns, 3
    )
    boxes, kept = _seen_around(sample.boxes, (left, top, left + columns, top + rows))
    return Sample(image, boxes[kept], sample.labels[kept])


def copy_pasted(canvas: Canvas, share: float, stream: RandomStream) -> Canvas:
    """A share of the outlined objects a second time, mirrored, on the canvas's other side (arXiv 2012.07177).

    As in YOLOv5 an object is left where it would hide 30 % of any box, and one without an outline is never copied.
    """
    outlined = [index for index, outline in enumerate(canvas.outlines) if len(outline)]
    width = canvas.size[1]
    pieces, boxes, labels = list(canvas.pieces), canvas.boxes, canvas.labels
    chosen = stream.permutation(len(outlined))[: round(share * len(outlined))]
    for index in (outlined[number] for number in chosen):
        outline = canvas.outlines[index]
        (left, top), (right, bottom) = outline.min(axis=0), outline.max(axis=0)
        mirrored = np.array((width - right, top, width - left, bottom))
        if right <= left or bottom <= top:
            continue
        if (_overlaps(boxes, mirrored) >= _COVERED * box_areas(boxes)).any():
            continue
        pieces.append(_mirrored_piece(canvas, outline))
        boxes, labels = np.vstack((boxes, mirrored)), np.append(labels, canvas.labels[index])
    return replace(canvas, pieces=tuple(pieces), boxes=boxes, labels=labels, outlines=())


def _mirrored_piece(canvas: Canvas, outline: Floats) -> Piece:
    low, high = np.floor(outline.min(axis=0)).astype(int), np.ceil(outline.max(axis=0)).astype(int)
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    mask = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(mask, [np.round(outline - low).astype(np.int32)], 1)
    image = canvas.window(left, top, right, bottom)
    return Piece(image[:, ::-1], canvas.size[1] - right, top, mask[:, ::-1] > 0)


def _seen_around(boxes: Floats, hole: Rectangle) -> tuple[Floats, NDArray[np.bool_]]:
    """The boxes of what is left outside a hole, and which of them are worth keeping.

    A hole through the whole width or height of a box cuts it off at the hole; any other leaves the box as it is.
    """
    left, top, right, bottom = hole
    x0, y0, x1, y1 = boxes.T
    tall, wide = (top <= y0) & (y1 <= bottom), (left <= x0) & (x1 <= right)
    seen = np.stack(
        (
            np.where(tall & (left <= x0), np.maximum(x0, right), x0),
            np.where(wide & (top <= y0), np.maximum(y0, bottom), y0),
            np.where(tall & (x1 <= right), np.minimum(x1, left), x1),
            np.where(wide & (y1 <= bottom), np.minimum(y1, top), y1),
        ),
        axis=1,
    )
    seen[:, 2:] = np.maximum(seen[:, 2:], seen[:, :2])
    # of a box that only loses a corner, what is hidden counts as lost too
    areas = box_areas(boxes)
    hidden = _overlaps(boxes, np.array(hole, np.float64))
    return seen, worth_keeping(seen, areas) & (areas - hidden > LEAST_LEFT * areas)


def _overlaps(boxes: Floats, rectangle: Floats) -> Floats:
    """The area that a rectangle hides of each box."""
    low, high = np.maximum(boxes[:, :2], rectangle[:2]), np.minimum(boxes[:, 2:], rectangle[2:])
    return np.asarray(np.maximum(high - low, 0).prod(axis=1))


def _around(x: int, y: int, width: int, height: int) -> Rectangle:
    left, top = x - width // 2, y - height // 2
    return left, top, left + width, top + height


def _inside(rectangle: Rectangle, height: int, width: int) -> Rectangle:
    left, top, right, bottom = rectangle
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)
