"""Upsampling blocks, against plain loops of their papers' formulas."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.blocks.carafe import CARAFE
from suite.nn.blocks.dysample import DySample
from suite.nn.blocks.transposed import Transposed
from tests.narrowing import opened

C, H, W = 4, 3, 5


def image() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(1, C, H, W, dtype=torch.float64)


def shaken(block: nn.Module) -> Any:
    """`block` in float64 and evaluation, with no parameter left where it starts."""
    torch.manual_seed(1)
    block = block.double().eval()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.5)
    return block


@pytest.mark.parametrize("scale", [2, 3])
def test_carafe_weighs_neighbours_by_predicted_weights_that_sum_to_one(scale: int) -> None:
    block, x = shaken(CARAFE(C, scale=scale, kernel=3, hidden=6)), image()
    code = F.conv2d(block.compress(x), block.encode.weight, block.encode.bias, padding=1)[0]
    padded = F.pad(x[0], (1, 1, 1, 1))

    expected = torch.empty(1, C, scale * H, scale * W, dtype=x.dtype)
    for i in range(scale * H):
        for j in range(scale * W):
            y, z = i // scale, j // scale
            part = i % scale * scale + j % scale
            logits = [code[tap * scale**2 + part, y, z].item() for tap in range(9)]
            total = sum(math.exp(logit) for logit in logits)
            for c in range(C):
                values = padded[c, y : y + 3, z : z + 3].flatten()
                expected[0, c, i, j] = sum(
                    math.exp(logits[tap]) / total * values[tap] for tap in range(9)
                )

    torch.testing.assert_close(block(x), expected)


def clamped(plane: Tensor, y: float, x: float) -> Tensor:
    """The value between four pixels; beyond the border, the border's."""
    y, x = min(max(y, 0.0), plane.shape[0] - 1.0), min(max(x, 0.0), plane.shape[1] - 1.0)
    total = torch.zeros((), dtype=torch.float64)
    for row in (math.floor(y), math.ceil(y)):
        for column in (math.floor(x), math.ceil(x)):
            share = (1 - abs(y - row)) * (1 - abs(x - column))
            total += (
                plane[row, column] * share / (1 + (math.floor(y) == y)) / (1 + (math.floor(x) == x))
            )
    return total


@pytest.mark.parametrize("scale", [2, 3])
def test_dysample_reads_at_a_quarter_of_the_predicted_offset(scale: int) -> None:
    block, x = shaken(DySample(C, scale=scale, groups=2)), image()
    # x or y, group, row and column in the pixel
    offsets = block.offset(x)[0].view(2, 2, scale, scale, H, W)

    expected = torch.empty(1, C, scale * H, scale * W, dtype=x.dtype)
    for i in range(scale * H):
        for j in range(scale * W):
            for c in range(C):
                right, down = offsets[
                    :, c // 2, i % scale, j % scale, i // scale, j // scale
                ].tolist()
                y = (i + 0.5) / scale - 0.5 + 0.25 * down
                z = (j + 0.5) / scale - 0.5 + 0.25 * right
                expected[0, c, i, j] = clamped(x[0, c], y, z)

    torch.testing.assert_close(block(x), expected)


def test_dysample_starts_as_bilinear_upsampling() -> None:
    block = opened(DySample(C)).double()
    with torch.no_grad():
        block.offset.weight.zero_()

    torch.testing.assert_close(
        block(image()), F.interpolate(image(), scale_factor=2, mode="bilinear")
    )


@pytest.mark.parametrize("block", [CARAFE, DySample, Transposed])
def test_upsampling_can_be_moved_to_channels_last_memory(block: type[nn.Module]) -> None:
    ours, x = shaken(block(C)), image()
    expected = ours(x)

    moved = ours.to(memory_format=torch.channels_last)

    torch.testing.assert_close(moved(x.contiguous(memory_format=torch.channels_last)), expected)


def test_dysample_refuses_a_width_that_it_cannot_part() -> None:
    with pytest.raises(ValueError, match="6 channels cannot be parted into 4 groups"):
        DySample(6)


@pytest.mark.parametrize("groups", [1, 0])
def test_a_transposed_convolution_writes_every_new_pixel_once(groups: int) -> None:
    block, x = shaken(Transposed(C, groups=groups)), image()
    weight = block.grow.weight  # in, out / groups, row, column

    expected = torch.empty(1, C, 2 * H, 2 * W, dtype=x.dtype)
    for i in range(2 * H):
        for j in range(2 * W):
            pixel = x[0, :, i // 2, j // 2]
            taps = weight[:, :, i % 2, j % 2]
            mixed = pixel @ taps if groups else pixel * taps[:, 0]
            expected[0, :, i, j] = mixed + block.grow.bias

    torch.testing.assert_close(block(x), expected)
