"""A joined map with a name of its own, for several readers or a head (the Concat rows of YOLOv5 files)."""

from torch import Tensor, nn


class Join(nn.Module):
    """Hands on what its inputs make when they are concatenated. Any other line joins its inputs itself."""

    def __init__(self, in_channels: int) -> None:  # noqa: ARG002  (every block is told its input)
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same map."""
        return x
