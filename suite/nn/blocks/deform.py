"""Deformable convolution, version 2: with offsets and a mask (Zhu et al., CVPR 2019, arXiv 1811.11168)."""

import copy
import math
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import register_flop_formula
from torchvision.ops import deform_conv2d

from suite.nn.layers import norm_as_affine
from suite.nn.operators import ConvShape, takes_place_of_conv


class DeformConv2d(nn.Module):
    """Every tap of the kernel reads the input at a learnt offset and is weighed by a learnt mask.

    Takes the place of a convolution without bias. Offsets and masks come from a convolution of the same kernel and
    stride; it starts at zero, so the operator starts as a plain convolution of half its weights. `offset_groups`
    groups of input channels have offsets of their own.

    Maps (B, in, H, W) to what a convolution of this kernel, stride, padding and dilation gives.
    """

    bias: nn.Parameter | None

    @takes_place_of_conv()
    def __init__(
        self,
        shape: ConvShape,
        *,
        offset_groups: int = 1,
    ) -> None:
        super().__init__()
        self.stride, self.padding, self.dilation = shape.stride, shape.padding, shape.dilation
        self.taps = offset_groups * shape.kernel**2
        self.where = replace(shape, out_channels=3 * self.taps, groups=1).conv(bias=True)
        nn.init.zeros_(self.where.weight)
        assert self.where.bias is not None
        nn.init.zeros_(self.where.bias)
        self.weight = nn.Parameter(torch.empty(shape.weight))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        self.register_parameter("bias", None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H', W')."""
        offset, mask = self.where(x).split((2 * self.taps, self.taps), 1)
        return deform_conv2d(
            x,
            offset,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            mask.sigmoid(),
        )

    def folded(self, norm: nn.BatchNorm2d) -> "DeformConv2d":
        """This operator followed by the batch norm `norm`, in evaluation: γ/σ scales the filters, the rest is bias."""
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
