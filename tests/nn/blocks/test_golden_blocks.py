"""Every block against the stored cases of tests/golden/blocks: structure, cost, outputs, gradients, deployed form."""

import pytest
import torch
from torch import nn

from suite.nn.deploy import deploy
from tests.nn.blocks.fill import TOLERANCE, assert_output, given, macs, slots, value
from tests.nn.blocks.stored_cases import BLOCKS, Case, compared_names, stored_names


def having(*keys: str) -> pytest.MarkDecorator:
    """One test for each case that has all of `keys`."""
    cases = [
        pytest.param(case, id=case.name)
        for case in BLOCKS
        if all(key in case.expected for key in keys)
    ]
    return pytest.mark.parametrize("case", cases)


def test_every_one_of_the_63_stored_cases_is_compared_once() -> None:
    assert len(compared_names()) == 63
    assert compared_names() == sorted(stored_names())


@having("slots", "params")
def test_a_block_has_exactly_the_reference_tensors(case: Case) -> None:
    block = case.build()

    assert slots(block) == case.expected["slots"]
    assert sum(p.numel() for p in block.parameters()) == case.expected["params"]


@having("macs")
def test_a_block_costs_what_the_reference_costs(case: Case) -> None:
    # with a larger batch ODConv's mixing of kernels is a matrix product, and counted
    one = given(case.expected)[:1]

    assert (
        macs(case.build().eval(), one) * case.expected["input"]["shape"][0] == case.expected["macs"]
    )


@having("weight_generation_macs_per_sample")
def test_mixing_several_kernels_is_one_matrix_product_for_the_batch(case: Case) -> None:
    x = given(case.expected)
    mixing = (
        case.expected["weight_generation_macs_per_sample"]
        if case.expected["config"]["kernel_num"] > 1
        else 0
    )

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
    assert (
        len(list(block.parameters())) - len(gradients) == case.expected["train_params_without_grad"]
    )


@having("fused_params")
def test_the_merged_block_has_the_reference_size(case: Case) -> None:
    merged = deploy(nn.Sequential(case.build()))

    assert sum(p.numel() for p in merged.parameters()) == case.expected["fused_params"]


@having("fused_macs")
def test_the_merged_block_has_the_reference_cost(case: Case) -> None:
    merged = deploy(nn.Sequential(case.build()))

    assert macs(merged, given(case.expected)) == case.expected["fused_macs"]


@having("fused_params")
def test_the_first_merged_kernel_is_the_references(case: Case) -> None:
    merged = deploy(nn.Sequential(case.build()))

    conv = next(m for m in merged.modules() if isinstance(m, nn.Conv2d))

    assert conv.bias is not None
    which = "fused_dw" if "fused_dw_weight_first" in case.expected else "fused"
    for tensor, key in ((conv.weight, f"{which}_weight_first"), (conv.bias, f"{which}_bias_first")):
        first = torch.tensor(case.expected[key], dtype=torch.float64)
        torch.testing.assert_close(
            tensor.detach().flatten()[: len(first)], first, rtol=TOLERANCE, atol=TOLERANCE
        )


@having("eval")
def test_the_deployed_block_gives_the_reference_output(case: Case) -> None:
    deployed = deploy(nn.Sequential(case.build()))

    assert not [module for module in deployed.modules() if isinstance(module, nn.BatchNorm2d)]
    assert_output(deployed(given(case.expected)), case.expected["eval"])
