"""Ghost modules, GhostNet's and YOLOv5's: the stored blocks, the counts, timm's maps, YOLOv5's own yolov5s-ghost."""

import json
from typing import Any

import pytest
import timm
import torch
from torch import nn

from suite.nn.blocks.ghost import GhostModule
from suite.nn.deploy import deploy
from suite.nn.detector import Detector, build
from suite.spec.library import Library
from tests.narrowing import opened
from tests.nn.blocks.backbones import (
    COUNTS,
    Backbone,
    assert_same_maps,
    counted,
    ghostnet_as_timm_cuts_it,
    parameters,
    tapped,
)
from tests.nn.blocks.fill import macs
from tests.nn.reference_fill import GOLDEN as YOLOV5
from tests.nn.reference_fill import fill, image, statistic

GHOSTNET = "yolov5s_ghostnet"
REFERENCE = COUNTS["ghostnet_100"]
Ghost = tuple[dict[str, Any], Detector, str]  # what is stored, the detector, the hash of its values


def test_a_ghost_module_of_odd_width_drops_its_last_view() -> None:
    assert GhostModule(8, 5)(torch.rand(2, 8, 4, 4)).shape == (2, 5, 4, 4)


def test_the_tap_at_stride_16_is_the_last_map_of_that_stride() -> None:
    assert counted(GHOSTNET).taps == {4: 24, 8: 40, 16: 112, 32: 160}


def test_the_backbone_gives_timms_maps() -> None:
    theirs = opened(timm.create_model("ghostnet_100", pretrained=False))
    stem = nn.Sequential(theirs.conv_stem, theirs.bn1, theirs.act1)

    assert_same_maps(tapped([stem, *theirs.blocks[:-1]], (3, 5, 7, 9)), Backbone(GHOSTNET))


def test_cut_where_timms_features_end_the_detector_has_the_published_size_and_cost() -> None:
    detector = build(ghostnet_as_timm_cuts_it(), device="meta").eval()

    assert parameters(detector) == 4_133_825
    assert round(macs(detector, torch.empty(1, 3, 640, 640, device="meta")) / 1e9, 3) == 3.771


def test_the_detector_differs_from_the_cut_one_by_its_last_layers_and_wider_neck_only() -> None:
    whole, cut = (
        build(Library().load(GHOSTNET), device="meta"),
        build(ghostnet_as_timm_cuts_it(), device="meta"),
    )

    tail = counted(GHOSTNET).params - REFERENCE["features_params"]
    entry = (112 - 80) * 2 * 128  # the two 1x1 that the neck's first C3 begins with
    assert parameters(whole) - parameters(cut) == tail + entry


@pytest.fixture(scope="module")
def ghost() -> Ghost:
    expected = json.loads((YOLOV5 / "variants.json").read_text())["yolov5s-ghost"]
    model = build(Library().load("yolov5s_ghost"))
    return expected, model, fill(model)


def test_the_ghost_detector_has_yolov5s_parameters_trained_and_deployed(
    ghost: Ghost,
) -> None:
    expected, model, _ = ghost

    assert (parameters(model), parameters(deploy(model))) == (
        expected["params"],
        expected["params_fused"],
    )


def test_the_ghost_detector_has_yolov5s_tensors(ghost: Ghost) -> None:
    expected, model, sha256 = ghost

    assert len(model.state_dict()) == expected["state_dict_entries"]
    assert sha256 == expected["fill_sha256"]


def test_the_ghost_detector_gives_yolov5s_maps_and_boxes(ghost: Ghost) -> None:
    expected, model, _ = ghost
    x = image("1x3x64x96")

    with torch.no_grad():
        raw = model.eval()(x)
        decoded = model.head.decode(raw)

    rows = [*expected["raw_heads_f32"], expected["decoded_f32"]]
    for actual, (shape, *numbers) in zip((*raw, decoded), rows, strict=True):
        size, *statistics = statistic(actual)
        assert size == shape
        assert statistics == pytest.approx(numbers, rel=0, abs=1e-4 * numbers[2])


def test_the_deployed_ghost_detector_gives_the_trained_ones_boxes(ghost: Ghost) -> None:
    _, model, _ = ghost
    x = torch.rand(1, 3, 64, 96, dtype=torch.float64)

    with torch.no_grad():
        expected, actual = model.double().eval().predict(x), deploy(model).predict(x)
    model.float()

    assert (actual - expected).abs().max() <= 1e-9 * expected.abs().max()
