"""Operators that take the place of a convolution, against plain loops of their papers' formulas."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from suite.nn.blocks.deform import DeformConv2d
from suite.nn.blocks.depthwise import DWConv
from suite.nn.blocks.involution import Involution
from suite.nn.blocks.repconv import RepConv
from suite.nn.blocks.spdconv import SPDConv
from tests.narrowing import opened
from tests.nn.blocks.shaken import shaken


def image(*shape: int) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(*shape, dtype=torch.float64)


def test_dwconv_has_one_group_for_each_common_divisor_of_its_widths() -> None:
    operator = shaken(DWConv(4, 6, 3, 1, 1))
    x, weight = image(1, 4, 5, 5), operator.conv.weight
    padded = F.pad(x, (1, 1, 1, 1))
    groups = 2  # gcd(4, 6): 2 channels in and 3 out a group

    expected = torch.zeros(1, 6, 5, 5, dtype=torch.float64)
    for out in range(6):
        for i in range(2):
            for y in range(5):
                for z in range(5):
                    window = padded[0, out // 3 * groups + i, y : y + 3, z : z + 3]
                    expected[0, out, y, z] += (window * weight[out, i]).sum()

    torch.testing.assert_close(operator(x), expected)


def test_spdconv_reads_every_pixel_that_a_stride_would_skip() -> None:
    operator = shaken(SPDConv(2, 3, 1, 2, 0))
    x, weight = image(1, 2, 4, 4), operator.conv.weight

    expected = torch.zeros(1, 3, 2, 2, dtype=torch.float64)
    for y in range(2):
        for z in range(2):
            cell = x[0, :, 2 * y : 2 * y + 2, 2 * z : 2 * z + 2].flatten()  # channel, row, column
            expected[0, :, y, z] = weight[:, :, 0, 0] @ cell

    torch.testing.assert_close(operator(x), expected)


def test_a_6x6_stem_of_stride_2_is_a_3x3_spdconv() -> None:
    operator = shaken(SPDConv(3, 4, 3, 2, 1))
    kernel = F.pixel_shuffle(operator.conv.weight, 2)

    expected = F.conv2d(image(1, 3, 8, 8), kernel, None, 2, 2)

    torch.testing.assert_close(operator(image(1, 3, 8, 8)), expected)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("out", [4, 6])
def test_involution_weighs_neighbours_by_a_kernel_made_at_each_place(out: int, stride: int) -> None:
    operator = shaken(Involution(4, out, 3, stride, 1, size=5, reduction=2, per_group=2))
    x = image(2, 4, 6, 6)
    places = torch.stack(
        [x[:, :, i::stride, j::stride] for i in range(stride) for j in range(stride)]
    ).mean(0)
    groups, size = out // 2, 6 // stride
    values = F.pad(operator.widen(x), (2, 2, 2, 2))

    expected = torch.zeros(2, out, size, size, dtype=torch.float64)
    norm = operator.reduce.norm
    for n in range(2):
        for y in range(size):
            for z in range(size):
                hidden = operator.reduce.conv.weight[:, :, 0, 0] @ places[n, :, y, z]
                scale = norm.weight / (norm.running_var + norm.eps).sqrt()
                hidden = ((hidden - norm.running_mean) * scale + norm.bias).clamp(min=0)
                kernel = operator.span.weight[:, :, 0, 0] @ hidden + operator.span.bias
                kernel = kernel.reshape(groups, 5, 5)
                for channel in range(out):
                    window = values[
                        n, channel, stride * y : stride * y + 5, stride * z : stride * z + 5
                    ]
                    expected[n, channel, y, z] = (window * kernel[channel // 2]).sum()

    torch.testing.assert_close(operator(x), expected)


def bilinear(plane: Tensor, y: float, x: float) -> Tensor:
    """The value between four pixels, zero outside of the plane."""
    total = torch.zeros((), dtype=torch.float64)
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]:
                total += plane[row, column] * (1 - abs(y - row)) * (1 - abs(x - column))
    return total


def test_a_deformable_convolution_reads_at_offsets_and_weighs_by_masks() -> None:
    operator = shaken(DeformConv2d(2, 3, 3, 2, 1))
    x = image(1, 2, 6, 6)
    raw = operator.where(x)[0]

    expected = torch.zeros(1, 3, 3, 3, dtype=torch.float64)
    for y in range(3):
        for z in range(3):
            for tap in range(9):
                down, right = raw[2 * tap, y, z].item(), raw[2 * tap + 1, y, z].item()
                mask = raw[18 + tap, y, z].sigmoid()
                for channel in range(2):
                    place = (2 * y - 1 + tap // 3 + down, 2 * z - 1 + tap % 3 + right)
                    weight = operator.weight[:, channel, tap // 3, tap % 3]
                    expected[0, :, y, z] += weight * mask * bilinear(x[0, channel], *place)

    torch.testing.assert_close(operator(x), expected)


def test_a_deformable_convolution_starts_as_a_convolution_of_half_its_weights() -> None:
    operator, x = opened(DeformConv2d(4, 6, 3, 1, 1)).double(), image(1, 4, 7, 7)

    torch.testing.assert_close(operator(x), F.conv2d(x, operator.weight / 2, padding=1))


def test_a_deformable_convolution_is_counted_with_its_offsets() -> None:
    operator = DeformConv2d(4, 6, 3, 1, 1)

    with FlopCounterMode(display=False) as counter:
        operator(torch.zeros(2, 4, 7, 7))

    assert counter.get_total_flops() // 2 == 2 * 7 * 7 * 9 * 4 * (6 + 27)


@pytest.mark.parametrize(
    "given", [(4, 4, 3, 1, 1), (4, 6, 3, 2, 1), (4, 4, 5, 1, 4, 2), (4, 4, 3, 1, 1, 1, 2)]
)
def test_repconv_is_the_sum_of_its_normed_branches(given: tuple[int, ...]) -> None:
    operator, x = shaken(RepConv(*given)), image(2, 4, 8, 8)
    stride, dilation, groups = (
        given[3],
        given[5] if len(given) > 5 else 1,
        given[6] if len(given) > 6 else 1,
    )

    wide = F.conv2d(x, operator.wide.weight, None, stride, given[4], dilation, groups)
    expected = operator.wide_norm(wide) + operator.point_norm(
        F.conv2d(x, operator.point.weight, None, stride, 0, 1, groups)
    )
    if given[0] == given[1]:
        expected = expected + operator.identity(x)

    torch.testing.assert_close(operator(x), expected)
    torch.testing.assert_close(operator.deployed()(x), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("kernel", "padding"), [(2, 0), (6, 2), (3, 0)])
def test_repconv_refuses_a_kernel_without_a_middle(kernel: int, padding: int) -> None:
    with pytest.raises(ValueError, match="it must be odd, with padding"):
        RepConv(4, 4, kernel, 1, padding)
