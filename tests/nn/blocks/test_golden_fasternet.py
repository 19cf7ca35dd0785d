"""FasterNet: its counts, and the maps of timm's network."""

import pytest
import timm
import torch
from torch import nn

from suite.nn.blocks.fasternet import FasterNet, PConv
from tests.nn.blocks.backbones import Backbone, assert_same_maps
from tests.nn.blocks.fill import macs


@pytest.mark.parametrize("size", ["t0", "t2"])  # with GELU and with ReLU
def test_the_backbone_gives_timms_maps(size: str) -> None:
    theirs = timm.create_model(f"fasternet_{size}", pretrained=False, features_only=True)

    assert_same_maps(theirs, Backbone(f"yolov5s_fasternet_{size}"))


def test_a_partial_convolution_leaves_three_quarters_as_they_are() -> None:
    block = PConv(32, 32)
    x = torch.rand(1, 32, 6, 6)

    out = block(x)

    assert torch.equal(out[:, 8:], x[:, 8:])
    assert torch.equal(out[:, :8], nn.functional.conv2d(x[:, :8], block.conv.weight, padding=1))


def test_a_partial_convolution_costs_a_sixteenth_of_a_whole_one() -> None:
    assert macs(PConv(32, 32), torch.rand(1, 32, 6, 6)) == 6 * 6 * 9 * 32 * 32 // 16


def test_the_larger_networks_have_a_relu() -> None:
    block = FasterNet(16, 16, act="relu")

    assert isinstance(block.expand.act, nn.ReLU)
