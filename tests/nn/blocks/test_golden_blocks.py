"""Every block against the stored cases of tests/golden/blocks: structure, cost, outputs, gradients, deployed form."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from suite.nn.blocks.convnext import ConvNeXt
from suite.nn.blocks.mbconv import FusedMBConv, MBConv
from suite.nn.blocks.odconv import ODConv
from suite.nn.blocks.repvit import Downsample, RepViT
from suite.nn.blocks.sppf import SPPF
from suite.nn.deploy import deploy
from tests.nn.blocks.fill import TOLERANCE, assert_output, fill, given, golden, macs, slots, value


def odconv(config: dict[str, Any]) -> nn.Module:
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding")
    positional = [config[name] for name in names]
    return ODConv(
        *positional,
        groups=config["groups"],
        kernels=config["kernel_num"],
        reduction=config["reduction"],
        min_hidden=config["min_hidden"],
    )


def convnext(config: dict[str, Any]) -> nn.Module:
    scale = 1.0 if config["layer_scale"] else None
    width = config["channels"]
    return ConvNeXt(width, width, kernel=config["kernel_size"], expand=config["mlp_ratio"], layer_scale=scale)


def efficientnetv2(config: dict[str, Any]) -> nn.Module:
    block = MBConv if "se_hidden" in config else FusedMBConv
    return block(
        config["c_in"], config["c_out"], expand=config["expand"], kernel=config["kernel"], stride=config["stride"]
    )


def repvit(config: dict[str, Any]) -> nn.Module:
    if config.get("stride") == 2:
        return Downsample(config["c_in"], config["c_out"], stride=2)
    return RepViT(config["c_in"], config["c_in"], squeeze=config["se"])


def sppf(config: dict[str, Any]) -> nn.Module:
    return SPPF(config["c_in"], config["c_out"], kernel=config["pool"])


@dataclass(frozen=True)
class Case:
    """One stored case and the way to build its block."""

    name: str
    expected: dict[str, Any]
    construct: Callable[[dict[str, Any]], nn.Module]

    def build(self) -> nn.Module:
        return fill(self.construct(self.expected["config"]), self.expected.get("nw_scale", 1.0))


FILES = {
    "dynamic_conv": (odconv, "odconv_"),
    "convnext": (convnext, "block_"),
    "efficientnetv2": (efficientnetv2, ("fused_", "mbconv_")),
    "repvit": (repvit, ("block_", "unit_")),
    "yolov7": (sppf, "yolov5_sppf"),
}
CASES = [
    Case(name, expected, construct)
    for file, (construct, prefix) in FILES.items()
    for name, expected in golden(file).items()
    if name.startswith(prefix)
]


def having(*keys: str) -> pytest.MarkDecorator:
    """One test for each case that has all of `keys`."""
    cases = [pytest.param(case, id=case.name) for case in CASES if all(key in case.expected for key in keys)]
    return pytest.mark.parametrize("case", cases)


@having("slots", "params")
def test_a_block_has_exactly_the_reference_tensors(case: Case) -> None:
    block = case.build()

    assert slots(block) == case.expected["slots"]
    assert sum(p.numel() for p in block.parameters()) == case.expected["params"]


@having("macs")
def test_a_block_costs_what_the_reference_costs(case: Case) -> None:
    one = given(case.expected)[:1]  # with a larger batch the mixing of kernels is a matrix product, and counted

    assert macs(case.build().eval(), one) * case.expected["input"]["shape"][0] == case.expected["macs"]


@having("weight_generation_macs_per_sample")
def test_mixing_several_kernels_is_one_matrix_product_for_the_batch(case: Case) -> None:
    x = given(case.expected)
    mixing = case.expected["weight_generation_macs_per_sample"] if case.expected["config"]["kernel_num"] > 1 else 0

    assert macs(case.build().eval(), x) == case.expected["macs"] + len(x) * mixing


@having("eval")
def test_evaluation_gives_the_reference_output(case: Case) -> None:
    assert_output(case.build().eval()(given(case.expected)), case.expected["eval"])


@having("train")
def test_training_gives_the_reference_output_and_gradients(case: Case) -> None:
    block = case.build().train()
    x = given(case.expected).requires_grad_()

    out = block(x)
    out.backward(value("x", tuple(out.shape)).reshape(out.shape))

    assert_output(out, case.expected["train"])
    assert x.grad is not None
    assert_output(x.grad, case.expected["train_input_grad"])
    gradients = [p.grad for p in block.parameters() if p.grad is not None]
    total = sum(g.abs().sum().item() for g in gradients)
    assert total == pytest.approx(case.expected["train_param_grad_abs_sum"], rel=TOLERANCE)
    assert len(list(block.parameters())) - len(gradients) == case.expected["train_params_without_grad"]


@having("fused_params")
def test_the_merged_block_has_the_reference_size_and_cost(case: Case) -> None:
    merged = deploy(nn.Sequential(case.build()))

    assert sum(p.numel() for p in merged.parameters()) == case.expected["fused_params"]
    assert macs(merged, given(case.expected)) == case.expected["fused_macs"]


@having("fused_dw_weight_first")
def test_the_merged_token_mixer_is_the_reference_kernel(case: Case) -> None:
    merged = deploy(nn.Sequential(case.build()))

    conv = next(m for m in merged.modules() if isinstance(m, nn.Conv2d))

    assert conv.bias is not None
    for tensor, key in ((conv.weight, "fused_dw_weight_first"), (conv.bias, "fused_dw_bias_first")):
        first = torch.tensor(case.expected[key], dtype=torch.float64)
        torch.testing.assert_close(tensor.detach().flatten()[: len(first)], first, rtol=TOLERANCE, atol=TOLERANCE)


@having("eval")
def test_the_deployed_block_gives_the_reference_output(case: Case) -> None:
    assert_output(deploy(nn.Sequential(case.build()))(given(case.expected)), case.expected["eval"])
