"""CondConv and DyConv against the stored cases of tests/golden/blocks."""

import math
from collections import Counter
from typing import Any

import pytest
import torch
from torch import nn

from suite.nn.blocks.condconv import CondConv
from suite.nn.blocks.dyconv import DyConv
from suite.nn.layers import ConvNormAct
from tests.nn.blocks.fill import (
    TOLERANCE,
    assert_output,
    canonical,
    fill,
    given,
    macs,
    tensors,
    value,
)
from tests.nn.blocks.stored_cases import MIXED

CASES = MIXED
every_case = pytest.mark.parametrize("name", CASES)
Operator = CondConv | DyConv


def constructed(config: dict[str, Any]) -> Operator:
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding")
    shape = [config[name] for name in names]
    if "K" in config:
        operator = DyConv(*shape, kernels=config["K"], reduction=config["ratio"], bias=True)
        operator.temperature = config["temperature"]
        return operator
    return CondConv(
        *shape, groups=config["groups"], kernels=config["num_experts"], bias=config["bias"]
    )


def own(operator: Operator) -> list[tuple[str, tuple[int, ...], nn.Parameter]]:
    """The stacked tensors, which the rule names by the shape they have without being flattened."""
    shape: tuple[int, ...] = (len(operator.weight), *operator.shape)
    stacked = [("wk", shape, operator.weight)]
    if operator.bias is not None:
        stacked.append(("b", tuple(operator.bias.shape), operator.bias))
    return stacked


def built(name: str) -> Operator:
    operator = constructed(CASES[name]["config"]).double()
    for child in operator.children():
        fill(child)
    with torch.no_grad():
        for kind, shape, tensor in own(operator):
            tensor.copy_(value(kind, shape).reshape(tensor.shape))
    return operator


@every_case
def test_a_mixing_operator_has_exactly_the_reference_tensors(name: str) -> None:
    operator = built(name)

    found = [(kind, shape) for child in operator.children() for kind, shape, _ in tensors(child)]
    found += [(kind, canonical(kind, shape)) for kind, shape, _ in own(operator)]

    assert (
        Counter(f"{kind}:{','.join(map(str, shape))}" for kind, shape in found)
        == CASES[name]["slots"]
    )
    assert sum(p.numel() for p in operator.parameters()) == CASES[name]["params"]


@every_case
def test_a_mixing_operator_costs_what_the_reference_costs(name: str) -> None:
    assert macs(built(name).eval(), given(CASES[name])) == CASES[name]["macs"]


@every_case
def test_the_mixing_of_a_single_sample_is_not_counted(name: str) -> None:
    operator, x = built(name).eval(), given(CASES[name])
    stacked = sum(tensor.numel() for _, _, tensor in own(operator))

    assert macs(operator, x[:1]) * len(x) == CASES[name]["macs"] - stacked * len(x)


@every_case
def test_a_mixing_operator_gives_the_reference_output(name: str) -> None:
    operator = built(
        name
    ).train()  # the temperature acts in training only, and there are no statistics

    assert_output(operator(given(CASES[name])), CASES[name]["eval"])


@pytest.mark.parametrize("name", [name for name in CASES if "train" in CASES[name]])
def test_a_mixing_operator_gives_the_reference_gradients(name: str) -> None:
    operator = built(name).train()
    x = given(CASES[name]).requires_grad_()

    out = operator(x)
    out.backward(value("x", tuple(out.shape)).reshape(out.shape))

    assert x.grad is not None
    assert_output(out, CASES[name]["train"])
    assert_output(x.grad, CASES[name]["train_input_grad"])
    total = sum(p.grad.abs().sum().item() for p in operator.parameters() if p.grad is not None)
    assert total == pytest.approx(CASES[name]["train_param_grad_abs_sum"], rel=TOLERANCE)


def test_the_evaluation_of_dyconv_ignores_its_temperature() -> None:
    operator = built("dyconv_3x3_K4_T34").eval()

    assert_output(operator(given(CASES["dyconv_3x3_K4_T1"])), CASES["dyconv_3x3_K4_T1"]["eval"])


@every_case
def test_a_mixing_operator_takes_a_batch_norm_over_bias_or_not(name: str) -> None:
    operator, config = built(name), CASES[name]["config"]
    norm = fill(nn.BatchNorm2d(config["out_channels"]))
    layer = ConvNormAct(operator, norm, nn.Identity()).eval()
    x = given(CASES[name])

    torch.testing.assert_close(layer.deployed()(x), layer(x), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("operator", [CondConv, DyConv])
def test_a_new_kernel_is_spread_over_its_inputs(operator: type[Operator]) -> None:
    torch.manual_seed(0)
    small, large = (operator(width, 64, 3).weight.std().item() for width in (16, 64))

    assert small / large == pytest.approx(math.sqrt(64 / 16), rel=0.05)
