"""The blocks of YOLOv7 against the stored cases of tests/golden/blocks."""

import pytest
import torch

from suite.nn.blocks.yolov7 import ELANW, MP
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.spec.library import Library
from tests.nn.blocks.fill import fill, macs


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

    # of the authors' deployment file, before and after merging
    assert sizes == [37_620_125, 36_905_341]
    assert macs(deployed, torch.empty(1, 3, 640, 640, device="meta")) / 1e9 == pytest.approx(
        104.51 / 2, abs=0.005
    )
