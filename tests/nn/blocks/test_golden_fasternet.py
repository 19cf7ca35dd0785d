"""FasterNet: its counts, and the maps of timm's network."""

import pytest
import timm
import torch
from torch import nn

from suite.nn.blocks.fasternet import FasterNet, PConv
from tests.narrowing import opened
from tests.nn.blocks.backbones import Backbone, assert_same_maps
from tests.nn.blocks.fill import macs


@pytest.mark.parametrize("size", ["t0", "t2"])  # with GELU and with ReLU
def test_the_backbone_gives_timms_maps(size: str) -> None:
    theirs = timm.create_model(f"fasternet_{size}", pretrained=False, features_only=True)

    assert_same_maps(theirs, Backbone(f"yolov5s_fasternet_{size}"))


def test_a_partial_convolution_leaves_three_quarters_as_they_are() -> None:
    block = opened(PConv(32, 32))
    x = torch.rand(1, 32, 6, 6)

    out = block(x)

    assert torch.equal(out[:, 8:], x[:, 8:])
    assert torch.equal(out[:, :8], nn.functional.conv2d(x[:, :8], block.conv.weight, padding=1))


def test_a_partial_convolution_costs_a_sixteenth_of_a_whole_one() -> None:
    assert macs(PConv(32, 32), torch.rand(1, 32, 6, 6)) == 6 * 6 * 9 * 32 * 32 // 16


def test_the_larger_networks_have_a_relu() -> None:
    block = FasterNet(16, 16, act="relu")

    assert isinstance(block.expand.act, nn.ReLU)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((16, 24, 3, 1, 1), "keeps its width, but has 16 channels in and 24 out"),
        ((16, 16, 3, 2, 1), "keeps the resolution, but has kernel 3, stride 2"),
        ((16, 16, 3, 1, 0), "keeps the resolution, but has kernel 3, stride 1, padding 0"),
        ((16, 16, 3, 1, 1, 1, 16), "is a convolution of one group, but is to have 16"),
        ((3, 3, 3, 1, 1), "convolves 1/4 of its channels, but there are only 3"),
    ],
)
def test_a_partial_convolution_refuses_a_place_that_it_cannot_take(
    given: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        PConv(*given)
