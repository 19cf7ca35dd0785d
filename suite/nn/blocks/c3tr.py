"""C3TR: C3 with transformer layers in place of bottlenecks (YOLOv5; the layers after arXiv 2010.11929)."""

import math

from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.csp import CrossStage


class C3TR(CrossStage):
    """A learnt projection as position, then `repeat` transformer layers over all places, in the frame of C3.

    Raises:
        ValueError: `heads` does not divide the inner width.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        repeat: int = 1,
        heads: int = 4,
        expansion: float = 0.5,
    ) -> None:

        def inner(width: int) -> nn.Module:
            return Transformer(width, heads=heads, layers=repeat)

        super().__init__((in_channels, out_channels), inner, make=make, expansion=expansion)


class Transformer(nn.Module):
    """Adds a linear map of the tokens to them, where others add positions, then applies `layers` layers."""

    def __init__(self, width: int, *, heads: int, layers: int) -> None:
        super().__init__()
        self.position = nn.Linear(width, width)
        self.layers = nn.Sequential(*(TransformerLayer(width, heads=heads) for _ in range(layers)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        tokens = x.flatten(2).transpose(1, 2)
        out: Tensor = self.layers(tokens + self.position(tokens))
        return out.transpose(1, 2).reshape(x.shape)


class TransformerLayer(nn.Module):
    """Self-attention and a linear perceptron, each with a residual; no norms and no activation.

    Query, key and value are projected twice: without a bias by the layer, with one by the attention.
    """

    def __init__(self, width: int, *, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{width} channels cannot be parted into {heads} heads")
        self.heads = heads
        self.outer = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(3))
        self.inner = nn.ModuleList(nn.Linear(width, width) for _ in range(3))
        self.project = nn.Linear(width, width)
        self.widen = nn.Linear(width, width, bias=False)
        self.narrow = nn.Linear(width, width, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, C) to the same shape."""
        shape = (len(tokens), -1, self.heads, tokens.shape[2] // self.heads)
        query, key, value = (
            inner(outer(tokens)).view(shape).transpose(1, 2)
            for outer, inner in zip(self.outer, self.inner, strict=True)
        )
        # written out: counters do not see into torch's fused attention
        shares = (query @ key.transpose(2, 3) / math.sqrt(shape[3])).softmax(3)
        attended = (shares @ value).transpose(1, 2).reshape(tokens.shape)
        tokens = tokens + self.project(attended)
        return tokens + self.narrow(self.widen(tokens))
