import pytest
import torch

from suite.datasets.loading.loader import Batch
from suite.spec.records.variant import Layer, Variant


@pytest.fixture
def mini() -> Variant:
    """Three convolutions and a head of one level, stride 8."""
    return Variant(
        name="mini",
        title="Mini",
        layers=(
            Layer("conv.Conv", "backbone", out=8, stride=2, options={"kernel": 3}),
            Layer("conv.Conv", "backbone", out=16, stride=2, options={"kernel": 3}),
            Layer("conv.Conv", "neck", out=16, stride=2, options={"kernel": 3}),
            Layer("anchor.AnchorHead", "head", options={"anchors": [[10, 10, 24, 24]]}),
        ),
    )


@pytest.fixture
def batches() -> list[Batch]:
    """Thirty batches of two images of noise, 32 pixels, two boxes each."""
    generator = torch.Generator().manual_seed(1)
    made = []
    for _ in range(30):
        images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=generator)
        places = torch.rand(4, 2, generator=generator) * 0.6 + 0.2
        fixed = torch.tensor([[0, 0], [0, 1], [1, 1], [1, 0]], dtype=torch.float32)
        made.append(Batch(images, torch.cat((fixed, places, torch.full((4, 2), 0.5)), 1)))
    return made
