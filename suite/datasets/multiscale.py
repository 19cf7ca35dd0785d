"""The changing sizes at which batches are seen: YOLOv5's `--multi-scale`."""

import math

from suite.datasets.dice import Dice


def other_size(size: tuple[int, int], reach: float, *, stride: int, dice: Dice) -> tuple[int, int]:
    """A height and width whose longer side is some multiple of `stride` within 1 ± `reach` of that of `size`.

    All such multiples are equally likely; the shorter side keeps its share, rounded up to a multiple too.
    """
    longest = max(size)
    fewest, most = math.ceil(longest * (1 - reach) / stride), math.floor(longest * (1 + reach) / stride)
    longer = dice.between(max(fewest, 1), max(most, fewest, 1)) * stride
    height, width = (-(-side * longer // (longest * stride)) * stride for side in size)
    return height, width
