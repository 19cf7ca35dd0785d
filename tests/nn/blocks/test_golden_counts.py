"""Every backbone of backbone_counts.json: size, cost and taps, without and with the published classifier."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch

from suite.nn.blocks.timm import Backbone as TimmBackbone
from suite.spec.records.variant import Variant
from tests.nn.blocks.backbones import (
    COUNTS,
    Counts,
    counted,
    ghostnet_as_timm_cuts_it,
    parameters,
    reference_taps,
)
from tests.nn.blocks.fill import macs

CLASSES = 1000
# parameters, and multiply-adds at 224 pixels, of what stands behind the last map
Extra = tuple[int, int]


@dataclass(frozen=True)
class Network:
    """The variant whose backbone a reference is, and the classifier behind its last map, of a number of channels.

    `variant` None: the suite has it from timm alone.
    """

    variant: str | None
    classifier: Callable[[int], Extra]
    like_reference: Callable[[], Variant] | None = (
        None  # where the reference ends before the variant's backbone does
    )

    def features(self, name: str) -> Counts:
        if self.variant is None:
            return of_timm(name)
        return counted(self.like_reference() if self.like_reference else self.variant)

    def whole(self, name: str) -> Counts:
        return of_timm(name) if self.variant is None else counted(self.variant)


def linear(width: int) -> Extra:
    return width * CLASSES + CLASSES, width * CLASSES


def norm_and_linear(width: int) -> Extra:
    params, cost = linear(width)
    return 2 * width + params, cost


def two_norms_and_linears(width: int) -> Extra:
    """RepViT is distilled: it has a classifier for the teacher's labels too."""
    params, cost = norm_and_linear(width)
    return 2 * params, 2 * cost


def pointwise(hidden: int, *, norm: bool = True) -> Callable[[int], Extra]:
    """A 1x1 on the last map, 7x7 of 224, with norm; the mean; a linear layer."""

    def extra(width: int) -> Extra:
        params, cost = linear(hidden)
        return width * hidden + 2 * hidden * norm + params, 7 * 7 * width * hidden + cost

    return extra


def pooled(hidden: int, *, bias: bool = True) -> Callable[[int], Extra]:
    """The mean; two linear layers."""

    def extra(width: int) -> Extra:
        params, cost = linear(hidden)
        return width * hidden + hidden * bias + params, width * hidden + cost

    return extra


def of_ghostnet(width: int) -> Extra:
    """A 1x1 with norm, the mean, two linear layers."""
    last, (params, cost) = width * 960, pooled(1280)(960)
    return last + 2 * 960 + params, 7 * 7 * last + cost


