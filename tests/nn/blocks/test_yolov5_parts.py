"""The small parts that YOLOv5's model files use: poolings with borders, Focus, joins, norms of their own."""

import pytest
import torch
from torch import nn

from suite.nn.blocks.batchnorm import BatchNorm
from suite.nn.blocks.csp import BottleneckCSP
from suite.nn.blocks.focus import Focus
from suite.nn.blocks.join import Join
from suite.nn.blocks.maxpool import MaxPool
from suite.nn.deploy import deploy
from suite.spec.library import Library
from tests.narrowing import opened, present

# parameters and GFLOPs at 640 x 640, twice the multiply-adds, of YOLOv5's files of these names
PUBLISHED = {
    "yolov3": (61_949_149, 155.891),
    "yolov3_spp": (62_998_749, 156.73),
    "yolov3_tiny": (8_852_366, 13.172),
    "yolov5l_bifpn": (46_825_853, 109.833),
    "yolov5l_fpn": (41_117_565, 99.766),
    "yolov5l_p2": (47_493_372, 125.555),
    "yolov5l_p6": (76_770_172, 111.235),
    "yolov5l_p7": (144_281_723, 115.867),
    "yolov5l_panet": (46_563_709, 108.994),
    "yolov5n6": (3_246_940, 4.559),
    "yolov5s6": (12_626_620, 16.797),
    "yolov5m6": (35_731_932, 49.912),
    "yolov5l6": (76_770_172, 111.235),
    "yolov5x6": (140_794_780, 209.565),
    "yolov5s_leakyrelu": (7_235_389, 16.434),
    "yolov5s_p34": (5_331_518, 14.914),
    "yolov5s_c3tr": (7_235_645, 16.597),
}


@pytest.mark.parametrize(
    ("name", "params", "gflops"), [(name, *both) for name, both in PUBLISHED.items()]
)
def test_a_shipped_file_promises_what_yolov5s_has(name: str, params: int, gflops: float) -> None:
    expect = Library().load(name).expect

    assert expect.params == params
    assert 2 * present(expect.gmacs) == pytest.approx(gflops, abs=1.1e-3)


def test_zeros_win_against_negative_values_and_padding_does_not() -> None:
    x = torch.full((1, 1, 2, 2), -1.0)

    bordered = MaxPool(1, kernel=2, stride=1, zeros=(0, 1, 0, 1))(x)
    padded = MaxPool(1, kernel=3, stride=1, padding=1)(x)

    assert bordered.tolist() == [[[[-1, 0], [0, 0]]]]
    assert padded.tolist() == [[[[-1, -1], [-1, -1]]]]


def test_focus_takes_the_pixels_of_a_square_column_by_column() -> None:
    block = opened(Focus(1, 4))
    block.mix = nn.Identity()  # what comes before the convolution
    x = torch.tensor([[[[0.0, 1], [2, 3]]]])

    assert block(x).flatten().tolist() == [0, 2, 1, 3]


def test_focus_is_a_convolution_of_twice_the_kernel_as_yolov5_v6_writes_it() -> None:
    focus = opened(Focus(3, 8, kernel=3))
    weight = focus.mix.conv.weight  # (8, 12, 3, 3): column, row and colour of a pixel in its square
    whole = weight.view(8, 2, 2, 3, 3, 3).permute(0, 3, 4, 2, 5, 1).reshape(8, 3, 6, 6)
    x = torch.rand(2, 3, 16, 16)

    expected = nn.functional.conv2d(x, whole, stride=2, padding=2)

    torch.testing.assert_close(
        focus.mix.conv(torch.cat(pixels_of(x), 1)), expected, atol=1e-5, rtol=0
    )


def test_bottleneck_csp_norms_both_halves_together_before_it_merges_them() -> None:
    torch.manual_seed(0)
    block, x = opened(BottleneckCSP(8, 12, repeat=2)).eval(), torch.rand(2, 8, 5, 6)
    with torch.no_grad():
        block.join.norm.running_mean.uniform_(-1, 1)
        block.join.norm.running_var.uniform_(0.5, 2)
    norm, hidden = block.join.norm, 6

    inner = block.reduce(x)
    for bottleneck in block.blocks:
        inner = inner + bottleneck.mix(bottleneck.reduce(inner))
    first = torch.einsum("oi,bihw->bohw", block.project.weight[:, :, 0, 0], inner)
    second = torch.einsum("oi,bihw->bohw", block.bypass.weight[:, :, 0, 0], x)
    normed = [
        (half - norm.running_mean[part, None, None])
        / (norm.running_var[part, None, None] + 1e-3).sqrt()
        for half, part in ((first, slice(hidden)), (second, slice(hidden, None)))
    ]
    joined = torch.cat([half * half.sigmoid() for half in normed], 1)

    torch.testing.assert_close(block(x), block.merge(joined))


def test_bottleneck_csp_has_the_parameters_of_its_formula() -> None:
    def conv(inside: int, outside: int, kernel: int = 1) -> int:
        return inside * outside * kernel**2 + 2 * outside

    inner = 2 * (conv(16, 16) + conv(16, 16, 3))
    expected = conv(24, 16) + 24 * 16 + 16 * 16 + 2 * 32 + conv(32, 32) + inner

    assert sum(p.numel() for p in BottleneckCSP(24, 32, repeat=2).parameters()) == expected


def test_a_join_gives_what_it_gets() -> None:
    x = torch.rand(2, 3, 4, 5)

    assert Join(3)(x) is x


def test_a_deployed_norm_is_one_multiplication_and_one_sum_a_channel() -> None:
    block = BatchNorm(4)
    with torch.no_grad():
        block(torch.rand(8, 4, 3, 3))
    x = torch.rand(2, 4, 3, 3)

    deployed = deploy(nn.Sequential(block.eval()))

    assert sum(p.numel() for p in deployed.parameters()) == 8
    torch.testing.assert_close(deployed(x), block(x))


def pixels_of(x: torch.Tensor) -> list[torch.Tensor]:
    return [x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]]
