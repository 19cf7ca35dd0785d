"""EMO: the stored blocks, the published sizes, and which pixels attend to which."""

import pytest
import torch
from torch import nn

from suite.nn.blocks.emo import IRMB, Attention
from suite.nn.conv import ConvFactory
from suite.nn.deploy import deploy
from tests.nn.blocks.backbones import counted

WIDTHS = {"1m": 168, "2m": 200, "5m": 288, "6m": 320}  # of the last stage
# classifiers of 1000 classes
PUBLISHED = {"1m": 1_361_168, "2m": 2_377_472, "5m": 5_108_848, "6m": 6_168_496}
# million multiply-adds at 224 pixels
COST = {"1m": 255.24, "2m": 431.92, "5m": 892.22, "6m": 950.25}
CLASSES = 1000


@pytest.mark.parametrize("size", PUBLISHED)
def test_with_a_classifier_it_has_the_published_size_and_cost(size: str) -> None:
    actual, width = counted(f"yolov5s_emo_{size}"), WIDTHS[size]

    norm_and_linear = 2 * width + width * CLASSES + CLASSES
    assert actual.params + norm_and_linear == PUBLISHED[size]
    assert round((actual.macs_224 + width * CLASSES) / 1e6, 2) == COST[size]
    assert actual.taps[32] == width


def test_a_window_is_the_pixels_of_one_remainder() -> None:
    attention = Attention(4, 2, 3, make=ConvFactory()).double()
    x = torch.rand(1, 4, 6, 9, dtype=torch.float64, requires_grad=True)

    attention(x)[0, :, 1, 4].sum().backward()

    assert x.grad is not None
    seen = x.grad[0].abs().sum(0) > 0
    expected = torch.tensor([[i % 2 == 1 and j % 3 == 1 for j in range(9)] for i in range(6)])
    assert torch.equal(seen, expected)


def test_attention_is_the_sum_of_its_formula() -> None:
    torch.manual_seed(0)
    attention = Attention(4, 2, 2, make=ConvFactory()).double()
    x = torch.rand(1, 4, 4, 4, dtype=torch.float64)
    both = attention.query_key(x)[0]
    expected = torch.zeros(4, 4, 4, dtype=torch.float64)
    for i in range(4):
        for j in range(4):
            window = [(a, b) for a in range(i % 2, 4, 2) for b in range(j % 2, 4, 2)]
            for h in (slice(0, 2), slice(2, 4)):
                query, keys = both[h, i, j], [both[4:][h, a, b] for a, b in window]
                weights = torch.stack([query @ key / 2**0.5 for key in keys]).softmax(0)
                expected[h, i, j] = sum(
                    w * x[0, h, a, b] for w, (a, b) in zip(weights, window, strict=True)
                )

    torch.testing.assert_close(attention(x)[0], expected)


def test_the_batch_norm_goes_into_the_expansion() -> None:
    deployed = deploy(nn.Sequential(IRMB(16, 16, expand=2)))

    assert not [m for m in deployed.modules() if isinstance(m, nn.BatchNorm2d)]


def test_a_width_that_is_not_made_of_whole_heads_is_refused() -> None:
    with pytest.raises(ValueError, match="20 channels are no whole number of heads of 16"):
        IRMB(20, 20, expand=2, head=16)