def of_timm(name: str) -> Counts:
    with torch.device("meta"):
        backbone = TimmBackbone(3, name=name).eval()
        images = {size: torch.empty(1, 3, size, size) for size in (640, 224)}
        maps = backbone(images[640])
    cost = {size: macs(backbone, x) for size, x in images.items()}
    return Counts(
        parameters(backbone), cost[640], cost[224], {640 // m.shape[-1]: m.shape[1] for m in maps}
    )


NETWORKS = {
    "convnext_tiny": Network("yolov5s_convnext_t", norm_and_linear),
    "convnext_small": Network("yolov5s_convnext_s", norm_and_linear),
    "convnext_base": Network("yolov5s_convnext_b", norm_and_linear),
    "convnext_large": Network("yolov5s_convnext_l", norm_and_linear),
    "resnet50": Network("yolov5s_resnet50", linear),
    "resnet200": Network("yolov5s_resnet200", linear),
    "resnext50_32x4d": Network("yolov5s_resnext50", linear),
    "mobilenetv2_100": Network("yolov5s_mobilenetv2", pointwise(1280)),
    "mobilenetv3_large_100": Network("yolov5s_mobilenetv3_large", pooled(1280)),
    "mobilenetv3_small_100": Network("yolov5s_mobilenetv3_small", pooled(1024)),
    "efficientnetv2_s": Network("yolov5s_efficientnetv2_s", pointwise(1280)),
    "efficientnetv2_m": Network("yolov5s_efficientnetv2_m", pointwise(1280)),
    "efficientnetv2_l": Network("yolov5s_efficientnetv2_l", pointwise(1280)),
    "ghostnet_100": Network("yolov5s_ghostnet", of_ghostnet, ghostnet_as_timm_cuts_it),
    "repvit_m0_9": Network("yolov5s_repvit_m0_9", two_norms_and_linears),
    "repvit_m1_0": Network("yolov5s_repvit_m1_0", two_norms_and_linears),
    "repvit_m1_1": Network("yolov5s_repvit_m1_1", two_norms_and_linears),
    "repvit_m1_5": Network("yolov5s_repvit_m1_5", two_norms_and_linears),
    "repvit_m2_3": Network("yolov5s_repvit_m2_3", two_norms_and_linears),
    "swin_tiny_patch4_window7_224": Network("yolov5s_swin_t", norm_and_linear),
    "tf_efficientnet_cc_b0_4e": Network(None, pointwise(1280)),
    "fasternet_t0": Network("yolov5s_fasternet_t0", pooled(1280, bias=False)),
    "mobileone_s0": Network("yolov5s_mobileone_s0", linear),
    "shufflenet_v2_x0_5": Network("yolov5s_shufflenetv2_x0_5", pointwise(1024)),
    "shufflenet_v2_x1_0": Network("yolov5s_shufflenetv2_x1_0", pointwise(1024)),
    "shufflenet_v2_x1_5": Network("yolov5s_shufflenetv2_x1_5", pointwise(1024)),
    "shufflenet_v2_x2_0": Network("yolov5s_shufflenetv2_x2_0", pointwise(2048)),
}
OTHER_SIZES = {  # which have no counts in the file: timm's networks, counted here
    "yolov5s_convnext_atto": "convnext_atto",
    "yolov5s_convnext_femto": "convnext_femto",
    "yolov5s_convnext_pico": "convnext_pico",
    "yolov5s_convnext_nano": "convnext_nano",
    "yolov5s_fasternet_t1": "fasternet_t1",
    "yolov5s_fasternet_t2": "fasternet_t2",
    "yolov5s_fasternet_s": "fasternet_s",
    "yolov5s_mobileone_s1": "mobileone_s1",
    "yolov5s_mobileone_s2": "mobileone_s2",
    "yolov5s_mobileone_s3": "mobileone_s3",
}
every_network = pytest.mark.parametrize("name", COUNTS)


def test_the_file_has_27_backbones_and_each_is_a_variants() -> None:
    assert len(COUNTS) == 27
    assert NETWORKS.keys() == COUNTS.keys()


@every_network
def test_a_backbone_has_the_reference_size_and_cost(name: str) -> None:
    actual, expected = NETWORKS[name].features(name), COUNTS[name]

    assert (actual.params, actual.macs_640) == (
        expected["features_params"],
        expected["features_macs_640"],
    )


@every_network
def test_a_backbone_gives_the_neck_the_reference_maps(name: str) -> None:
    actual, expected = NETWORKS[name].features(name), reference_taps(name)

    assert [actual.taps[stride] for stride in (8, 16, 32)] == [
        expected[stride] for stride in (8, 16, 32)
    ]


@every_network
def test_with_its_classifier_a_backbone_has_the_published_size_and_cost(name: str) -> None:
    actual, expected = NETWORKS[name].whole(name), COUNTS[name]

    params, cost = NETWORKS[name].classifier(actual.taps[32])
    assert actual.params + params == expected["classifier_params"]
    assert actual.macs_224 + cost == expected["classifier_macs_224"]


@pytest.mark.parametrize(("variant", "name"), OTHER_SIZES.items())
def test_a_backbone_of_another_size_has_the_size_cost_and_maps_of_timms(
    variant: str, name: str
) -> None:
    actual, expected = counted(variant), of_timm(name)

    assert (actual.params, actual.macs_640, actual.macs_224) == (
        expected.params,
        expected.macs_640,
        expected.macs_224,
    )
    assert actual.taps.items() <= expected.taps.items()
