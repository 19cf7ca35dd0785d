"""Deformable convolution, version 2: with offsets and a mask (Zhu et al., CVPR 2019, arXiv 1811.11168)."""

import copy
import math

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import register_flop_formula
from torchvision.ops import deform_conv2d

from suite.nn.layers import norm_as_affine


class DeformConv2d(nn.Module):
    """Every tap of the kernel reads the input at a learnt offset and is weighed by a learnt mask.

    Takes the place of a convolution without bias. Offsets and masks come from a convolution of the same kernel and
    stride; it starts at zero, so the operator starts as a plain convolution of half its weights. `offset_groups`
    groups of input channels have offsets of their own.

    Maps (B, in, H, W) to what a convolution of this kernel, stride, padding and dilation gives.
    """

    bias: nn.Parameter | None

    def __init__(  # noqa: PLR0917  (an operator is called as the convolution that it replaces)
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        *,
        offset_groups: int = 1,
    ) -> None:
        super().__init__()
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.taps = offset_groups * kernel**2
        self.where = nn.Conv2d(
            in_channels, 3 * self.taps, kernel, stride, padding, dilation=dilation
        )
        nn.init.zeros_(self.where.weight)
        assert self.where.bias is not None
        nn.init.zeros_(self.where.bias)
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, kernel, kernel))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        self.register_parameter("bias", None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H', W')."""
        offset, mask = self.where(x).split((2 * self.taps, self.taps), 1)
        out: Tensor = deform_conv2d(
            x,
            offset,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            mask.sigmoid(),
        )
        return out

    def folded(self, norm: nn.Module) -> "DeformConv2d":
        """This operator followed by the batch norm `norm`, in evaluation: γ/σ scales the filters, the rest is bias."""
        assert isinstance(norm, nn.BatchNorm2d)
        scale, shift = norm_as_affine(norm)
        form = copy.deepcopy(self)
        form.weight.data *= scale[:, None, None, None]
        form.register_parameter("bias", nn.Parameter(shift))
        return form


@register_flop_formula(torch.ops.torchvision.deform_conv2d)
def _flops(
    _input: object, weight: tuple[int, ...], *_: object, out_shape: tuple[int, ...], **__: object
) -> int:
    """What a plain convolution of this kernel costs: torch's counter does not know torchvision's operator."""
    taps = math.prod(weight[1:])
    return 2 * math.prod(out_shape) * taps
