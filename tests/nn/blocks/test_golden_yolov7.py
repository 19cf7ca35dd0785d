"""The blocks of YOLOv7 against the stored cases of tests/golden/blocks."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from suite.nn.blocks.repconv import RepConv
from suite.nn.blocks.yolov7 import ELAN, MP
from suite.nn.deploy import deploy
from tests.nn.blocks.fill import TOLERANCE, assert_output, fill, given, golden, macs, slots


class Activated(nn.Module):
    """RepConv as YOLOv7 uses it: nothing but SiLU after the sum."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.operator = RepConv(in_channels, out_channels, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.silu(self.operator(x))


Construct = Callable[[dict[str, Any]], nn.Module]
BLOCKS: dict[str, Construct] = {
    "repconv_": lambda config: Activated(config["c_in"], config["c_out"]),
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
