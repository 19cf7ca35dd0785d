"""RandAugment (arXiv 1909.13719): a few operations at random, all of about one magnitude, boxes moved with the picture.

The fifteen operations, their ranges and the chance of a half that each is carried out are those of timm's
"rand-m9-mstd0.5-inc1", with which ConvNeXt was trained: a larger magnitude changes a picture more, whatever is done.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from suite.datasets.augment import colour, values
from suite.datasets.augment.canvas import Canvas, Floats, Piece, Sample
from suite.datasets.augment.geometry import linear, shifted, warped
from suite.datasets.augment.settings import Augment
from suite.datasets.images import Image
from suite.datasets.random import RandomStream

_CARRIED_OUT = 0.5
_MOST = 10.0  # magnitude

# from an image and the magnitude, as a share of the largest, to an image
_Paint = Callable[[Image, float, RandomStream], Image]
# from a signed share and the picture's height and width to a map
_Move = Callable[[float, tuple[int, int]], Floats]


def randomly_changed(sample: Sample, augment: Augment, stream: RandomStream) -> Sample:
    """`augment.randaugment` operations, drawn with replacement, each carried out half of the time."""
    for _ in range(augment.randaugment):
        operation = _OPERATIONS[stream.integer(len(_OPERATIONS))]
        spread = augment.randaugment_spread * stream.normal()
        share = min(max(augment.randaugment_magnitude + spread, 0.0), _MOST) / _MOST
        if stream.flip(_CARRIED_OUT):
            sample = operation(sample, share, stream)
    return sample


def _signed(share: float, stream: RandomStream) -> float:
    return -share if stream.flip(0.5) else share


def _factor(share: float, stream: RandomStream) -> float:
    return 1 + 0.9 * _signed(share, stream)


def _painting(paint: _Paint) -> Callable[[Sample, float, RandomStream], Sample]:
    return lambda sample, share, stream: replace(sample, image=paint(sample.image, share, stream))


def _moving(move: _Move) -> Callable[[Sample, float, RandomStream], Sample]:
    def operation(sample: Sample, share: float, stream: RandomStream) -> Sample:
        height, width = sample.image.shape[:2]
        canvas = Canvas((height, width), (Piece(sample.image, 0, 0),), sample.boxes, sample.labels)
        part = move(_signed(share, stream), (height, width))
        middle = shifted(width / 2, height / 2)
        return warped(canvas, (height, width), middle @ part @ shifted(-width / 2, -height / 2))

    return operation


def _turned(share: float, _size: tuple[int, int]) -> Floats:
    angle = math.radians(30 * share)
    return linear(
        np.array(((math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))))
    )


_PAINTS: tuple[_Paint, ...] = (
    lambda image, _share, _stream: colour.stretched_values(image),
    lambda image, _share, _stream: colour.equalized(image),
    lambda image, _share, _stream: values.solarized(image, 0),  # inverted
    lambda image, share, _stream: values.solarized(image, 256 - int(256 * share)),
    lambda image, share, _stream: values.brightened_shadows(image, int(110 * share)),
    lambda image, share, _stream: values.posterized(image, 4 - int(4 * share)),
    lambda image, share, stream: values.brightened(image, _factor(share, stream)),
    lambda image, share, stream: colour.contrasted(image, _factor(share, stream)),
    lambda image, share, stream: colour.coloured(image, _factor(share, stream)),
    lambda image, share, stream: colour.sharpened(image, _factor(share, stream)),
)
_MOVES: tuple[_Move, ...] = (
    _turned,
    lambda share, _size: linear(np.array(((1, 0.3 * share), (0, 1)))),
    lambda share, _size: linear(np.array(((1, 0), (0.3 * share, 1)))),
    lambda share, size: shifted(0.45 * share * size[1], 0),
    lambda share, size: shifted(0, 0.45 * share * size[0]),
)
_OPERATIONS = (*map(_painting, _PAINTS), *map(_moving, _MOVES))
