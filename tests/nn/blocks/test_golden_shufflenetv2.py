"""ShuffleNetV2 in both forms: the stored units, the counts, and the maps of torchvision's networks."""

from dataclasses import replace

import pytest
import torchvision
from torch import nn

from suite.spec.library import Library
from suite.spec.records.variant import Variant
from tests.nn.blocks.backbones import Backbone, Counts, assert_same_maps, counted, tapped

SIZES = ("x0_5", "x1_0", "x1_5", "x2_0")
every_size = pytest.mark.parametrize("size", SIZES)
LAST = {"x0_5": (192, 1024), "x1_0": (464, 1024), "x1_5": (704, 1024), "x2_0": (976, 2048)}
# of the authors' code, with the classifier: parameters, multiply-adds in millions at 224
AUTHORS = {
    "x0_5": (1_365_792, 40.48),
    "x1_0": (2_278_760, 145.81),
    "x1_5": (3_506_720, 298.97),
    "x2_0": (7_402_600, 590.78),
}


@every_size
def test_the_authors_form_with_a_classifier_has_their_size_and_cost(size: str) -> None:
    params, macs = with_classifier(in_authors_form(f"yolov5s_shufflenetv2_{size}"), size)

    assert (params - 1000, round(macs / 1e6, 2)) == AUTHORS[size]  # their classifier has no bias


@every_size
def test_the_backbone_gives_torchvisions_maps(size: str) -> None:
    theirs = getattr(torchvision.models, f"shufflenet_v2_{size}")(weights=None)
    layers = [
        nn.Sequential(theirs.conv1, theirs.maxpool),
        theirs.stage2,
        theirs.stage3,
        theirs.stage4,
    ]

    assert_same_maps(tapped(layers, (0, 1, 2, 3)), Backbone(f"yolov5s_shufflenetv2_{size}"))


def with_classifier(variant: Variant | str, size: str) -> tuple[int, int]:
    """Parameters and multiply-adds at 224 with the last 1x1 (on 7x7) and the classifier."""
    actual: Counts = counted(variant)
    width, hidden = LAST[size]
    last, classifier = width * hidden, hidden * 1000
    return (
        actual.params + last + 2 * hidden + classifier + 1000,
        actual.macs_224 + 7 * 7 * last + classifier,
    )


def in_authors_form(name: str) -> Variant:
    variant = Library().load(name)
    layers = tuple(
        replace(layer, options={"form": "authors"}) if layer.block == "shufflenetv2.Unit" else layer
        for layer in variant.layers
    )
    return replace(variant, layers=layers)
