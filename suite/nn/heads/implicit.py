"""YOLOv7's head: anchors with implicit knowledge (arXiv 2207.02696; the knowledge from YOLOR, arXiv 2105.04206)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from suite.nn.heads.anchor import AnchorHead


class ImplicitHead(AnchorHead):
    """YOLOv5's head with a learnt vector added to every map before its convolution, and one multiplied in after it.

    Both vectors merge into the convolution when deployed.

    Raises:
        ValueError: the numbers of levels, strides and anchor lists differ, or a list is not of equal pairs.
    """

    def __init__(
        self,
        in_channels: tuple[int, ...],
        *,
        classes: int,
        strides: tuple[int, ...],
        anchors: Sequence[Sequence[float]] | int,
    ) -> None:
        super().__init__(in_channels, classes=classes, strides=strides, anchors=anchors)
        self.outputs = nn.ModuleList(_Implicit(output) for output in self.outputs)


class _Implicit(nn.Module):
    """times · (weight · (x + added) + bias), of a 1x1 convolution."""

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        assert isinstance(conv, nn.Conv2d)
        self.conv = conv
        self.added = nn.Parameter(torch.empty(conv.in_channels).normal_(0, 0.02))
        self.times = nn.Parameter(torch.empty(conv.out_channels).normal_(1, 0.02))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        return self.conv(x + self.added[:, None, None]) * self.times[:, None, None]

    def deployed(self) -> nn.Conv2d:
        """One convolution: weight · times, and (weight · added + bias) · times."""
        weight, bias = self.conv.weight.detach(), self.conv.bias
        assert bias is not None
        times = self.times.detach()
        merged = nn.Conv2d(
            self.conv.in_channels,
            self.conv.out_channels,
            1,
            device=weight.device,
            dtype=weight.dtype,
        )
        assert merged.bias is not None
        with torch.no_grad():
            merged.weight.copy_(weight * times[:, None, None, None])
            merged.bias.copy_((weight.flatten(1) @ self.added + bias) * times)
        return merged
