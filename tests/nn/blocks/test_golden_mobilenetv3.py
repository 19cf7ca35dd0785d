"""MobileNetV3: the stored blocks, the counts, and the maps of torchvision's networks."""

import pytest
import torchvision
from torch import nn

from suite.nn.blocks.mobilenetv3 import InvertedResidual
from tests.nn.blocks.backbones import COUNTS, Backbone, assert_same_maps, counted, reference_taps, tapped
from tests.nn.blocks.stored_cases import Build, Case, Check, against

SIZES = ("small", "large")
every_size = pytest.mark.parametrize("size", SIZES)
# after the features: a 1x1 with bias on the pooled map, then the classifier
LAST = {"large": (960, 1280), "small": (576, 1024)}
TAPS = {"large": (3, 6, 12, 16), "small": (1, 3, 8, 12)}  # layers of torchvision's `features`


def block(config: Case) -> nn.Module:
    return InvertedResidual(
        config["c_in"],
        config["c_out"],
        expand=config["expanded"] / config["c_in"],
        kernel=config["kernel"],
        stride=config["stride"],
        squeeze=config["se"],
        act="hardswish" if config["act"] == "Hardswish" else "relu",
    )


@against("mobilenetv3", "ir_", block)
def test_a_block_is_the_references(check: Check, build: Build, expected: Case) -> None:
    check(build, expected)


@every_size
def test_the_backbone_has_the_reference_size_cost_and_taps(size: str) -> None:
    reference = COUNTS[f"mobilenetv3_{size}_100"]

    actual = counted(f"yolov5s_mobilenetv3_{size}")

    assert (actual.params, actual.macs_640) == (reference["features_params"], reference["features_macs_640"])
    assert actual.taps.items() <= reference_taps(f"mobilenetv3_{size}_100").items()


@every_size
def test_with_a_classifier_it_has_the_published_size_and_cost(size: str) -> None:
    reference, (width, hidden) = COUNTS[f"mobilenetv3_{size}_100"], LAST[size]

    actual = counted(f"yolov5s_mobilenetv3_{size}")

    weights = width * hidden + hidden * 1000
    assert actual.params + weights + hidden + 1000 == reference["classifier_params"]
    assert actual.macs_224 + weights == reference["classifier_macs_224"]


@every_size
def test_the_backbone_gives_torchvisions_maps(size: str) -> None:
    theirs = getattr(torchvision.models, f"mobilenet_v3_{size}")(weights=None).features

    assert_same_maps(tapped(theirs, TAPS[size]), Backbone(f"yolov5s_mobilenetv3_{size}"))


@pytest.mark.parametrize(("width", "expand", "hidden"), [(24, 3.67, 88), (80, 2.3, 184), (80, 2.5, 200)])
def test_a_factor_gives_the_papers_expanded_width(width: int, expand: float, hidden: int) -> None:
    block = InvertedResidual(width, width, expand=expand)

    assert block.project.conv.weight.shape[1] == hidden
