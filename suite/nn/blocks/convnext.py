"""ConvNeXt: depthwise mixing, then an inverted bottleneck (Liu et al., CVPR 2022, arXiv 2201.03545)."""

import copy

import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import DropPath, LayerNorm2d, init_trunc_normal, require_same_width


class ConvNeXt(nn.Module):
    """Depthwise `kernel` x `kernel`, layer norm, 1x1 to `expand` times the width, GELU, 1x1 back, residual.

    Keeps width and resolution; `convnext.Downsample` changes both. `layer_scale` is where the factor of each
    channel's branch starts (None: no such factor). The paper starts at 1e-6 for classification and at 1 for
    detection; from 1e-6 a detector trained from scratch begins as a chain of identities.

    Raises:
        ValueError: the widths in and out differ.
    """

    layer_scale: nn.Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        kernel: int = 7,
        expand: int = 4,
        layer_scale: float | None = 1.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        require_same_width(in_channels, out_channels)
        hidden = expand * in_channels
        self.mix = make.conv(in_channels, in_channels, kernel, groups=in_channels, bias=True)
        self.norm = LayerNorm2d(in_channels)
        self.expand = make.conv(in_channels, hidden, bias=True)
        self.act = nn.GELU()
        self.project = make.conv(hidden, in_channels, bias=True)
        scale = (
            None
            if layer_scale is None
            else nn.Parameter(torch.full((in_channels,), float(layer_scale)))
        )
        self.register_parameter("layer_scale", scale)
        self.drop_path = DropPath(drop_path)
        # the paper's table says 0.2 for this start, which is a misprint
        for conv in (self.mix, self.expand, self.project):
            init_trunc_normal(conv)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        out: Tensor = self.project(self.act(self.expand(self.norm(self.mix(x)))))
        if self.layer_scale is not None:
            out = out * self.layer_scale[:, None, None]
        dropped: Tensor = self.drop_path(out)
        return x + dropped

    def deployed(self) -> "ConvNeXt":
        """The same block with the layer scale folded into the last 1x1."""
        if self.layer_scale is None or not isinstance(self.project, nn.Conv2d):
            return self
        form = copy.deepcopy(self)
        project = form.project
        assert isinstance(project, nn.Conv2d)
        assert project.bias is not None
        project.weight.data *= self.layer_scale.detach()[:, None, None, None]
        project.bias.data *= self.layer_scale.detach()
        form.register_parameter("layer_scale", None)
        return form


class Downsample(nn.Module):
    """Layer norm, then a `stride` x `stride` convolution of that stride: what stands between the stages."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 2,
    ) -> None:
        super().__init__()
        self.norm = LayerNorm2d(in_channels)
        self.conv = make.patches(in_channels, out_channels, stride)
        init_trunc_normal(self.conv)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        return self.conv(self.norm(x))
