"""The blocks of YOLOv7 against the stored cases of tests/golden/blocks."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from suite.nn.blocks.yolov7 import ELAN, ELANW, MP, Rep
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.spec.library import Library
from tests.nn.blocks.fill import TOLERANCE, assert_output, fill, given, golden, macs, slots

Construct = Callable[[dict[str, Any]], nn.Module]
BLOCKS: dict[str, Construct] = {
    "repconv_": lambda config: Rep(config["c_in"], config["c_out"]),
    "elan_": lambda config: ELAN(config["c_in"], config["c_out"], expansion=config["hidden"] / config["c_out"]),
    "mp_": lambda config: MP(config["c_in"], config["c_out"]),
}
CASES = {
    name: (case, construct)
    for prefix, construct in BLOCKS.items()
    for name, case in golden("yolov7").items()
    if name.startswith(prefix)
}
REPCONVS = [name for name in CASES if name.startswith("repconv_")]


def built(name: str) -> nn.Module:
    case, construct = CASES[name]
    return fill(construct(case["config"])).eval()


@pytest.mark.parametrize("name", CASES)
def test_a_block_of_yolov7_has_exactly_the_reference_tensors_and_cost(name: str) -> None:
    block, (case, _) = built(name), CASES[name]

    assert slots(block) == case["slots"]
    assert sum(p.numel() for p in block.parameters()) == case["params"]
    assert macs(block, given(case)) == case["macs"]


@pytest.mark.parametrize("name", CASES)
def test_a_block_of_yolov7_gives_the_reference_output_as_trained_and_as_deployed(name: str) -> None:
    block, (case, _) = built(name), CASES[name]

    assert_output(block(given(case)), case["eval"])
    assert_output(deploy(block)(given(case)), case["eval"])


@pytest.mark.parametrize("name", REPCONVS)
def test_repconv_merges_to_the_reference_kernel(name: str) -> None:
    case, _ = CASES[name]

    merged = deploy(built(name)).operator

    assert isinstance(merged, nn.Conv2d)
    assert sum(p.numel() for p in merged.parameters()) == case["fused_params"]
    for tensor, key in ((merged.weight, "fused_weight_first"), (merged.bias, "fused_bias_first")):
        first = torch.tensor(case[key], dtype=torch.float64)
        torch.testing.assert_close(tensor.detach().flatten()[: len(first)], first, rtol=TOLERANCE, atol=TOLERANCE)


def test_the_transition_has_no_stride_but_2() -> None:
    with pytest.raises(ValueError, match="it must be 2"):
        MP(4, 8, stride=1)


def test_the_wide_elan_merges_two_1x1_and_a_chain_of_four_3x3() -> None:
    block = fill(ELANW(12, 8)).eval()
    x = torch.rand(1, 12, 5, 5, dtype=torch.float64)
    maps = [block.bypass(x), block.reduce(x)]
    for i in range(4):
        maps.append(block.chain[i](maps[-1]))

    expected = block.merge(torch.cat([maps[i] for i in (5, 4, 3, 2, 1, 0)], 1))

    torch.testing.assert_close(block(x), expected)
    assert [m.shape[1] for m in maps] == [8, 8, 4, 4, 4, 4]


def test_the_whole_yolov7_has_the_size_and_cost_of_the_authors_network() -> None:
    model = build(Library().load("yolov7"), device="meta")
    deployed = deploy(model)

    sizes = [sum(p.numel() for p in form.parameters()) for form in (model, deployed)]

    assert sizes == [37_620_125, 36_905_341]  # of the authors' deployment file, before and after merging
    assert macs(deployed, torch.empty(1, 3, 640, 640, device="meta")) / 1e9 == pytest.approx(104.51 / 2, abs=0.005)
