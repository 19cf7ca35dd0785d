"""The road from ResNet to ConvNeXt, a step an option (Liu et al., CVPR 2022, arXiv 2201.03545, section 2 and table 10).

The road starts at `resnet.Bottleneck`, which `Block` with `depthwise: false` equals, and ends at `convnext.ConvNeXt`
without its layer scale and depthwise bias. Downsampling stays in the first block of a stage until the last step, which
puts `convnext.Downsample` between the stages. Every batch norm has torch's eps of 1e-5.
"""

from typing import Literal

from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import ConvNormAct, LayerNorm2d

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU}
NORMS = {"batch": nn.BatchNorm2d, "layer": LayerNorm2d}
Norm = Literal["batch", "layer"]
Act = Literal["relu", "gelu"]


class Patchify(nn.Module):
    """The step "patchify stem": a `stride` x `stride` convolution of that stride and a batch norm; no activation.

    From the step "layer norm" on the stem is `stem.Patchify`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 4,
    ) -> None:
        super().__init__()
        conv = make.patches(in_channels, out_channels, stride)
        self.conv = ConvNormAct(conv, nn.BatchNorm2d(out_channels), nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        return self.conv(x)


class Block(nn.Module):
    """Three convolutions, of which one mixes places; plus the input, by a 1x1 where the shape changes.

    `form` says what they are: "bottleneck" 1x1 to a quarter of the output, `kernel` x `kernel`, 1x1; "inverted" the
    same by way of four times the output; "mix_first" the `kernel` x `kernel` on the input, then 1x1 to four times the
    output, 1x1. The mixing one is depthwise unless `depthwise` is False. `few_acts` leaves one activation, between the
    two 1x1 of "mix_first", and none after the sum; `few_norms` one norm, after the mixing, and the 1x1 get biases.

    Raises:
        ValueError: activations or norms are taken from a form that the paper does not take them from.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 1,
        form: Literal["bottleneck", "inverted", "mix_first"] = "mix_first",
        depthwise: bool = True,
        kernel: int = 3,
        act: Act = "relu",
        norm: Norm = "batch",
        few_acts: bool = False,
        few_norms: bool = False,
    ) -> None:
        super().__init__()
        if form != "mix_first" and (few_acts or few_norms):
            raise ValueError(
                f"few_acts and few_norms are steps of the form mix_first, but the form is {form}"
            )
        parts = Parts(make, act, norm)
        hidden = out_channels // 4 if form == "bottleneck" else 4 * out_channels
        mixed = in_channels if form == "mix_first" else hidden
        groups = mixed if depthwise else 1
        mix = parts.unit(mixed, mixed, kernel, stride, groups=groups, act=not few_acts)
        widen = parts.unit(in_channels, hidden, norm=not few_norms)
        project = parts.unit(hidden, out_channels, norm=not few_norms, act=False)
        self.branch = nn.Sequential(*(mix, widen) if form == "mix_first" else (widen, mix), project)
        same = stride == 1 and in_channels == out_channels
        self.shortcut = (
            nn.Identity() if same else parts.unit(in_channels, out_channels, 1, stride, act=False)
        )
        self.act = nn.Identity() if few_acts else parts.activation()

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        return self.act(self.shortcut(x) + self.branch(x))


class Parts:
    """Makes the units of one block: a convolution, its norm and its activation, of the block's kinds."""

    def __init__(self, make: ConvFactory, act: Act, norm: Norm) -> None:
        self._make = make
        self._norm = NORMS[norm]
        self.activation = ACTIVATIONS[act]

    def unit(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        groups: int = 1,
        norm: bool = True,
        act: bool = True,
    ) -> nn.Module:
        """A convolution, which has a bias where it has no norm."""
        conv = self._make.conv(
            in_channels, out_channels, kernel, stride, groups=groups, bias=not norm
        )
        last = self.activation() if act else nn.Identity()
        if norm and self._norm is nn.BatchNorm2d:
            return ConvNormAct(conv, nn.BatchNorm2d(out_channels), last)
        return nn.Sequential(conv, self._norm(out_channels) if norm else nn.Identity(), last)
