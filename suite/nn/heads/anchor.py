"""YOLOv5's coupled anchor head: one 1x1 convolution a level (YOLOv5 v6.0; anchors as in YOLOv3, arXiv 1804.02767)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from suite.nn.heads import Head, cells

BOX_AND_OBJECTNESS = 5


class AnchorHead(Head):
    """Predicts, for every anchor of every cell: x, y, w, h, objectness, one score a class.

    `anchors` is one flat list of widths and heights in pixels a level, or how many a level where none are known yet:
    YOLOv5's placeholders 0, 1, 2, ... then, from which nothing trains. The buffer of that name has shape
    (levels, anchors a level, 2). The convolutions are not sites of edits: they are the read-out, not the network.

    Raises:
        ValueError: the numbers of levels, strides and anchor lists differ, or a list is not of equal pairs.
    """

    anchors: Tensor

    def __init__(
        self,
        in_channels: tuple[int, ...],
        *,
        classes: int,
        strides: tuple[int, ...],
        anchors: Sequence[Sequence[float]] | int,
    ) -> None:
        super().__init__()
        if isinstance(anchors, int):
            anchors = [range(2 * anchors)] * len(in_channels)
        if len(anchors) != len(in_channels):
            raise ValueError(
                f"has {len(in_channels)} inputs but {len(anchors)} lists of anchors; one list an input"
            )
        if len({len(level) for level in anchors}) != 1 or not anchors[0] or len(anchors[0]) % 2:
            raise ValueError(
                "anchors must be lists of equal length, each of width, height pairs in pixels"
            )
        self.classes = classes
        self.strides = strides
        self.register_buffer(
            "anchors",
            torch.tensor([*map(list, anchors)], dtype=torch.float32).view(len(anchors), -1, 2),
        )
        self.per_level = len(anchors[0]) // 2
        width = self.per_level * (BOX_AND_OBJECTNESS + classes)
        self.outputs = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in in_channels)
        self._bias_to_rare_objects()

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Maps (B, C_i, H_i, W_i) to raw predictions (B, anchors, H_i, W_i, 5 + classes), before any sigmoid."""
        return tuple(
            output(x).unflatten(1, (self.per_level, -1)).permute(0, 1, 3, 4, 2)
            for output, x in zip(self.outputs, maps, strict=True)
        )

    def decode(self, raw: Sequence[Tensor]) -> Tensor:
        """Raw predictions to (B, N, 5 + classes): centre x, y, width, height in pixels, objectness, class scores.

        N counts level by level, then anchor, row, column. xy = (2σ + cell − 0.5)·stride, wh = (2σ)²·anchor; the
        class scores are not yet multiplied by objectness.
        """
        levels = []
        for level, stride, anchors in zip(raw, self.strides, self.anchors, strict=True):
            batch, per_level, rows, columns, width = level.shape
            scores = level.sigmoid()
            corner = (cells(level) - 0.5) * stride
            scores[..., 0:2] = scores[..., 0:2] * (2 * stride) + corner
            scores[..., 2:4] = (scores[..., 2:4] * 2) ** 2 * anchors.to(level.dtype)[:, None, None]
            levels.append(scores.reshape(batch, per_level * rows * columns, width))
        return torch.cat(levels, 1)

    def _bias_to_rare_objects(self) -> None:
        """Start as if a 640-pixel image held 8 objects and classes shared 0.6 of the score (arXiv 1708.02002, 3.3)."""
        for output, stride in zip(self.outputs, self.strides, strict=True):
            assert isinstance(output, nn.Conv2d)
            assert output.bias is not None
            with torch.no_grad():
                bias = output.bias.view(self.per_level, -1)
                bias[:, 4] += math.log(8 / (640 / stride) ** 2)
                bias[:, BOX_AND_OBJECTNESS:] += math.log(0.6 / (self.classes - 0.99999))
