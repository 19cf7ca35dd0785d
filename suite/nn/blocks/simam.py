"""SimAM: attention without parameters (Yang et al., ICML 2021; as the layer that YOLOv5 variants insert)."""

from torch import Tensor, nn


class SimAM(nn.Module):
    """Gates every value by how far it stands out of its channel: the inverse of the paper's minimal energy.

    `regulariser` is the paper's λ.
    """

    def __init__(self, in_channels: int, *, regulariser: float = 1e-4) -> None:  # noqa: ARG002  (every block is told its input)
        super().__init__()
        self.regulariser = regulariser

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        squared = (x - x.mean((2, 3), keepdim=True)).square()
        # a map of one pixel has no others, and no deviation either
        others = max(x.shape[2] * x.shape[3] - 1, 1)
        variance = squared.sum((2, 3), keepdim=True) / others
        return x * (squared / (4 * (variance + self.regulariser)) + 0.5).sigmoid()
