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
    # (n, 4) in grid units: offset of the centre from the cell's upper left corner (-0.5 to 1.5), width, height
    box: Tensor


# what is taken from a centre to get into its cell, and into the left, upper, right, lower one
NEIGHBOURS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (-0.5, 0.0), (0.0, -0.5))


def assign(
    targets: Tensor, shapes: Sequence[tuple[int, int]], priors: Priors, threshold: float = 4.0
) -> Assignment:
    """Choose which predictions answer for which target, as YOLOv5's `ComputeLoss.build_targets` does.

    A target is answered for on every level, by every anchor of similar width and height, in the cell of its centre and
    in the two cells next to it that are nearest to the centre, as far as they lie on the map.

    Args:
        targets: (n, 6) float: image, class, centre x, centre y, width, height; the last four as shares of the image.
        shapes: rows and columns of each level's map.
        priors: the head's anchors in pixels and strides in pixels a cell, a level each.
        threshold: an anchor answers for a box if neither side differs by this factor or more.

    Returns:
        The positive predictions of all levels; none for no targets.

    Example:
        An object whose centre is at column 2.2 and row 3.2 of a map of 4 by 4 is near the left and the upper cell.

        >>> priors = Priors(torch.tensor([[[10.0, 10.0]]]), strides=(8,))
        >>> assignment = assign(torch.tensor([[0, 1, 0.55, 0.8, 0.25, 0.25]]), [(4, 4)], priors)
        >>> assignment.cell.tolist()
        [[2, 3], [1, 3], [2, 2]]
        >>> assignment.label.tolist()
        [1, 1, 1]
    """
    columns_rows = [(columns, rows) for rows, columns in shapes]
    grid = targets.new_tensor(columns_rows)[:, None]  # (levels, 1, 2)
    stride = targets.new_tensor(priors.strides)[:, None, None]
    centre = targets[:, 2:4] * grid  # (levels, n, 2) in grid units
    size = targets[:, 4:6] * grid
    ratio = size[:, None] / (priors.anchors / stride)[:, :, None]  # (levels, anchors, n, 2)
    similar = torch.maximum(ratio, 1 / ratio).amax(-1) < threshold

    # towards the left or upper edge the near neighbour is the one before, else the one behind; never beyond the map
    before = (centre % 1 < 0.5) & (centre > 1)
    mirrored = grid - centre
    behind = (mirrored % 1 < 0.5) & (mirrored > 1)
    near = torch.cat((torch.ones_like(before[..., :1]), before, behind), -1)
    near = near.permute(0, 2, 1)  # (levels, 5, n)

    level, offset, anchor, target = (near[:, :, None] & similar[:, None]).nonzero().unbind(1)
    position = centre[level, target]
    cell = (position - position.new_tensor(NEIGHBOURS)[offset]).long()
    cell = cell.clamp_(min=0).minimum(grid[level, 0].long() - 1)
    chosen = targets[target]
    return Assignment(
        counts=tuple(torch.bincount(level, minlength=len(shapes)).tolist()),
        level=level,
        image=chosen[:, 0].long(),
        anchor=anchor,
        cell=cell,
        label=chosen[:, 1].long(),
        box=torch.cat((position - cell, size[level, target]), 1),
    )
