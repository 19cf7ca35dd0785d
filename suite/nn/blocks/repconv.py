"""RepConv: parallel branches that merge into one convolution (RepVGG, arXiv 2101.03697; YOLOv7, arXiv 2207.02696)."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.layers import fold_norm, norm_as_affine
from suite.nn.operators import ConvShape, takes_place_of_conv


class RepConv(nn.Module):
    """The sum of a k x k convolution, a 1x1 convolution and, where shapes allow, the input; each with a batch norm.

    Takes the place of a convolution; the norm and activation around it stay, and merge with it when deployed.
    `identity: false` is the paper's RepConvN.

    Maps (B, in, H, W) to (B, out, H / stride, W / stride).

    Raises:
        ValueError: the kernel is even, or the padding is not the one that keeps the resolution.
    """

    @takes_place_of_conv(kernel=3, padding=1)
    def __init__(
        self,
        shape: ConvShape,
        *,
        identity: bool = True,
    ) -> None:
        super().__init__()
        if shape.kernel % 2 == 0 or shape.padding != shape.same_padding:
            raise ValueError(
                "its 1x1 branch must meet the middle of the kernel, "
                f"but kernel {shape.kernel} has padding {shape.padding}; "
                f"it must be odd, with padding {shape.same_padding}"
            )
        self.wide = shape.conv()
        self.wide_norm = _norm(shape.out_channels)
        self.point = replace(shape, kernel=1, padding=0, dilation=1).conv()
        self.point_norm = _norm(shape.out_channels)
        kept = identity and shape.in_channels == shape.out_channels and shape.stride == 1
        self.identity = _norm(shape.in_channels) if kept else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        out: Tensor = self.wide_norm(self.wide(x)) + self.point_norm(self.point(x))
        return out if self.identity is None else out + self.identity(x)

    def deployed(self) -> nn.Conv2d:
        """One convolution: every norm folded into its branch, the narrow branches added to the middle of the kernel."""
        merged = fold_norm(self.wide, self.wide_norm)
        point = fold_norm(self.point, self.point_norm)
        assert merged.bias is not None
        assert point.bias is not None
        middle = merged.kernel_size[0] // 2
        with torch.no_grad():
            merged.weight += F.pad(point.weight, (middle,) * 4)
            merged.bias += point.bias
            if self.identity is not None:
                scale, shift = norm_as_affine(self.identity)
                rows = torch.arange(merged.out_channels, device=scale.device)
                merged.weight[rows, rows % merged.weight.shape[1], middle, middle] += scale
                merged.bias += shift
        return merged

    def folded(self, norm: nn.BatchNorm2d) -> nn.Conv2d:
        """The merged convolution with the batch norm `norm` that follows folded in too."""
        return fold_norm(self.deployed(), norm)


def _norm(channels: int) -> nn.BatchNorm2d:
    """YOLOv7's norm, which is YOLOv5's."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.03)
