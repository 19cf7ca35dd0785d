"""The changing sizes at which batches are seen: YOLOv5's `--multi-scale`."""

import math

from suite.datasets.random import RandomStream


def other_size(
    size: tuple[int, int], reach: float, *, stride: int, stream: RandomStream
) -> tuple[int, int]:
    """A height and width whose longer side is some multiple of `stride` within 1 ± `reach` of that of `size`.

    All such multiples are equally likely; the shorter side keeps its share, rounded up to a multiple too.
    """
    fewest, most = _strides(size, reach, stride)
    return _with_longest(size, stream.between(fewest, most) * stride, stride)


def largest_size(size: tuple[int, int], reach: float, *, stride: int) -> tuple[int, int]:
    """The largest height and width that `other_size` can give."""
    return _with_longest(size, _strides(size, reach, stride)[1] * stride, stride)


def _strides(size: tuple[int, int], reach: float, stride: int) -> tuple[int, int]:
    """The least and the most strides of the longer side."""
    fewest = max(math.ceil(max(size) * (1 - reach) / stride), 1)
    return fewest, max(math.floor(max(size) * (1 + reach) / stride), fewest)


def _with_longest(size: tuple[int, int], longer: int, stride: int) -> tuple[int, int]:
    height, width = (-(-side * longer // (max(size) * stride)) * stride for side in size)
    return height, width
