"""BoT3: C3 with bottleneck transformers in place of bottlenecks (Srinivas et al., CVPR 2021, arXiv 2101.11605)."""

import copy
import math

import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.csp import CrossStage
from suite.nn.layers import norm_as_affine


class BoT3(CrossStage):
    """`repeat` bottlenecks, whose 3x3 is attention over all places, in the frame of C3.

    The attention has inner width · `squeeze` channels, down to a multiple of `heads`, at least one a head.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        repeat: int = 1,
        heads: int = 4,
        squeeze: float = 0.25,
        reach: int = 20,
        expansion: float = 0.5,
    ) -> None:

        def inner(width: int) -> nn.Module:
            hidden = max(int(width * squeeze) // heads, 1) * heads
            blocks = (
                BoT(width, hidden, make=make, heads=heads, reach=reach) for _ in range(repeat)
            )
            return nn.Sequential(*blocks)

        super().__init__((in_channels, out_channels), inner, make=make, expansion=expansion)


class BoT(nn.Module):
    """1x1 to `hidden`, attention and activation, 1x1 back; the last activation comes after the sum with the input."""

    def __init__(
        self, width: int, hidden: int, *, make: ConvFactory, heads: int, reach: int
    ) -> None:
        super().__init__()
        self.reduce = make.conv_norm_act(width, hidden)
        self.attention = RelativeAttention(hidden, make=make, heads=heads, reach=reach)
        self.expand = make.conv_norm_act(hidden, width, act=False)
        self.inner_act = make.act()
        self.act = make.act()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return self.act(x + self.expand(self.inner_act(self.attention(self.reduce(x)))))


class RelativeAttention(nn.Module):
    """Every place reads all places, by content and by how far they are down and to the right; then a norm.

    logit(i, j) = query_i · (key_j + down[row_j - row_i] + right[column_j - column_i]) / √d. Distances are learnt up
    to `reach` - 1 and cut there, so that any image size goes.
    """

    def __init__(self, width: int, *, make: ConvFactory, heads: int, reach: int) -> None:
        super().__init__()
        self.heads, self.reach = heads, reach
        self.project = make.conv(width, 3 * width)
        scale = (width // heads) ** -0.5
        self.down = nn.Parameter(torch.randn(2 * reach - 1, width // heads) * scale)
        self.right = nn.Parameter(torch.randn(2 * reach - 1, width // heads) * scale)
        self.norm = make.norm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        samples, channels, height, width = x.shape
        parts = self.project(x).view(samples, 3, self.heads, -1, height, width)
        # maps of (B, heads, H, W, d)
        query, key, value = (part.permute(0, 1, 3, 4, 2) for part in parts.unbind(1))
        down = torch.einsum("bnyxd,yvd->bnyxv", query, self._between(self.down, height))
        right = torch.einsum("bnyxd,xvd->bnyxv", query, self._between(self.right, width))
        places = (down[..., :, None] + right[..., None, :]).flatten(4).flatten(2, 3)
        content = query.flatten(2, 3) @ key.flatten(2, 3).transpose(2, 3)
        shares = ((content + places) / math.sqrt(query.shape[4])).softmax(3)
        out: Tensor = (
            (shares @ value.flatten(2, 3)).transpose(2, 3).reshape(samples, channels, height, width)
        )
        return self.norm(out)

    def deployed(self) -> "RelativeAttention":
        """The same with the norm folded into the values: their shares sum to one, so the shift is a bias of theirs."""
        if not (isinstance(self.project, nn.Conv2d) and isinstance(self.norm, nn.BatchNorm2d)):
            return self
        form = copy.deepcopy(self)
        scale, shift = norm_as_affine(self.norm)
        unchanged = torch.ones(2 * len(scale), dtype=scale.dtype, device=scale.device)
        project = form.project
        assert isinstance(project, nn.Conv2d)
        project.weight.data *= torch.cat((unchanged, scale))[:, None, None, None]
        project.register_parameter("bias", nn.Parameter(torch.cat((0 * unchanged, shift))))
        form.norm = nn.Identity()
        return form

    def _between(self, table: Tensor, size: int) -> Tensor:
        """The vectors of every pair of places on a line, (size, size, d): first from where, then to where."""
        line = torch.arange(size, device=table.device)
        distance = (line[None, :] - line[:, None]).clamp(1 - self.reach, self.reach - 1)
        return table[distance + self.reach - 1]
