"""ResNet and ResNeXt: the counts of the references, and the maps of torchvision's networks."""

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import nn

from suite.nn.blocks.resnet import Bottleneck, Stem
from tests.narrowing import opened
from tests.nn.blocks.backbones import Backbone, assert_same_maps, counted, parameters, tapped


@pytest.mark.parametrize(
    ("variant", "network"),
    [
        ("yolov5s_resnet50", torchvision.models.resnet50),
        ("yolov5s_resnext50", torchvision.models.resnext50_32x4d),
    ],
)
def test_the_backbone_gives_torchvisions_maps(
    variant: str, network: Callable[..., nn.Module]
) -> None:
    theirs = opened(network(weights=None))
    stem = nn.Sequential(theirs.conv1, theirs.bn1, theirs.relu, theirs.maxpool)
    stages = [theirs.layer1, theirs.layer2, theirs.layer3, theirs.layer4]

    assert_same_maps(tapped([stem, *stages], (1, 2, 3, 4)), Backbone(variant))


def test_the_overlapping_stem_has_the_pooled_ones_size_and_a_quarter_of_its_cost() -> None:
    pooled, overlapping = counted("yolov5s_resnet50"), counted("yolov5s_resnet50_overlap")

    of_stem = 7 * 7 * 3 * 64
    assert overlapping.params == pooled.params
    assert pooled.macs_640 - overlapping.macs_640 == of_stem * (320**2 - 160**2)
    assert overlapping.taps == pooled.taps


def test_the_stride_is_in_the_3x3() -> None:
    block = opened(Bottleneck(64, 128, stride=2))

    assert [block.reduce.conv.stride, block.mix.conv.stride] == [(1, 1), (2, 2)]


def test_a_block_that_keeps_its_shape_adds_its_input_as_it_is() -> None:
    block = opened(Bottleneck(64, 64))
    nn.init.zeros_(block.expand.norm.weight)
    x = torch.rand(2, 64, 4, 4)

    assert torch.equal(block(x), x)
    assert parameters(block.shortcut) == 0


def test_the_stem_takes_no_other_stride_than_4() -> None:
    with pytest.raises(ValueError, match="the stride is 2; it must be 4"):
        Stem(3, 64, stride=2)
