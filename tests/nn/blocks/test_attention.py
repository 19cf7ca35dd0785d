"""Attention layers, against plain loops of their papers' formulas."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from suite.nn.blocks.cbam import CBAM
from suite.nn.blocks.coordatt import CoordAtt
from suite.nn.blocks.eca import ECA
from suite.nn.blocks.ema import EMA
from suite.nn.blocks.gam import GAM
from suite.nn.blocks.se import SE
from suite.nn.blocks.shuffleattention import ShuffleAttention
from suite.nn.blocks.simam import SimAM
from tests.narrowing import opened, present
from tests.nn.blocks.shaken import shaken

SHAPE = (2, 8, 4, 5)
N, C, H, W = SHAPE


def image() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(*SHAPE, dtype=torch.float64)


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def dense(layer: Any, vector: Tensor) -> Tensor:
    """A linear layer or a 1x1 convolution on one vector."""
    out = layer.weight.flatten(1) @ vector
    result: Tensor = out if layer.bias is None else out + layer.bias
    return result


def normed(norm: nn.BatchNorm2d, vector: Tensor) -> Tensor:
    mean, variance = present(norm.running_mean), present(norm.running_var)
    return (vector - mean) / (variance + norm.eps).sqrt() * norm.weight + norm.bias


def standardised(plane: Tensor) -> Tensor:
    return (plane - plane.mean()) / (plane.var(correction=0) + 1e-5).sqrt()


def window(plane: Tensor, y: int, x: int, size: int) -> Tensor:
    """The `size` x `size` neighbourhood of a place, zeros outside of the plane."""
    half = size // 2
    out = torch.zeros(size, size, dtype=plane.dtype)
    for i in range(size):
        for j in range(size):
            if 0 <= y + i - half < plane.shape[0] and 0 <= x + j - half < plane.shape[1]:
                out[i, j] = plane[y + i - half, x + j - half]
    return out


def convolved(conv: nn.Conv2d, maps: Tensor) -> Tensor:
    """A convolution of (C, H, W) that keeps the resolution."""
    out = torch.zeros(conv.out_channels, *maps.shape[1:], dtype=maps.dtype)
    for o in range(conv.out_channels):
        for y in range(maps.shape[1]):
            for x in range(maps.shape[2]):
                windows = torch.stack([window(plane, y, x, conv.kernel_size[0]) for plane in maps])
                out[o, y, x] = (windows * conv.weight[o]).sum() + (
                    0 if conv.bias is None else conv.bias[o]
                )
    return out


def test_se_gates_channels_by_their_means() -> None:
    block, x = shaken(SE(C, reduction=2)), image()

    expected = x.clone()
    for n in range(N):
        mean = torch.tensor([x[n, c].sum().item() / (H * W) for c in range(C)], dtype=x.dtype)
        gates = dense(block.expand, dense(block.reduce, mean).clamp(min=0))
        for c in range(C):
            expected[n, c] *= sigmoid(gates[c].item())

    torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize(("width", "hidden"), [(256, 16), (32, 4)])
def test_se_and_cbam_squeeze_to_a_sixteenth_but_not_below_four(width: int, hidden: int) -> None:
    assert SE(width).reduce.out_channels == hidden
    assert opened(CBAM(width).perceptron)[0].out_features == hidden


def test_cbam_gates_channels_then_places_by_means_and_maxima() -> None:
    block, x = shaken(CBAM(C, reduction=2, kernel=3)), image()

    expected = x.clone()
    first, _, second = block.perceptron
    for n in range(N):
        mean = torch.stack([x[n, c].mean() for c in range(C)])
        high = torch.stack([x[n, c].max() for c in range(C)])
        logits = dense(second, dense(first, mean).clamp(min=0)) + dense(
            second, dense(first, high).clamp(min=0)
        )
        for c in range(C):
            expected[n, c] *= sigmoid(logits[c].item())
        statistics = torch.stack([expected[n].sum(0) / C, expected[n].max(0).values])
        expected[n] *= convolved(block.places, statistics)[0].sigmoid()

    torch.testing.assert_close(block(x), expected)


def test_eca_gates_a_channel_by_the_means_of_its_neighbours() -> None:
    block, x = shaken(ECA(C, kernel=3)), image()

    expected = x.clone()
    for n in range(N):
        mean = [0.0, *(x[n, c].mean().item() for c in range(C)), 0.0]
        for c in range(C):
            expected[n, c] *= sigmoid(
                sum(block.along.weight[0, 0, i].item() * mean[c + i] for i in range(3))
            )

    torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize(
    ("width", "kernel"), [(8, 3), (64, 3), (128, 5), (256, 5), (512, 5), (2048, 7)]
)
def test_the_width_decides_how_many_neighbours_eca_reads(width: int, kernel: int) -> None:
    t = math.floor((math.log2(width) + 1) / 2)  # the paper's ψ with γ = 2 and b = 1

    assert ECA(width).along.kernel_size == (kernel,)
    assert kernel in {t, t + 1}


def test_coordatt_gates_a_place_by_its_row_and_its_column() -> None:
    block, x = shaken(CoordAtt(C)), image()

    def gate(mean: Tensor, head: nn.Conv2d) -> Tensor:
        hidden = normed(block.reduce.norm, dense(block.reduce.conv, mean))
        return dense(head, hidden * (hidden + 3).clamp(0, 6) / 6).sigmoid()

    expected = x.clone()
    for n in range(N):
        for i in range(H):
            for j in range(W):
                row, column = x[n, :, i].mean(1), x[n, :, :, j].mean(1)
                expected[n, :, i, j] *= gate(row, block.rows) * gate(column, block.columns)

    torch.testing.assert_close(block(x), expected)


def test_simam_gates_by_the_inverse_of_the_minimal_energy() -> None:
    block, x = SimAM(C, regulariser=0.01), image()

    expected = x.clone()
    for n in range(N):
        for c in range(C):
            values = x[n, c].flatten().tolist()
            mean = sum(values) / len(values)
            variance = sum((t - mean) ** 2 for t in values) / (len(values) - 1)
            for i in range(H):
                for j in range(W):
                    t = x[n, c, i, j].item()
                    energy = 4 * (variance + 0.01) / ((t - mean) ** 2 + 2 * variance + 2 * 0.01)
                    expected[n, c, i, j] = t * sigmoid(1 / energy)

    torch.testing.assert_close(block(x), expected)


def test_ema_gates_the_places_of_a_group_by_two_branches_that_read_each_other() -> None:
    block, x = shaken(EMA(C, groups=2)), image()

    expected = x.clone()
    for n in range(N):
        for group in range(2):
            maps = x[n, 4 * group : 4 * group + 4]
            gated = torch.zeros_like(maps)
            for i in range(H):
                for j in range(W):
                    row, column = (
                        dense(block.point, maps[:, i].mean(1)),
                        dense(block.point, maps[:, :, j].mean(1)),
                    )
                    gated[:, i, j] = maps[:, i, j] * row.sigmoid() * column.sigmoid()
            for c in range(4):
                gated[c] = standardised(gated[c]) * block.norm.weight[c] + block.norm.bias[c]
            local = convolved(block.local, maps)
            shares = [
                torch.stack([plane.mean() for plane in branch]).exp() for branch in (gated, local)
            ]
            logits = torch.zeros(H, W, dtype=x.dtype)
            for c in range(4):
                logits += (
                    shares[0][c] / shares[0].sum() * local[c]
                    + shares[1][c] / shares[1].sum() * gated[c]
                )
            expected[n, 4 * group : 4 * group + 4] = maps * logits.sigmoid()

    torch.testing.assert_close(block(x), expected)


def test_gam_gates_by_the_channels_of_a_place_then_by_its_neighbourhood() -> None:
    block, x = shaken(GAM(C, kernel=3)), image()

    expected = x.clone()
    first, _, second = block.channels
    for n in range(N):
        for i in range(H):
            for j in range(W):
                gates = dense(second, dense(first, x[n, :, i, j]).clamp(min=0))
                expected[n, :, i, j] *= gates.sigmoid()
        narrow = convolved(block.narrow.conv, expected[n])
        narrow = normed(block.narrow.norm, narrow.permute(1, 2, 0)).clamp(min=0).permute(2, 0, 1)
        wide = normed(
            block.widen.norm, convolved(block.widen.conv, narrow).permute(1, 2, 0)
        ).permute(2, 0, 1)
        expected[n] *= wide.sigmoid()

    torch.testing.assert_close(block(x), expected)


def test_shuffleattention_gates_two_halves_and_shuffles_them() -> None:
    block, x = shaken(ShuffleAttention(C, groups=2)), image()

    gated = x.clone()
    for n in range(N):
        for c in range(C):
            k = c % 2  # a group of 4 channels has halves of 2
            if c % 4 < 2:
                gate = (x[n, c].mean() * block.channel_weight[k] + block.channel_bias[k]).sigmoid()
            else:
                plane = standardised(x[n, c]) * block.norm.weight[k] + block.norm.bias[k]
                gate = (plane * block.place_weight[k] + block.place_bias[k]).sigmoid()
            gated[n, c] *= gate
    expected = gated[:, [0, 4, 1, 5, 2, 6, 3, 7]]

    torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize("block", [EMA(C, groups=2), ShuffleAttention(C, groups=2)])
def test_grouped_attention_refuses_a_width_that_it_cannot_part(block: nn.Module) -> None:
    with pytest.raises(ValueError, match="cannot be parted into"):
        type(block)(7)


@pytest.mark.parametrize(
    "block",
    [SE(C), CBAM(C), ECA(C), CoordAtt(C), SimAM(C), EMA(C), GAM(C), ShuffleAttention(C, groups=4)],
)
def test_attention_takes_a_map_of_one_pixel(block: nn.Module) -> None:
    out = block.eval()(torch.ones(1, C, 1, 1))

    assert out.shape == (1, C, 1, 1)
    assert out.isfinite().all()
