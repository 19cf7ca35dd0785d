"""MobileNetV2: the stored blocks, the counts, and the maps of torchvision's network."""

import torchvision
from torch import nn

from suite.nn.blocks.mobilenetv2 import InvertedResidual
from tests.nn.blocks.backbones import COUNTS, Backbone, assert_same_maps, counted, reference_taps, tapped
from tests.nn.blocks.stored_cases import Build, Case, Check, against

VARIANT = "yolov5s_mobilenetv2"
REFERENCE = COUNTS["mobilenetv2_100"]


def block(config: Case) -> nn.Module:
    return InvertedResidual(config["c_in"], config["c_out"], expand=config["expand"], stride=config["stride"])


@against("mobilenetv2", "ir_", block)
def test_a_block_is_the_references(check: Check, build: Build, expected: Case) -> None:
    check(build, expected)


def test_the_backbone_has_the_reference_size_cost_and_taps() -> None:
    actual = counted(VARIANT)

    assert (actual.params, actual.macs_640) == (REFERENCE["features_params"], REFERENCE["features_macs_640"])
    assert actual.taps.items() <= reference_taps("mobilenetv2_100").items()


def test_with_a_classifier_it_has_the_published_size_and_cost() -> None:
    actual = counted(VARIANT)

    last, classifier = 320 * 1280, 1280 * 1000
    assert actual.params + last + 2 * 1280 + classifier + 1000 == REFERENCE["classifier_params"]
    assert actual.macs_224 + 7 * 7 * last + classifier == REFERENCE["classifier_macs_224"]


def test_the_backbone_gives_torchvisions_maps() -> None:
    theirs = torchvision.models.mobilenet_v2(weights=None).features[:-1]

    assert_same_maps(tapped(theirs, (3, 6, 13, 17)), Backbone(VARIANT))
