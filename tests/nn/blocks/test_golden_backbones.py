"""The backbones of the variant files against the stage outputs in tests/golden/blocks."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.spec.library import Library
from tests.nn.blocks.fill import assert_output, fill, given, golden, macs, slots
from tests.nn.blocks.stored_cases import FEATURES

CASES = {variant: golden(file)[name] for variant, (file, name) in FEATURES.items()}
TAPS = ("p2", "p3", "p4")


class Features(nn.Module):
    """The backbone of a variant without its SPPF: the maps at its taps, and its last one."""

    def __init__(self, name: str) -> None:
        super().__init__()
        detector = build(Library().load(name))
        self.layers = detector.backbone[:-1]
        self.taps = [
            not set(TAPS).isdisjoint(node.tags) for node in detector.graph[: len(self.layers)]
        ]

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for layer, tapped in zip(self.layers, self.taps, strict=True):
            x = layer(x)
            maps += [x] if tapped else []
        return [*maps, x]


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Features]:
    expected = CASES[request.param]
    features = Features(request.param)
    fill(features, expected.get("nw_scale", 1.0))
    return expected, features.eval()


def test_a_backbone_has_exactly_the_reference_tensors(
    case: tuple[dict[str, Any], Features],
) -> None:
    expected, features = case

    assert slots(features) == expected["slots"]
    assert sum(p.numel() for p in features.parameters()) == expected["params"]


def test_a_backbone_costs_what_the_reference_costs(case: tuple[dict[str, Any], Features]) -> None:
    expected, features = case

    assert macs(features, given(expected)) == expected["macs"]


def test_a_backbone_gives_the_reference_maps_at_every_stride(
    case: tuple[dict[str, Any], Features],
) -> None:
    expected, features = case

    with torch.no_grad():
        maps = features(given(expected))

    assert len(maps) == len(expected["eval"])
    for actual, stored in zip(maps, expected["eval"], strict=True):
        assert_output(actual, stored)


def test_a_deployed_backbone_gives_the_reference_maps(
    case: tuple[dict[str, Any], Features],
) -> None:
    expected, features = case

    with torch.no_grad():
        maps = deploy(features)(given(expected))

    for actual, stored in zip(maps, expected["eval"], strict=True):
        assert_output(actual, stored)


def test_repvit_merges_to_the_reference_size_and_cost() -> None:
    expected = CASES["yolov5s_repvit_m0_9"]

    merged = deploy(Features("yolov5s_repvit_m0_9"))

    norms = sum(isinstance(module, nn.BatchNorm2d) for module in merged.modules())
    assert sum(p.numel() for p in merged.parameters()) == expected["fused_params"]
    assert macs(merged, given(expected).float()) == expected["fused_macs"]
    assert norms == expected["fused_batchnorms_left"]
