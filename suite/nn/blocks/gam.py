"""GAM: global attention without pooling (Liu, Shao and Hoffmann, 2021, arXiv 2112.05561)."""

from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import ConvNormAct


class GAM(nn.Module):
    """Gates every value twice: by a perceptron along the channels of its place, then by two wide convolutions.

    The perceptron and the convolutions (`kernel` x `kernel`, each with a batch norm) go by way of in / `reduction`
    channels. `groups` parts the convolutions, which are most of its cost.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        make: ConvFactory = PLAIN,
        reduction: int = 4,
        kernel: int = 7,
        groups: int = 1,
    ) -> None:
        super().__init__()
        hidden = max(in_channels // reduction, 1)
        self.channels = nn.Sequential(
            nn.Conv2d(in_channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, in_channels, 1)
        )
        self.narrow = ConvNormAct(
            make.conv(in_channels, hidden, kernel, groups=groups),
            make.norm(hidden),
            nn.ReLU(inplace=True),
        )
        self.widen = make.conv_norm_act(hidden, in_channels, kernel, groups=groups, act=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        x = x * self.channels(x).sigmoid()
        return x * self.widen(self.narrow(x)).sigmoid()
