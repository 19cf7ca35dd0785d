"""Losses of a box against its target: the IoU family, and NWD, which takes boxes for Gaussians.

All take centre, width, height. Every one is 0 for a box that is its target, and all but NWD are blind to the unit.
"""

# torchvision.ops has generalised, distance and complete IoU too, for corners. Beside YOLOv5's golden loss both are off
# by the same 3e-8; but in single precision seven boxes in ten differ by up to 7e-7, so that trainings would not repeat,
# and forward and backward with the conversion take 1.4 times as long (200 to 2,000 boxes, one thread).

from collections.abc import Mapping

import torch
from torch import Tensor

from suite.nn.boxes import EPSILON, hull_aligned, iou_aligned
from suite.spec.records.objective import Loss
from suite.train.process_group import SINGLE, ProcessGroup

SHAPE_POWER = 4  # SIoU's theta
FOCUS, FOCUS_BEND = 1.9, 3.0  # WIoU v3's alpha and delta
MEMORY = 0.99  # of WIoU v3's running mean
NWD_CONSTANT = 12.8  # pixels: what the paper takes for the tiny objects of AI-TOD
SMALLEST = 1e-14  # squared distance below which NWD's root has no slope


class BoxLoss:
    """Callable on boxes and their targets; WIoU v3's running mean is all that it remembers."""

    def __init__(self, loss: Loss, group: ProcessGroup = SINGLE) -> None:
        self._kind = loss.box
        self._group = group
        self._constant = NWD_CONSTANT if loss.constant is None else loss.constant
        self._usual: Tensor | None = None  # mean of 1 - IoU over the steps, of WIoU v3

    def __call__(
        self, boxes: Tensor, targets: Tensor, unit: Tensor | float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Loss of each row, and how well it fits.

        Args:
            boxes: (n, 4) centre x, centre y, width, height in any unit, such as cells.
            targets: (n, 4) of the same form and unit.
            unit: pixels in a unit, or (n,) of them; only NWD asks.

        Returns:
            (n,) losses; and (n,) fits without gradient, which are what the scores learn: what the loss falls short of
            1 by, or the plain IoU for WIoU, whose loss is no difference to 1.
        """
        if self._kind in {"iou", "giou", "diou", "ciou"}:
            overlap = iou_aligned(boxes, targets, self._kind)
            return 1 - overlap, overlap.detach()
        iou = iou_aligned(boxes, targets)
        if self._kind == "nwd":
            near = torch.exp(-_gaussian_distance(boxes, targets) * unit / self._constant)
            return 1 - near, near.detach()
        hull = hull_aligned(boxes, targets)
        if self._kind in {"wiou", "wiou_v3"}:
            loss = _distance_weight(boxes, targets, hull) * (1 - iou)
            if self._kind == "wiou_v3":
                loss = loss * self._focus(1 - iou.detach())
            return loss, iou.detach()
        penalty = _edge_penalty if self._kind == "eiou" else _angle_penalty
        loss = 1 - iou + penalty(boxes, targets, hull)
        return loss, (1 - loss).detach()

    def state(self) -> dict[str, Tensor]:
        """The running mean, where there is one already."""
        return {} if self._usual is None else {"usual": self._usual}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        self._usual = state.get("usual")

    def _focus(self, missed: Tensor) -> Tensor:
        """WIoU v3 (arXiv 2301.10051, eq. 11 and 12): beta = missed / its running mean; beta / (d a^(beta - d))."""
        if self._usual is None:
            self._usual = missed.new_ones(())
        total, count = self._group.total(
            torch.stack((missed.sum(), missed.new_tensor(len(missed))))
        ).unbind()
        mean = torch.where(count > 0, total / count, self._usual)  # with nothing new it stays
        self._usual = MEMORY * self._usual + (1 - MEMORY) * mean
        outlying = missed / self._usual
        return outlying / (FOCUS_BEND * FOCUS ** (outlying - FOCUS_BEND))


def _edge_penalty(boxes: Tensor, targets: Tensor, hull: Tensor) -> Tensor:
    """EIoU (arXiv 2101.08158, eq. 8): distance of centres, and differences of width and height, in hulls."""
    square = hull.square()
    apart = (boxes[:, :2] - targets[:, :2]).square().sum(1) / (square.sum(1) + EPSILON)
    sides = ((boxes[:, 2:] - targets[:, 2:]).square() / (square + EPSILON)).sum(1)
    return apart + sides


def _angle_penalty(boxes: Tensor, targets: Tensor, hull: Tensor) -> Tensor:
    """SIoU (arXiv 2205.12740): half of distance cost, which the angle weighs, and shape cost.

    The angle cost 1 - 2 sin^2(arcsin(x) - pi / 4), x = |dy| / distance, is 2 |dx dy| / (dx^2 + dy^2): no arcsin, whose
    slope is infinite for boxes side by side.
    """
    offset = boxes[:, :2] - targets[:, :2]
    angle = 2 * offset.prod(1).abs() / (offset.square().sum(1) + SMALLEST)
    pull = (angle - 2)[:, None]
    distance = (1 - torch.exp(pull * (offset / (hull + EPSILON)).square())).sum(1)
    size, target = boxes[:, 2:], targets[:, 2:]
    unlike = (size - target).abs() / (torch.maximum(size, target) + EPSILON)
    shape = (1 - torch.exp(-unlike)).pow(SHAPE_POWER).sum(1)
    return (distance + shape) / 2


def _distance_weight(boxes: Tensor, targets: Tensor, hull: Tensor) -> Tensor:
    """WIoU v1 (arXiv 2301.10051, eq. 5): e to the squared distance of centres over the hull's diagonal, held fast."""
    apart = (boxes[:, :2] - targets[:, :2]).square().sum(1)
    return torch.exp(apart / (hull.detach().square().sum(1) + EPSILON))


def _gaussian_distance(boxes: Tensor, targets: Tensor) -> Tensor:
    """Wasserstein distance of the Gaussians inscribed in the boxes (arXiv 2110.13389, eq. 8)."""
    weight = boxes.new_tensor((1, 1, 0.5, 0.5))
    return ((boxes - targets) * weight).square().sum(1).clamp(min=SMALLEST).sqrt()
