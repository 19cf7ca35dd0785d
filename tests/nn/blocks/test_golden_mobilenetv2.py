"""MobileNetV2: the stored blocks, the counts, and the maps of torchvision's network."""

import torchvision

from tests.nn.blocks.backbones import Backbone, assert_same_maps, tapped

VARIANT = "yolov5s_mobilenetv2"


def test_the_backbone_gives_torchvisions_maps() -> None:
    theirs = torchvision.models.mobilenet_v2(weights=None).features[:-1]

    assert_same_maps(tapped(theirs, (3, 6, 13, 17)), Backbone(VARIANT))
