"""What papers other than YOLOv5 share: a convolution with PyTorch's own norm, and MobileNet's rule for widths."""

from torch import nn

from suite.nn.conv import ConvFactory
from suite.nn.layers import ConvNormAct


def conv_norm(
    make: ConvFactory,
    in_channels: int,
    out_channels: int,
    kernel: int = 1,
    stride: int = 1,
    *,
    groups: int = 1,
    act: nn.Module | None = None,
) -> ConvNormAct:
    """Convolution without bias, batch norm of eps 1e-5 (YOLOv5's is 1e-3), and `act` if there is one."""
    conv = make.conv(in_channels, out_channels, kernel, stride, groups=groups)
    return ConvNormAct(conv, nn.BatchNorm2d(out_channels), act or nn.Identity())


def rounded(channels: float, multiple: int) -> int:
    """The nearest multiple, at least one of it, and never less than 90 % of `channels` (MobileNet's code)."""
    near = max(int(channels + multiple / 2) // multiple * multiple, multiple)
    return near if near >= 0.9 * channels else near + multiple
