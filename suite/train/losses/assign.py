"""YOLOv5's target assignment: every anchor of similar shape, in the centre's cell and its two nearest neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Priors:
    """What the assignment and the loss know of a head.

    `anchors` is (levels, anchors a level, 2): width and height in pixels; `strides` are pixels a cell.
    """

    anchors: Tensor
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """The positive predictions of a batch, level by level: n in all, `counts[i]` of them on level i.

    Within a level they are ordered by offset, anchor, target; where one cell is taken twice, the later one counts.
    """

    counts: tuple[int, ...]
    level: Tensor  # (n,) int64
    image: Tensor  # (n,) int64
    anchor: Tensor  # (n,) int64
    cell: Tensor  # (n, 2) int64: column, row
    label: Tensor  # (n,) int64
    box: Tensor  # (n, 4) in grid units: offset of the centre from the cell's corner (-0.5 to 1.5), width, height


NEIGHBOURS = (
    (0.0, 0.0),
    (0.5, 0.0),
    (0.0, 0.5),
    (-0.5, 0.0),
    (0.0, -0.5),
)  # own cell, left, upper, right, lower


def assign(
    targets: Tensor, shapes: Sequence[tuple[int, int]], priors: Priors, threshold: float = 4.0
) -> Assignment:
    """Choose which predictions answer for which target.

    Args:
        targets: (n, 6) image, class, centre x, centre y, width, height, relative to the image.
        shapes: rows and columns of each level's map.
        priors: the head's anchors and strides.
        threshold: an anchor answers for a box if neither side differs by this factor or more.
    """
    grid = targets.new_tensor([(columns, rows) for rows, columns in shapes])[
        :, None
    ]  # (levels, 1, 2)
    stride = targets.new_tensor(priors.strides)[:, None, None]
    centre = targets[:, 2:4] * grid  # (levels, n, 2) in grid units
    size = targets[:, 4:6] * grid
    ratio = size[:, None] / (priors.anchors / stride)[:, :, None]  # (levels, anchors, n, 2)
    similar = torch.maximum(ratio, 1 / ratio).amax(-1) < threshold

    # towards the left or upper edge the near neighbour is the one before, else the one behind; never beyond the map
    before = (centre % 1 < 0.5) & (centre > 1)
    mirrored = grid - centre
    behind = (mirrored % 1 < 0.5) & (mirrored > 1)
    near = torch.cat((torch.ones_like(before[..., :1]), before, behind), -1).permute(
        0, 2, 1
    )  # (levels, 5, n)

    level, offset, anchor, target = (near[:, :, None] & similar[:, None]).nonzero().unbind(1)
    where = centre[level, target]
    cell = (where - where.new_tensor(NEIGHBOURS)[offset]).long()
    cell = cell.clamp_(min=0).minimum(grid[level, 0].long() - 1)
    chosen = targets[target]
    return Assignment(
        counts=tuple(torch.bincount(level, minlength=len(shapes)).tolist()),
        level=level,
        image=chosen[:, 0].long(),
        anchor=anchor,
        cell=cell,
        label=chosen[:, 1].long(),
        box=torch.cat((where - cell, size[level, target]), 1),
    )
