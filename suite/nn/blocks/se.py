"""Squeeze-and-excitation as a layer of its own (Hu et al., CVPR 2018, arXiv 1709.01507)."""

from suite.nn.layers import SqueezeExcite


class SE(SqueezeExcite):
    """Channel gate from the global mean, by way of in / `reduction` values, at least `min_hidden`."""

    def __init__(self, in_channels: int, *, reduction: int = 16, min_hidden: int = 4) -> None:
        super().__init__(in_channels, max(in_channels // reduction, min_hidden))
