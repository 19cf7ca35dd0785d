"""Blocks that take the place of C3 or of a convolution layer, written out by their formulas."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.blocks.bot3 import BoT3, RelativeAttention
from suite.nn.blocks.c2f import C2f
from suite.nn.blocks.c3convnext import C3ConvNeXt
from suite.nn.blocks.c3tr import C3TR, TransformerLayer
from suite.nn.blocks.c3x import C3x
from suite.nn.blocks.gsconv import GSConv, VoVGSCSP
from suite.nn.conv import ConvFactory
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.spec.library import Library
from tests.narrowing import opened
from tests.nn.blocks.shaken import shaken


def image(*shape: int) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(*shape, dtype=torch.float64)


def silu(x: Tensor) -> Tensor:
    return x / (1 + (-x).exp())


def layer(part: Any, x: Tensor) -> Tensor:
    """Convolution and norm of a ConvNormAct by formula, without the activation."""
    conv, norm = part.conv, part.norm
    half = [size // 2 for size in conv.kernel_size]
    out = F.conv2d(x, conv.weight, None, conv.stride, half, 1, conv.groups)
    scale = norm.weight / (norm.running_var + 1e-3).sqrt()
    result: Tensor = (out - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[
        :, None, None
    ]
    return result


def framed(block: Any, x: Tensor, inner: Tensor) -> Tensor:
    """The end of C3, given what came out of its inside."""
    return silu(layer(block.merge, torch.cat((inner, silu(layer(block.bypass, x))), 1)))


@pytest.mark.parametrize("shortcut", [True, False])
def test_c2f_merges_the_two_halves_and_every_bottleneck(shortcut: bool) -> None:
    block, x = shaken(C2f(6, 8, repeat=2, shortcut=shortcut)), image(2, 6, 5, 5)
    first, second = silu(layer(block.part, x)).split((4, 4), 1)
    maps = [first, second]
    for bottleneck in block.blocks:
        out = silu(layer(bottleneck.mix, silu(layer(bottleneck.reduce, maps[-1]))))
        maps.append(out + maps[-1] if shortcut else out)

    expected = silu(layer(block.merge, torch.cat(maps, 1)))

    torch.testing.assert_close(block(x), expected)
    assert [part.conv.kernel_size for part in (block.blocks[0].reduce, block.blocks[0].mix)] == [
        (3, 3),
        (3, 3),
    ]


@pytest.mark.parametrize("shortcut", [True, False])
def test_c3x_convolves_across_then_down(shortcut: bool) -> None:
    block, x = shaken(C3x(6, 8, repeat=2, shortcut=shortcut)), image(2, 6, 5, 5)
    inner = silu(layer(block.reduce, x))
    for crossed in block.blocks:
        out = silu(layer(crossed.down, silu(layer(crossed.across, inner))))
        inner = inner + out if shortcut else out

    torch.testing.assert_close(block(x), framed(block, x, inner))
    assert [c.conv.kernel_size for c in (block.blocks[0].across, block.blocks[0].down)] == [
        (1, 3),
        (3, 1),
    ]


def test_a_transformer_layer_is_torchs_attention_behind_another_projection() -> None:
    ours, tokens = shaken(TransformerLayer(8, heads=2)), image(3, 5, 8)
    theirs = nn.MultiheadAttention(8, 2, batch_first=True).double()
    theirs.load_state_dict(
        {
            "in_proj_weight": torch.cat([inner.weight for inner in ours.inner]),
            "in_proj_bias": torch.cat([inner.bias for inner in ours.inner]),
            "out_proj.weight": ours.project.weight,
            "out_proj.bias": ours.project.bias,
        }
    )

    attended, _ = theirs(*(F.linear(tokens, outer.weight) for outer in ours.outer))
    expected = tokens + attended
    expected = expected + F.linear(F.linear(expected, ours.widen.weight), ours.narrow.weight)

    torch.testing.assert_close(ours(tokens), expected)


def test_c3tr_adds_a_projection_and_reads_all_places() -> None:
    block, x = shaken(C3TR(6, 16, repeat=2)), image(2, 6, 4, 5)
    inner = silu(layer(block.reduce, x))
    tokens = torch.stack([inner[:, :, i, j] for i in range(4) for j in range(5)], 1)
    tokens = tokens + F.linear(tokens, block.blocks.position.weight, block.blocks.position.bias)
    for part in block.blocks.layers:
        tokens = part(tokens)
    inner = torch.stack([tokens[:, i] for i in range(20)], 2).view(2, 8, 4, 5)

    torch.testing.assert_close(block(x), framed(block, x, inner))


def test_yolov5s_with_c3tr_has_the_size_of_yolov5s_transformer() -> None:
    model = build(Library().load("yolov5s_c3tr"), device="meta")

    sizes = [sum(p.numel() for p in form.parameters()) for form in (model, deploy(model))]

    # of YOLOv5's own file, as trained and with its norms folded
    assert sizes == [7_235_645, 7_226_653]


@pytest.mark.parametrize("reach", [2, 9])
def test_relative_attention_weighs_content_and_distance(reach: int) -> None:
    block, x = (
        shaken(RelativeAttention(6, make=ConvFactory(), heads=2, reach=reach)),
        image(1, 6, 3, 4),
    )
    # heads, width, H, W
    query, key, value = F.conv2d(x, block.project.weight)[0].view(3, 2, 3, 3, 4)
    places = [(i, j) for i in range(3) for j in range(4)]

    attended = torch.zeros(6, 3, 4, dtype=x.dtype)
    for head in range(2):
        for i, j in places:
            logits = []
            for y, z in places:
                down = block.down[max(min(y - i, reach - 1), 1 - reach) + reach - 1]
                right = block.right[max(min(z - j, reach - 1), 1 - reach) + reach - 1]
                logits.append(
                    query[head, :, i, j] @ (key[head, :, y, z] + down + right) / math.sqrt(3)
                )
            shares = torch.stack(logits).exp()
            shares = shares / shares.sum()
            for share, (y, z) in zip(shares, places, strict=True):
                attended[3 * head : 3 * head + 3, i, j] += share * value[head, :, y, z]
    norm = block.norm
    scale = norm.weight / (norm.running_var + 1e-3).sqrt()
    expected = ((attended.permute(1, 2, 0) - norm.running_mean) * scale + norm.bias).permute(
        2, 0, 1
    )[None]

    torch.testing.assert_close(block(x), expected)
    torch.testing.assert_close(block.deployed()(x), expected, rtol=1e-9, atol=1e-12)


def test_bot3_puts_the_attention_between_two_1x1_and_adds_the_input() -> None:
    block, x = shaken(BoT3(6, 32, repeat=2)), image(2, 6, 4, 5)
    inner = silu(layer(block.reduce, x))
    for bottleneck in block.blocks:
        hidden = silu(bottleneck.attention(silu(layer(bottleneck.reduce, inner))))
        inner = silu(inner + layer(bottleneck.expand, hidden))

    torch.testing.assert_close(block(x), framed(block, x, inner))


def test_a_transformer_refuses_a_width_that_its_heads_cannot_part() -> None:
    with pytest.raises(ValueError, match="16 channels cannot be parted into 3 heads"):
        C3TR(8, 32, heads=3)


@pytest.mark.parametrize(("width", "hidden"), [(256, 64), (40, 8), (8, 4)])
def test_the_attention_of_bot3_has_a_quarter_of_the_width_in_whole_heads(
    width: int, hidden: int
) -> None:
    block = opened(BoT3(8, 2 * width))

    assert block.blocks[0].reduce.conv.out_channels == hidden


@pytest.mark.parametrize("stride", [1, 2])
def test_gsconv_makes_half_of_its_channels_cheaply_and_shuffles(stride: int) -> None:
    block, x = shaken(GSConv(3, 8, kernel=3, stride=stride)), image(2, 3, 6, 6)
    dense = silu(layer(block.primary, x))
    cheap = silu(layer(block.cheap, dense))
    both = [*dense.unbind(1), *cheap.unbind(1)]

    expected = torch.stack([both[c] for c in (0, 2, 4, 6, 1, 3, 5, 7)], 1)

    torch.testing.assert_close(block(x), expected)
    assert block.cheap.conv.kernel_size == (5, 5)
    assert block.cheap.conv.groups == 4


def test_vovgscsp_adds_a_1x1_to_two_gsconvs() -> None:
    block, x = shaken(VoVGSCSP(6, 8, repeat=2)), image(2, 6, 5, 5)
    inner = silu(layer(block.reduce, x))
    for bottleneck in block.blocks:
        inner = bottleneck.second(bottleneck.first(inner)) + layer(bottleneck.bypass, inner)

    torch.testing.assert_close(block(x), framed(block, x, inner))


def test_gsconv_refuses_an_odd_width() -> None:
    with pytest.raises(ValueError, match="its width must be even"):
        GSConv(4, 5)


def test_c3convnext_is_a_chain_of_convnext_blocks_in_the_frame_of_c3() -> None:
    block, x = shaken(C3ConvNeXt(6, 8, repeat=2, kernel=3)), image(2, 6, 5, 5)
    inner = silu(layer(block.reduce, x))
    for convnext in block.blocks:
        inner = convnext(inner)

    torch.testing.assert_close(block(x), framed(block, x, inner))
    assert [b.mix.kernel_size for b in block.blocks] == [(3, 3), (3, 3)]
