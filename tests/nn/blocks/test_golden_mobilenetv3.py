"""MobileNetV3: the stored blocks, the counts, and the maps of torchvision's networks."""

import pytest
import torchvision

from suite.nn.blocks.mobilenetv3 import InvertedResidual
from tests.narrowing import opened
from tests.nn.blocks.backbones import Backbone, assert_same_maps, tapped

SIZES = ("small", "large")
every_size = pytest.mark.parametrize("size", SIZES)
TAPS = {"large": (3, 6, 12, 16), "small": (1, 3, 8, 12)}  # layers of torchvision's `features`


@every_size
def test_the_backbone_gives_torchvisions_maps(size: str) -> None:
    theirs = getattr(torchvision.models, f"mobilenet_v3_{size}")(weights=None).features

    assert_same_maps(tapped(theirs, TAPS[size]), Backbone(f"yolov5s_mobilenetv3_{size}"))


@pytest.mark.parametrize(
    ("width", "expand", "hidden"), [(24, 3.67, 88), (80, 2.3, 184), (80, 2.5, 200)]
)
def test_a_factor_gives_the_papers_expanded_width(width: int, expand: float, hidden: int) -> None:
    block = opened(InvertedResidual(width, width, expand=expand))

    assert block.project.conv.weight.shape[1] == hidden
