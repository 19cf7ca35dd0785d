"""Pyramid pooling blocks: goldens where there are any, else their papers' formulas written out."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.blocks.aspp import ASPP
from suite.nn.blocks.rfb import RFB
from suite.nn.blocks.simsppf import SimSPPF
from suite.nn.blocks.spp import SPP
from suite.nn.blocks.sppcspc import SPPCSPC
from suite.nn.blocks.sppf import SPPF
from tests.narrowing import opened
from tests.nn.blocks.shaken import shaken


def image(*shape: int) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(*shape, dtype=torch.float64)


def layer(part: Any, x: Tensor, dilation: int = 1) -> Tensor:
    """Convolution and norm of a ConvNormAct by formula: a dilated kernel is one with zeros between its taps."""
    weight, norm = part.conv.weight, part.norm
    size = (weight.shape[-1] - 1) * dilation + 1
    spread = torch.zeros(*weight.shape[:2], size, size, dtype=weight.dtype)
    spread[:, :, ::dilation, ::dilation] = weight
    out = F.conv2d(x, spread, padding=size // 2)
    mean, scale = norm.running_mean, norm.weight / (norm.running_var + 1e-3).sqrt()
    result: Tensor = (out - mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]
    return result


def silu(x: Tensor) -> Tensor:
    return x / (1 + (-x).exp())


def pooled(x: Tensor, size: int) -> Tensor:
    """The maximum of each place's neighbourhood, in loops."""
    half, out = size // 2, torch.empty_like(x)
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            out[:, :, i, j] = x[
                :, :, max(i - half, 0) : i + half + 1, max(j - half, 0) : j + half + 1
            ].amax((2, 3))
    return out


def test_spp_pools_with_every_kernel_at_once() -> None:
    block, x = shaken(SPP(6, 5, kernels=(3, 7))), image(2, 6, 8, 9)
    inner = silu(layer(block.reduce, x))

    expected = silu(layer(block.merge, torch.cat((inner, pooled(inner, 3), pooled(inner, 7)), 1)))

    torch.testing.assert_close(block(x), expected)


def test_spp_of_5_9_13_is_sppf() -> None:
    block, chained = shaken(SPP(6, 5)), SPPF(6, 5).double().eval()
    chained.load_state_dict(block.state_dict())

    torch.testing.assert_close(block(image(1, 6, 16, 16)), chained(image(1, 6, 16, 16)))


def test_simsppf_pools_in_a_chain_between_relus() -> None:
    block, x = shaken(SimSPPF(6, 5, kernel=3)), image(2, 6, 8, 9)
    maps = [layer(block.reduce, x).clamp(min=0)]
    for size in (3, 5, 7):  # one, two and three pools of 3
        maps.append(pooled(maps[0], size))

    expected = layer(block.merge, torch.cat(maps, 1)).clamp(min=0)

    torch.testing.assert_close(block(x), expected)


def test_aspp_reads_every_rate_and_the_mean_of_the_image() -> None:
    block, x = shaken(ASPP(6, 8, rates=(2, 3))), image(2, 6, 8, 9)
    maps = [silu(layer(block.branches[0], x))]
    maps += [silu(layer(block.branches[i], x, rate)) for i, rate in ((1, 2), (2, 3))]
    mean = torch.stack([torch.stack([x[n, c].sum() / 72 for c in range(6)]) for n in range(2)])
    maps.append(silu(layer(block.image, mean[..., None, None])).repeat(1, 1, 8, 9))

    expected = silu(layer(block.merge, torch.cat(maps, 1)))

    torch.testing.assert_close(block(x), expected)


def test_the_mean_of_a_single_image_is_normed_by_what_was_learnt() -> None:
    block, x = shaken(ASPP(6, 8)).train(), image(1, 6, 8, 9)
    for norm in (
        m for m in block.modules() if isinstance(m, nn.BatchNorm2d) and m is not block.image.norm
    ):
        norm.eval()
    before = block.image.norm.running_mean.clone()

    out = block(x)

    assert torch.equal(block.image.norm.running_mean, before)
    torch.testing.assert_close(out, block.eval()(x))


def test_the_mean_of_several_images_is_normed_by_their_statistics() -> None:
    block = opened(ASPP(6, 8)).double().train()
    means = block.image.conv(image(4, 6, 8, 9).mean((2, 3), keepdim=True))

    normed = block.image.norm(means)

    torch.testing.assert_close(
        normed.mean((0, 2, 3)), torch.zeros(4, dtype=torch.float64), atol=1e-12, rtol=0
    )


def test_rfb_adds_three_scaled_branches_to_the_input() -> None:
    block, x = shaken(RFB(16, 8, rates=(1, 2, 3), scale_branches=0.3)), image(2, 16, 8, 9)
    maps = []
    for branch, rate in zip(block.branches, (1, 2, 3), strict=True):
        y = x
        for part in branch[:-1]:
            y = silu(layer(part, y))
        maps.append(layer(branch[-1], y, rate))

    expected = silu(layer(block.bypass, x) + 0.3 * layer(block.merge, torch.cat(maps, 1)))

    torch.testing.assert_close(block(x), expected)


def test_the_branches_of_rfb_have_the_receptive_fields_of_the_paper() -> None:
    branches = opened(RFB(16, 8).branches)

    kernels = [[part.conv.kernel_size[0] for part in branch] for branch in branches]
    dilations = [branch[-1].conv.dilation[0] for branch in branches]

    assert kernels == [[1, 3], [1, 3, 3], [1, 3, 3, 3]]
    assert dilations == [1, 3, 5]


@pytest.mark.parametrize("block", [SPP, SimSPPF, SPPCSPC, ASPP, RFB])
def test_a_pooling_block_takes_a_map_smaller_than_its_reach(block: type[nn.Module]) -> None:
    assert block(16, 24).eval()(torch.ones(1, 16, 2, 3)).shape == (1, 24, 2, 3)
