"""Swin: the stored blocks, the counts of the reference, and the maps of torchvision's network."""

from collections import defaultdict, deque

import pytest
import torch
import torchvision
from torch import Tensor, nn

from suite.nn.blocks.c3 import C3
from suite.nn.blocks.c3str import C3STR
from suite.nn.blocks.swin import Block, Merge, WindowAttention
from suite.nn.conv import ConvFactory
from suite.nn.detector import build
from suite.spec.library import Library
from tests.narrowing import opened
from tests.nn.blocks.backbones import EXACT, Backbone, parameters, tapped
from tests.nn.blocks.fill import canonical

VARIANT = "yolov5s_swin_t"


def give_parameters(theirs: nn.Module, ours: nn.Module) -> None:
    """Shake `theirs`, and copy its parameters, those of one shape in the order they appear."""
    waiting: dict[tuple[int, ...], deque[Tensor]] = defaultdict(deque)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
            waiting[canonical("w", tuple(parameter.shape))].append(parameter)
        for parameter in ours.parameters():
            theirs_one = waiting[canonical("w", tuple(parameter.shape))].popleft()
            parameter.copy_(theirs_one.reshape(parameter.shape))
    assert not any(waiting.values())


@pytest.mark.parametrize("size", [(64, 96), (96, 256)])
def test_the_backbone_gives_torchvisions_maps(size: tuple[int, int]) -> None:
    features = torchvision.models.swin_t(weights=None).features
    theirs, ours = tapped(features, (1, 3, 5, 7)).double().eval(), Backbone(VARIANT).double().eval()
    give_parameters(theirs, ours)
    x = torch.rand(1, 3, *size, dtype=torch.float64)

    with torch.no_grad():
        pairs = list(zip(theirs(x), ours(x), strict=True))

    for expected, actual in pairs:
        assert (actual.permute(0, 2, 3, 1) - expected).abs().max() <= EXACT * expected.abs().max()


def test_a_shifted_window_does_not_reach_across_the_edge_of_the_map() -> None:
    attention = WindowAttention(4, head=4, window=4, shift=2, make=ConvFactory()).double()
    x = torch.rand(1, 4, 8, 8, dtype=torch.float64, requires_grad=True)

    attention(x)[0, :, 0, 5].sum().backward()

    assert x.grad is not None
    seen = x.grad[0].abs().sum(0)
    expected = torch.tensor([[i < 2 and 2 <= j < 6 for j in range(8)] for i in range(8)])
    assert torch.equal(seen > 1e-12 * seen.max(), expected)


def test_a_narrow_map_is_one_head() -> None:
    assert WindowAttention(12, head=32, window=7, make=ConvFactory()).bias_table.shape == (169, 1)


def test_a_width_that_is_not_made_of_whole_heads_is_refused() -> None:
    with pytest.raises(ValueError, match="40 channels are no whole number of heads of 32"):
        Block(40, 40)


def test_patches_are_merged_by_two() -> None:
    with pytest.raises(ValueError, match="the stride is 4; it must be 2"):
        Merge(16, 32, stride=4)


def test_a_map_with_an_odd_side_is_rounded_up() -> None:
    assert Merge(16, 32)(torch.rand(1, 16, 5, 8)).shape == (1, 32, 3, 4)
    assert parameters(Merge(16, 32)) == 64 * 32 + 2 * 64


def test_c3str_is_c3_with_swin_blocks_for_its_bottlenecks() -> None:
    swin, usual = C3STR(512, 512, repeat=2), C3(512, 512, repeat=2)
    half = 256

    # four projections of attention, two of the perceptron
    block = 12 * half**2 + 13 * half + 13**2 * half // 32
    assert parameters(swin.blocks) == 2 * block
    assert parameters(swin) - parameters(swin.blocks) == parameters(usual) - parameters(
        usual.blocks
    )
    assert [swin_block.attend.shift for swin_block in opened(swin.blocks)] == [0, 3]


def test_c3str_differs_from_yolov5s_by_what_stands_in_one_c3() -> None:
    swin, usual = (
        build(Library().load(name), device="meta") for name in ("yolov5s_c3str", "yolov5s")
    )

    assert parameters(swin) - parameters(usual) == parameters(Block(256, 256)) - parameters(
        C3(512, 512).blocks
    )
