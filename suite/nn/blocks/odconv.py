"""ODConv: omni-dimensional dynamic convolution (Li, Zhou and Yao, ICLR 2022, arXiv 2209.07947)."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.dynamic import convolve_each, mixed
from suite.nn.layers import norm_as_affine
from suite.nn.operators import ConvShape, takes_place_of_conv


class ODConv(nn.Module):
    """A convolution whose `kernels` kernels are mixed and scaled for every sample, along all four dimensions.

    Takes the place of a convolution without bias. The attentions read the global mean of the input, squeezed to
    `max(in * reduction, min_hidden)` values. Left out, because they would be one: the spatial attention of a 1x1
    kernel, the kernel attention of a single kernel, the filter attention of a depthwise convolution. A single 1x1
    kernel is not dynamic at all: it stands between two gates.

    `temperature` flattens the attentions while the network is young (the paper goes from 30 to 1 over the first
    10 of 100 epochs); it acts in training only, so a copy made on the way evaluates like the finished network.

    Maps (B, in, H, W) to what a convolution of this kernel, stride, padding and dilation gives.
    """

    bias: nn.Parameter | None

    @takes_place_of_conv()
    def __init__(
        self,
        shape: ConvShape,
        *,
        kernels: int = 4,
        reduction: float = 0.0625,
        min_hidden: int = 16,
    ) -> None:
        super().__init__()
        self.shape, self.stepping = shape.weight, shape.stepping
        self.temperature = 1.0
        depthwise = shape.in_channels == shape.out_channels == shape.groups
        taps = shape.kernel**2
        self.attention = Attention(
            shape.in_channels,
            0 if depthwise else shape.out_channels,
            max(int(shape.in_channels * reduction), min_hidden),
            taps=taps,
            kernels=kernels,
        )
        # one row a kernel: a tensor of five dimensions could not be moved to channels_last memory
        self.weight = nn.Parameter(torch.empty(kernels, shape.out_channels, self.shape[1] * taps))
        nn.init.normal_(self.weight, std=math.sqrt(2 / (shape.out_channels * taps)))
        self.register_parameter("bias", None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H', W')."""
        channel, filters, spatial, mixture = self.attention(
            x, self.temperature if self.training else 1.0
        )
        weight = self._mixed(spatial, mixture)
        out = convolve_each(x * channel, weight, **self.stepping)
        if filters is None:
            return out if self.bias is None else out + self.bias[:, None, None]
        return (
            out * filters
            if self.bias is None
            else torch.addcmul(self.bias[:, None, None], out, filters)
        )

    def deployed(self) -> "ODConv":
        """The same map with the attention's norm folded into its squeeze."""
        if self.attention.norm is None:
            return self
        form = copy.deepcopy(self).eval()
        form.attention = self.attention.folded()
        return form

    def folded(self, norm: nn.BatchNorm2d) -> "ODConv":
        """This operator followed by the batch norm `norm`, in evaluation: γ/σ scales the filters, the rest is bias."""
        scale, shift = norm_as_affine(norm)
        form = copy.deepcopy(self.deployed())
        form.weight.data *= scale[:, None]
        form.register_parameter("bias", nn.Parameter(shift))
        return form

    def _mixed(self, spatial: Tensor | None, mixture: Tensor | None) -> Tensor:
        """The kernels of the samples, (B, out, in / groups, k, k), or (1, ...) where no attention acts on them."""
        weight: Tensor = self.weight if mixture is None else mixed(self.weight, mixture)
        weight = weight.view(-1, *self.shape)
        return weight if spatial is None else weight * spatial.view(-1, 1, 1, *self.shape[2:])


class Attention(nn.Module):
    """Global mean, squeeze, and one head for each dimension of the kernel that has one.

    Heads of 0 `filters`, 1 of `taps` (positions of the kernel) and 1 of `kernels` are left out.
    """

    def __init__(
        self, channels: int, filters: int, hidden: int, *, taps: int, kernels: int
    ) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.squeeze = nn.Linear(channels, hidden, bias=False)
        self.norm: nn.BatchNorm1d | None = nn.BatchNorm1d(hidden)
        self.act = nn.ReLU()
        self.channel = nn.Linear(hidden, channels)
        self.filters = nn.Linear(hidden, filters) if filters else None
        self.spatial = nn.Linear(hidden, taps) if taps > 1 else None
        self.mixture = nn.Linear(hidden, kernels) if kernels > 1 else None
        for head in (self.squeeze, self.channel, self.filters, self.spatial, self.mixture):
            if head is not None:
                nn.init.kaiming_normal_(head.weight, mode="fan_out", nonlinearity="relu")
            if head is not None and head.bias is not None:
                nn.init.zeros_(head.bias)

    def forward(
        self, x: Tensor, temperature: float
    ) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
        """(B, C, H, W) to scales of the channels (B, C, 1, 1), filters (B, F, 1, 1), taps (B, T), kernels (B, K)."""
        hidden = self.act(self._normalised(self.squeeze(self.pool(x).flatten(1))))
        channel = _scaled(self.channel(hidden), temperature).sigmoid()[..., None, None]
        filters = spatial = mixture = None
        if self.filters is not None:
            filters = _scaled(self.filters(hidden), temperature).sigmoid()[..., None, None]
        if self.spatial is not None:
            spatial = _scaled(self.spatial(hidden), temperature).sigmoid()
        if self.mixture is not None:
            mixture = _scaled(self.mixture(hidden), temperature).softmax(1)
        return channel, filters, spatial, mixture

    def folded(self) -> "Attention":
        """The same attentions with the norm folded into the squeeze."""
        assert self.norm is not None
        scale, shift = norm_as_affine(self.norm)  # type: ignore[arg-type]  # one dimension or two, the affine is the same
        form = copy.deepcopy(self).eval()
        form.squeeze.weight.data *= scale[:, None]
        form.squeeze.register_parameter("bias", nn.Parameter(shift))
        form.norm = None
        return form

    def _normalised(self, hidden: Tensor) -> Tensor:
        norm = self.norm
        if norm is None:
            return hidden
        if norm.training and len(hidden) == 1:
            # one value a channel has no variance: the running statistics serve, and learn nothing from it
            mean, variance = norm.running_mean, norm.running_var
            return F.batch_norm(
                hidden, mean, variance, norm.weight, norm.bias, training=False, eps=norm.eps
            )
        return norm(hidden)


def _scaled(logits: Tensor, temperature: float) -> Tensor:
    return logits if temperature == 1 else logits / temperature
