"""YOLOv7's head: its formula, its size, and that it merges into YOLOv5's."""

import torch
from torch import Tensor, nn

from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.nn.heads.anchor import AnchorHead
from suite.nn.heads.implicit import ImplicitHead
from suite.spec.library import Library
from tests.narrowing import opened

WIDTHS, CLASSES, STRIDES = (4, 6), 3, (8, 16)
ANCHORS = [[10, 13, 16, 30], [30, 61, 62, 45]]


def head() -> ImplicitHead:
    torch.manual_seed(0)
    return ImplicitHead(WIDTHS, classes=CLASSES, strides=STRIDES, anchors=ANCHORS).double()


def maps() -> list[Tensor]:
    torch.manual_seed(1)
    return [torch.randn(2, width, 3, 5, dtype=torch.float64) for width in WIDTHS]


def test_a_vector_is_added_before_the_convolution_and_one_multiplied_in_after_it() -> None:
    ours, inputs = opened(head()), maps()

    raw = ours(inputs)

    for level, x, output in zip(raw, inputs, ours.outputs, strict=True):
        weight = output.conv.weight[:, :, 0, 0]
        pixel = (weight @ (x[1, :, 2, 4] + output.added) + output.conv.bias) * output.times
        # anchor by anchor, 5 + classes numbers each
        torch.testing.assert_close(level[1, :, 2, 4].flatten(), pixel)


def test_it_starts_near_the_head_of_yolov5() -> None:
    ours = opened(head())

    for output in ours.outputs:
        assert output.added.abs().max() < 0.1
        assert (output.times - 1).abs().max() < 0.1


def test_deployed_it_is_the_head_of_yolov5_with_the_same_output() -> None:
    ours, inputs = head(), maps()

    merged = deploy(nn.Sequential(ours))[0]

    plain = AnchorHead(WIDTHS, classes=CLASSES, strides=STRIDES, anchors=ANCHORS)
    assert [p.shape for p in merged.parameters()] == [p.shape for p in plain.parameters()]
    for actual, expected in zip(merged(inputs), ours(inputs), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-12)


def test_the_vectors_of_yolov7_are_as_long_as_its_maps_and_its_outputs() -> None:
    plain, implicit = (
        build(Library().load(name), device="meta") for name in ("yolov7", "yolov7_implicit")
    )

    extra = sum(p.numel() for p in implicit.parameters()) - sum(
        p.numel() for p in plain.parameters()
    )

    assert extra == (256 + 512 + 1024) + 3 * 3 * (5 + 80)
