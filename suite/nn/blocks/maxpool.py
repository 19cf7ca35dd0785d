"""Max pooling as a layer, with a border of zeros on request (as in YOLOv3-tiny, arXiv 1804.02767)."""

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
        left, right, top, bottom = zeros
        self.border = nn.ZeroPad2d((left, right, top, bottom)) if any(zeros) else nn.Identity()
        self.pool = nn.MaxPool2d(kernel, stride, padding)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H / stride, W / stride), if padding and zeros together make up for the kernel."""
        pooled: Tensor = self.pool(self.border(x))
        return pooled
