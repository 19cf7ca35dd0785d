"""MobileOne: its counts, the maps of timm's network, and what is left of it when deployed."""

import pytest
import timm
import torch
from torch import nn

from suite.nn.blocks.mobileone import Branches
from suite.nn.deploy import deploy
from tests.narrowing import opened
from tests.nn.blocks.backbones import Backbone, assert_same_maps, parameters
from tests.nn.blocks.fill import fill, macs

VARIANT = "yolov5s_mobileone_s0"
WIDTHS = (48,) * 2 + (128,) * 8 + (256,) * 10 + (1024,)  # one a block, after a stem of 48
SIDES = (56,) * 2 + (28,) * 8 + (14,) * 10 + (7,)  # of the maps, for an image of 224


@pytest.mark.parametrize("size", ["s0", "s1"])  # with four branches and with one
def test_the_backbone_and_its_deployed_form_give_timms_maps(size: str) -> None:
    theirs = timm.create_model(
        f"mobileone_{size}", pretrained=False, features_only=True, out_indices=(1, 2, 3, 4)
    )

    assert_same_maps(theirs, Backbone(f"yolov5s_mobileone_{size}"))


def test_deployed_it_is_one_depthwise_and_one_pointwise_convolution_a_block() -> None:
    deployed = deploy(Backbone(VARIANT))

    convolutions = [module for module in deployed.modules() if isinstance(module, nn.Conv2d)]
    pairs = list(zip((48, *WIDTHS), WIDTHS, strict=False))
    assert len(convolutions) == 1 + 2 * len(WIDTHS)
    assert not [module for module in deployed.modules() if isinstance(module, nn.BatchNorm2d)]
    assert parameters(deployed) == (27 + 1) * 48 + sum((9 + 1) * i + (i + 1) * o for i, o in pairs)


def test_deployed_it_costs_one_convolution_in_place_of_its_branches() -> None:
    deployed = deploy(Backbone(VARIANT))

    actual = macs(deployed, torch.rand(1, 3, 224, 224))

    pairs = list(zip((48, *WIDTHS), WIDTHS, SIDES, strict=False))
    assert actual == 112**2 * 27 * 48 + sum(side**2 * (9 * i + i * o) for i, o, side in pairs)


def test_a_merged_kernel_is_the_sum_of_its_branches() -> None:
    block = fill(Branches(4, 4, branches=2, groups=2)).eval()
    one_pixel = torch.zeros(1, 4, 5, 5, dtype=torch.float64)
    one_pixel[0, 1, 2, 2] = 1
    merged = opened(deploy(nn.Sequential(block)))[0][0]

    with torch.no_grad():
        branches = [*block.convs, block.identity]
        expected = sum(branch(one_pixel) - branch(0 * one_pixel) for branch in branches)

    # a pixel's trace is the kernel, turned around; the second channel is one of two inputs of the first group
    kernel = merged.weight.flip(2, 3)[:2, 1]
    torch.testing.assert_close(expected[0, :2, 1:4, 1:4], kernel, rtol=1e-12, atol=1e-12)
