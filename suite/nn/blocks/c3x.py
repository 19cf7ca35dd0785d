"""C3x: C3 with crossed convolutions, 1x3 then 3x1, in place of bottlenecks (YOLOv5)."""

from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.csp import CrossStage
from suite.nn.layers import ConvNormAct


class C3x(CrossStage):
    """`repeat` crossed convolutions in the frame of C3. They are not square, so edits of convolutions pass them by."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        repeat: int = 1,
        shortcut: bool = True,
        groups: int = 1,
        expansion: float = 0.5,
    ) -> None:

        def inner(width: int) -> nn.Module:
            crossed = (
                CrossConv(width, make=make, shortcut=shortcut, groups=groups) for _ in range(repeat)
            )
            return nn.Sequential(*crossed)

        super().__init__((in_channels, out_channels), inner, make=make, expansion=expansion)


class CrossConv(nn.Module):
    """1x`kernel`, then `kernel`x1, with a residual where `shortcut` is set. Keeps width and resolution."""

    def __init__(
        self,
        width: int,
        *,
        make: ConvFactory,
        kernel: int = 3,
        shortcut: bool = True,
        groups: int = 1,
    ) -> None:
        super().__init__()
        half = kernel // 2
        across = nn.Conv2d(width, width, (1, kernel), padding=(0, half), bias=False)
        down = nn.Conv2d(width, width, (kernel, 1), padding=(half, 0), groups=groups, bias=False)
        self.across = ConvNormAct(across, make.norm(width), make.act())
        self.down = ConvNormAct(down, make.norm(width), make.act())
        self.residual = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        out: Tensor = self.down(self.across(x))
        return x + out if self.residual else out
