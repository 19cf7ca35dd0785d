"""The road from ResNet to ConvNeXt: size and cost of each of its steps, and the blocks at both of its ends."""

import json
from typing import Any

import pytest
import torch
from torch import nn

from suite.nn.blocks.convnext import ConvNeXt, Downsample
from suite.nn.blocks.resnet import Bottleneck, Stem
from suite.nn.blocks.roadmap import Block, Patchify
from suite.spec.library import Library
from tests.narrowing import opened
from tests.nn.blocks.backbones import EXACT, Backbone, counted, give_weights, parameters
from tests.nn.blocks.fill import GOLDEN, macs

ROADS = json.loads((GOLDEN / "convnext_roadmap.json").read_text())
STEPS = [
    (regime, step) for regime in ("resnet50_regime", "resnet200_regime") for step in ROADS[regime]
]
VARIANTS = {
    "baseline": "yolov5s_resnet50",
    "stage_ratio": "yolov5s_roadmap_stage_ratio",
    "patchify_stem": "yolov5s_roadmap_patchify",
    "depthwise": "yolov5s_roadmap_depthwise",
    "increase_width": "yolov5s_roadmap_width",
    "inverted_bottleneck": "yolov5s_roadmap_inverted",
    "move_up_depthwise": "yolov5s_roadmap_mix_first",
    "kernel_5": "yolov5s_roadmap_kernel_5",
    "kernel_7": "yolov5s_roadmap_kernel_7",
    "kernel_9": "yolov5s_roadmap_kernel_9",
    "kernel_11": "yolov5s_roadmap_kernel_11",
    "fewer_activations": "yolov5s_roadmap_fewer_acts",
    "fewer_norms": "yolov5s_roadmap_fewer_norms",
    "layer_norm": "yolov5s_roadmap_layer_norm",
    "separate_downsampling": "yolov5s_roadmap_downsampling",
}
CLASSES = 1000
FORMS = {"bottleneck": "bottleneck", "inverted": "inverted", "dw_first": "mix_first"}


def classifier_of(config: dict[str, Any]) -> nn.Sequential:
    """The features of a stored step, the mean over places, and a linear layer."""
    first, stem = config["width"], Stem if config["stem"] == "resnet" else Patchify
    depthwise = config.get("dw", config["block"] != "bottleneck")
    options: dict[str, Any] = {
        "form": FORMS[config["block"]],
        "depthwise": depthwise,
        "kernel": config.get("k", 3),
        "few_acts": config.get("one_act", False),
        "few_norms": config.get("one_norm", False),
        "norm": "layer" if config.get("norm") == "ln" else "batch",
    }
    layers: list[nn.Module] = [stem(3, first)]
    width = first
    for stage, depth in enumerate(config["depths"]):
        out = first * 2**stage * (4 if config["block"] == "bottleneck" else 1)
        stride = 2 if stage else 1
        if stage and config.get("separate"):
            layers.append(Downsample(width, out))
            width, stride = out, 1
        for index in range(depth):
            layers.append(Block(width, out, stride=stride if index == 0 else 1, **options))
            width = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, CLASSES))


def test_both_roads_have_fifteen_steps() -> None:
    assert [len(ROADS[regime]) for regime in ("resnet50_regime", "resnet200_regime")] == [15, 15]


@pytest.mark.parametrize(
    ("regime", "step"), STEPS, ids=[f"{regime}-{step['step']}" for regime, step in STEPS]
)
def test_a_step_has_the_size_and_the_cost_of_the_papers(regime: str, step: dict[str, Any]) -> None:
    with torch.device("meta"):
        model = classifier_of(step["config"]).eval()

    assert parameters(model) == step["params"]
    assert macs(model, torch.empty(1, 3, 224, 224, device="meta")) == step["macs_224"]


@pytest.mark.parametrize("step", ROADS["resnet50_regime"], ids=lambda step: str(step["step"]))
def test_the_variant_of_a_step_has_its_size_and_cost(step: dict[str, Any]) -> None:
    actual = counted(VARIANTS[step["step"]])

    width = max(actual.taps.values())
    assert actual.params + width * CLASSES + CLASSES == step["params"]
    assert actual.macs_224 + width * CLASSES == step["macs_224"]


def test_the_ladder_starts_at_resnet_50_and_its_micro_steps_together_end_where_it_ends() -> None:
    library = Library()

    def prints(*names: str) -> set[str]:
        return {library.load(name).fingerprint for name in names}

    assert len(prints("yolov5s_roadmap_resnet50", "yolov5s_resnet50")) == 1
    assert len(prints("yolov5s_roadmap_kernel_7_micro", "yolov5s_roadmap_downsampling")) == 1


def test_the_small_ladder_has_the_steps_of_the_large_one() -> None:
    library = Library()
    names = [name for name in library.names() if "_roadmap_" in name]
    small, large = (
        {
            (rung.step, rung.side)
            for name in names
            if (rung := library.load(name).rung) and rung.ladder == ladder
        }
        for ladder in ("resnetp_roadmap", "yolov5s_roadmap")
    )

    assert large - small == {("resnet50", False)}
    assert small < large
    assert {step for step, side in large if side} == {"kernel_9", "kernel_11"}


def test_gelu_changes_neither_size_nor_cost() -> None:
    assert counted("yolov5s_roadmap_gelu") == counted("yolov5s_roadmap_kernel_7")
    kinds = {type(m) for m in Backbone("yolov5s_roadmap_gelu", "meta").modules()}
    assert nn.GELU in kinds
    assert nn.ReLU not in kinds


@pytest.mark.parametrize(("out", "stride"), [(32, 1), (64, 2)])
def test_the_road_starts_at_resnets_bottleneck(out: int, stride: int) -> None:
    theirs = Bottleneck(32, out, stride=stride).double().eval()
    block = Block(32, out, stride=stride, form="bottleneck", depthwise=False).double().eval()
    give_weights(theirs, block)
    x = torch.rand(2, 32, 8, 8, dtype=torch.float64)

    assert (theirs(x) - block(x)).abs().max() <= EXACT * theirs(x).abs().max()


def test_the_road_ends_at_convnexts_block_without_its_layer_scale_and_its_first_bias() -> None:
    theirs = opened(ConvNeXt(16, 16, layer_scale=None)).double().eval()
    block = (
        Block(16, 16, kernel=7, act="gelu", norm="layer", few_acts=True, few_norms=True)
        .double()
        .eval()
    )
    nn.init.zeros_(theirs.mix.bias)
    theirs.mix.bias = None
    give_weights(theirs, block)
    x = torch.rand(2, 16, 8, 8, dtype=torch.float64)

    assert (theirs(x) - block(x)).abs().max() <= EXACT * theirs(x).abs().max()


@pytest.mark.parametrize(("few", "left"), [(False, 3), (True, 1)])
def test_few_acts_leaves_one_activation(few: bool, left: int) -> None:
    block = Block(16, 16, few_acts=few)

    assert sum(isinstance(m, nn.ReLU) for m in block.modules()) == left


@pytest.mark.parametrize("option", ["few_acts", "few_norms"])
def test_only_the_form_that_mixes_first_gives_up_parts(option: str) -> None:
    with pytest.raises(ValueError, match="but the form is inverted"):
        opened(Block)(16, 16, form="inverted", **{option: True})
