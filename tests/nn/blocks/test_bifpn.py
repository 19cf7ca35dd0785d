"""BiFPN's fusion against its formula, and the neck made of it."""

import pytest
import torch

from suite.nn.blocks.bifpn import EPS, Fuse
from suite.nn.detector import build
from suite.spec.library import Library


def test_the_maps_are_weighed_by_their_shares_and_a_negative_weight_counts_as_none() -> None:
    block = Fuse((4, 4, 4))
    block.weight.data = torch.tensor([2.0, -1.0, 3.0])
    a, b, c = (torch.rand(2, 4, 3, 5) for _ in range(3))

    torch.testing.assert_close(block((a, b, c)), (2 * a + 0 * b + 3 * c) / (5 + EPS))


def test_a_new_fusion_is_the_mean_of_its_maps() -> None:
    a, b = torch.rand(2, 4, 3, 5), torch.rand(2, 4, 3, 5)

    torch.testing.assert_close(Fuse((4, 4))((a, b)), (a + b) / 2, rtol=EPS, atol=0)


@pytest.mark.parametrize(
    ("widths", "message"),
    [((4,), "gets one; name two or more"), ((4, 8), "but they have 4, 8; put a 1x1 before")],
)
def test_maps_that_cannot_be_added_are_refused(widths: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fuse(widths)


def test_the_middle_node_on_the_way_up_fuses_three_maps_of_stride_16() -> None:
    graph = build(Library().load("yolov5s_bifpn"), device="meta").graph

    fusions = [(node.stride, len(node.sources)) for node in graph if node.block == "bifpn.Fuse"]

    assert fusions == [(16, 2), (8, 2), (16, 3), (32, 2)]
