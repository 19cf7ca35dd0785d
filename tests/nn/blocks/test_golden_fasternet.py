"""FasterNet: its counts, and the maps of timm's network."""

import timm
import torch
from torch import nn

from suite.nn.blocks.fasternet import FasterNet, PConv
from tests.nn.blocks.backbones import COUNTS, Backbone, assert_same_maps, counted, reference_taps
from tests.nn.blocks.fill import macs

VARIANT = "yolov5s_fasternet_t0"
REFERENCE = COUNTS["fasternet_t0"]


def test_the_backbone_has_the_reference_size_cost_and_taps() -> None:
    actual = counted(VARIANT)

    assert (actual.params, actual.macs_640) == (REFERENCE["features_params"], REFERENCE["features_macs_640"])
    assert actual.taps == reference_taps("fasternet_t0")


def test_with_a_classifier_it_has_the_published_size_and_cost() -> None:
    actual = counted(VARIANT)

    weights = 320 * 1280 + 1280 * 1000  # both on the pooled map, the first without bias or norm
    assert actual.params + weights + 1000 == REFERENCE["classifier_params"]
    assert actual.macs_224 + weights == REFERENCE["classifier_macs_224"]


def test_the_backbone_gives_timms_maps() -> None:
    theirs = timm.create_model("fasternet_t0", pretrained=False, features_only=True)

    assert_same_maps(theirs, Backbone(VARIANT))


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
