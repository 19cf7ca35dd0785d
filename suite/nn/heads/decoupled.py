"""Heads with a branch for classes and a branch for boxes, without anchors (YOLOX, arXiv 2107.08430)."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.heads import AnchorFreeHead, Predictions, cells

RARE = 0.01  # the score that everything starts with


class DecoupledHead(AnchorFreeHead):
    """One prediction a cell: x, y, w, h, objectness, one score a class.

    With `hidden` channels at every level and two convolutions a branch it is YOLOX's (whose s size has 128, its l size
    256); without `hidden` every level keeps its own channels, and with one convolution it is the efficient decoupled
    head of YOLOv6's first version (arXiv 2209.02976, section 2.1).

    Raises:
        ValueError: `hidden` or `convs` is not positive.
    """

    assigners: ClassVar[tuple[str, ...]] = ("simota",)

    def __init__(
        self,
        in_channels: tuple[int, ...],
        *,
        classes: int,
        strides: tuple[int, ...],
        make: ConvFactory = PLAIN,
        hidden: int | None = None,
        convs: int = 2,
    ) -> None:
        super().__init__()
        if convs < 1 or (hidden is not None and hidden < 1):
            raise ValueError(
                f"needs at least one convolution and channel, but has convs {convs} and hidden {hidden}"
            )
        self.classes = classes
        self.strides = strides
        self.per_level = 1
        self.levels = nn.ModuleList(
            _Branches(channels, hidden or channels, classes=classes, convs=convs, make=make)
            for channels in in_channels
        )

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Maps (B, C_i, H_i, W_i) to raw predictions (B, 1, H_i, W_i, 5 + classes), before any sigmoid."""
        return tuple(
            level(x).unflatten(1, (1, -1)).permute(0, 1, 3, 4, 2)
            for level, x in zip(self.levels, maps, strict=True)
        )

    def decode(self, raw: Sequence[Tensor]) -> Tensor:
        """Raw predictions to (B, N, 5 + classes): centre x, y, width, height in pixels, objectness, class scores.

        N counts level by level, then row, column. xy = (raw + cell)·stride, wh = e^raw·stride; the class scores are not
        yet multiplied by objectness.
        """
        levels = []
        for level, stride in zip(raw, self.strides, strict=True):
            decoded = torch.cat((_boxes(level, stride), level[..., 4:].sigmoid()), -1)
            levels.append(decoded.flatten(1, 3))
        return torch.cat(levels, 1)

    def predictions(self, raw: Sequence[Tensor]) -> Predictions:
        """The same boxes with the logits, and the priors: the centres of the cells. In single precision at least."""
        raw = [level.to(torch.promote_types(level.dtype, torch.float32)) for level in raw]
        flat = torch.cat([level.flatten(1, 3) for level in raw], 1)
        levels = list(zip(raw, self.strides, strict=True))
        centres = [((cells(level) + 0.5) * stride).flatten(0, 1) for level, stride in levels]
        rows, columns = raw[0].shape[2:4]
        return Predictions(
            boxes=torch.cat([_boxes(level, stride).flatten(1, 3) for level, stride in levels], 1),
            objectness=flat[..., 4],
            classes=flat[..., 5:],
            centres=torch.cat(centres),
            strides=torch.cat(
                [
                    c.new_full((len(c),), stride)
                    for c, stride in zip(centres, self.strides, strict=True)
                ]
            ),
            size=(columns * self.strides[0], rows * self.strides[0]),
        )


class _Branches(nn.Module):
    """One level: a 1x1 convolution, then 3x3 convolutions for the class scores and for box and objectness."""

    def __init__(
        self, channels: int, hidden: int, *, classes: int, convs: int, make: ConvFactory
    ) -> None:
        super().__init__()
        self.stem = make.conv_norm_act(channels, hidden)
        self.class_branch = nn.Sequential(
            *(make.conv_norm_act(hidden, hidden, 3) for _ in range(convs))
        )
        self.box_branch = nn.Sequential(
            *(make.conv_norm_act(hidden, hidden, 3) for _ in range(convs))
        )
        self.scores = nn.Conv2d(hidden, classes, 1)
        self.boxes = nn.Conv2d(hidden, 4, 1)
        self.objectness = nn.Conv2d(hidden, 1, 1)
        for rare in (self.scores, self.objectness):
            assert rare.bias is not None
            nn.init.constant_(rare.bias, math.log(RARE / (1 - RARE)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, 5 + classes, H, W)."""
        x = self.stem(x)
        boxes = self.box_branch(x)
        return torch.cat(
            (self.boxes(boxes), self.objectness(boxes), self.scores(self.class_branch(x))), 1
        )


def _boxes(level: Tensor, stride: int) -> Tensor:
    """(B, 1, rows, columns, 4) centre, width, height in pixels."""
    return torch.cat(((level[..., :2] + cells(level)) * stride, level[..., 2:4].exp() * stride), -1)
