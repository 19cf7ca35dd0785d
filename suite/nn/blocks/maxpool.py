"""Max pooling as a layer, with a border of zeros on request (as in YOLOv3-tiny, arXiv 1804.02767)."""

import torch
from torch import Tensor, nn


class MaxPool(nn.Module):
    """The largest of every `kernel` x `kernel` window; keeps the channels.

    `padding` widens the map on all sides by values that never win, as poolings do. `zeros` (left, right, top, bottom)
    widens it by zeros first: those win against negative values, so the two differ.
    """

    def __init__(
        self,
        in_channels: int,  # noqa: ARG002  (every block is told its input)
        *,
        kernel: int = 2,
        stride: int = 2,
        padding: int = 0,
        zeros: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> None:
        super().__init__()
        self.zeros = zeros
        self.pool = nn.MaxPool2d(kernel, stride, padding)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H / stride, W / stride), if padding and zeros together make up for the kernel."""
        left, right, top, bottom = self.zeros
        x = _beside(x, left, right, 3)
        return self.pool(_beside(x, top, bottom, 2))


def _beside(x: Tensor, before: int, after: int, dim: int) -> Tensor:
    """The map with lines of zeros before and after it.

    Joined to it, not padded: onnxruntime takes a padding into the pooling, where its zeros would no longer win.
    """
    if not before and not after:
        return x
    lines = [x.new_zeros([*x.shape[:dim], count, *x.shape[dim + 1 :]]) for count in (before, after)]
    return torch.cat((lines[0], x, lines[1]), dim)
