"""timm's models as backbones: by name, at any size, never downloaded."""

import random
import socket
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import nn

from suite.nn.blocks.timm import Backbone
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.nn.shapes import Shapes
from suite.spec.library import Library
from tests.narrowing import opened
from tests.nn.blocks.backbones import COUNTS, parameters
from tests.nn.blocks.fill import macs

LARGEST = 60_000_000  # parameters of a model that the seed may choose
NECK = (8, 16, 32)
HALF = 96  # pixels that every stride of the neck divides
COUNTED = (
    "resnet50",
    "convnext_tiny",
    "swin_tiny_patch4_window7_224",
    "ghostnet_100",
    "repvit_m1_1",
)
SPEC = """
title: YOLOv5s with {name} of timm
base: yolov5s
backbone:
  - {{block: timm.Backbone, tags: {{p3: {p3}, p4: {p4}}}, name: {name}}}
  - {{block: sppf.SPPF, out: 512, tag: p5}}
"""


def on_meta(name: str, indices: list[int] | None = None) -> Backbone:
    with torch.device("meta"):
        return Backbone(3, name=name, indices=indices).eval()


def image(height: int, width: int) -> torch.Tensor:
    return torch.empty(1, 3, height, width, device="meta")


def suitable(seed: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names in an order that the seed decides, with the strides of their maps, where the last are the neck's."""
    names = timm.list_models()
    random.Random(seed).shuffle(names)
    for name in names:
        try:
            backbone = on_meta(name)
        except ValueError:  # it gives no maps, or only those of images of one size
            continue
        strides = tuple(opened(backbone.features).feature_info.reduction())
        if strides[-3:] == NECK and parameters(backbone) <= LARGEST:
            yield name, strides


@pytest.mark.parametrize("seed", [2026])
def test_ten_models_that_a_seed_chooses_fit_under_the_neck(seed: int, tmp_path: Path) -> None:
    built = 0
    for name, strides in islice(suitable(seed), 10):
        file = tmp_path / f"yolov5s_{name}.yaml"
        file.write_text(SPEC.format(name=name, p3=strides.index(8), p4=strides.index(16)))

        model = build(Library().load(file), device="meta").eval()
        with Shapes():
            shapes = [tuple(level.shape[2:4]) for level in model(image(640, 384))]

        assert model.strides == NECK, name
        assert shapes == [(640 // stride, 384 // stride) for stride in NECK], name
        built += 1
    assert built == 10


@pytest.mark.parametrize("name", COUNTED)
def test_a_model_has_and_costs_what_it_was_counted_to(name: str) -> None:
    backbone = on_meta(name)

    assert parameters(backbone) == COUNTS[name]["features_params"]
    assert macs(backbone, image(640, 640)) == COUNTS[name]["features_macs_640"]


@pytest.mark.parametrize("name", COUNTED)
def test_a_model_gives_maps_with_channels_second_at_every_size(name: str) -> None:
    taps = [(tap["channels"], tap["stride"]) for tap in COUNTS[name]["taps"]]
    backbone = on_meta(name)

    for height, width in ((640, 640), (640, 384), (HALF, HALF)):
        maps = backbone(image(height, width))

        assert [tuple(m.shape[1:]) for m in maps] == [(c, height // s, width // s) for c, s in taps]


def test_indices_choose_the_maps_and_nothing_is_built_behind_the_last() -> None:
    chosen, whole = on_meta("resnet18", [2, 3]), on_meta("resnet18")

    assert [m.shape[1] for m in chosen(image(64, 64))] == [128, 256]
    assert parameters(chosen) == parameters(whole) - parameters(opened(whole.features).layer4)


def test_other_channels_than_three_can_come_in() -> None:
    with torch.device("meta"):
        maps = Backbone(16, name="resnet18")(torch.empty(1, 16, 64, 64, device="meta"))

    assert maps[0].shape == (1, 64, 32, 32)


def test_the_deployed_model_has_its_branches_merged_and_gives_the_same_maps() -> None:
    torch.manual_seed(0)
    backbone = Backbone(3, name="repvit_m0_9", indices=[0, 1]).double().train()
    x = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    backbone(x)  # so that the statistics are not those of an unused norm

    merged = deploy(nn.Sequential(backbone))

    for expected, actual in zip(backbone.eval()(x), merged(x), strict=True):
        assert ((actual - expected).abs().max() / expected.abs().max()).item() < 1e-9
    assert parameters(merged) < parameters(backbone)


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    on_meta("resnet18.a1_in1k")


def test_a_name_that_timm_lacks_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        ValueError, match="timm has no model 'convnext_tinny'; did you mean 'convnext_tiny'"
    ):
        on_meta("convnext_tinny")


def test_the_address_of_a_remote_model_is_no_name() -> None:
    with pytest.raises(ValueError, match="timm has no model"):
        on_meta("hf-hub:timm/resnet18")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resmlp_12_224", "gives no feature maps of images of any size"),
        ("tnt_s_legacy_patch16_224", "gives no"),
    ],
)
def test_a_model_without_suitable_maps_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        on_meta(name)


def test_an_index_that_a_model_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="timm's resnet18 gives no such feature maps"):
        on_meta("resnet18", [7])


def test_without_timm_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)

    with pytest.raises(ValueError, match="timm is not installed; pip install timm"):
        on_meta("resnet18")
