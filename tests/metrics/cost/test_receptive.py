"""Receptive fields against brute force: change one column of the image and look which columns of a map change."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.metrics.cost.trace import trace
from suite.nn.blocks.carafe import CARAFE
from suite.nn.blocks.focus import Focus
from suite.nn.blocks.sppf import SPPF
from suite.nn.layers import SqueezeExcite

SIDE = 48
CHANNELS = 4


class Join(nn.Module):
    """The sum or the concatenation of several paths."""

    def __init__(self, *paths: nn.Module, how: str = "sum") -> None:
        super().__init__()
        self.paths, self.how = nn.ModuleList(paths), how

    def forward(self, x: Tensor) -> Tensor:
        outs = [path(x) for path in self.paths]
        return torch.cat(outs, 1) if self.how == "cat" else sum(outs[1:], outs[0])


class Call(nn.Module):
    """A function made a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.function(x)
        return out


def conv(kernel=3, stride=1, padding=0, dilation=1, channels=CHANNELS) -> nn.Conv2d:
    return nn.Conv2d(channels, CHANNELS, kernel, stride, padding, dilation)


def shuffle(x: Tensor) -> Tensor:
    """Channels of two groups, interleaved."""
    shape = x.shape
    return x.view(shape[0], 2, shape[1] // 2, *shape[2:]).transpose(1, 2).reshape(shape)


def linear(x: Tensor) -> Tensor:
    """A 1x1 convolution as a product over flattened places."""
    rows = x.flatten(2).transpose(1, 2)
    return (rows @ torch.ones(CHANNELS, CHANNELS)).transpose(1, 2).reshape(x.shape)


def neighbours(x: Tensor) -> Tensor:
    """The sum of 5 x 5 neighbours, each weighed by a kernel of the place's own."""
    values = F.unfold(x, 5, padding=2).view(len(x), CHANNELS, 25, -1)
    kernels = x[:, :1].flatten(2).unsqueeze(2).expand(-1, -1, 25, -1)
    return (values * kernels).sum(2).view(x.shape)


DOUBLE = nn.Upsample(scale_factor=2)
NETS = {
    "a convolution": conv(5, 1, 2),
    "strides, paddings and dilations": nn.Sequential(conv(3, 2, 1), conv(5, 1, 0, 2), conv(3, 3, 1), conv(2, 1)),
    "a kernel that is not square": nn.Sequential(conv((3, 7), (1, 2), (0, 1)), conv((5, 1))),
    "pooling": nn.Sequential(nn.MaxPool2d(5, 1, 2), conv(3, 2), nn.AvgPool2d(2), nn.MaxPool2d(3, 2, 1)),
    "paths whose centres differ": Join(
        conv(5, 2, 2), nn.Sequential(nn.ZeroPad2d((3, 0, 1, 0)), conv(3, 2), nn.ZeroPad2d((0, -1, 0, 0))), conv(2, 2)
    ),
    "nearest enlarging": nn.Sequential(conv(3, 2, 1), nn.Upsample(scale_factor=2), conv(3, 1, 1)),
    "enlarging twice beside a straight path": Join(
        nn.Sequential(conv(3, 2, 1), conv(3, 2, 1), nn.Upsample(scale_factor=2), conv(3, 1, 1), conv(1), DOUBLE),
        conv(7, 1, 3),
        how="cat",
    ),
    "enlarging and reducing again": nn.Sequential(conv(3, 4, 1), nn.Upsample(scale_factor=4), conv(3), conv(3, 2)),
    "bilinear enlarging": nn.Sequential(conv(3, 2, 1), nn.Upsample(scale_factor=2, mode="bilinear"), conv(3)),
    "a transposed convolution": nn.Sequential(
        conv(3, 2, 1), nn.ConvTranspose2d(CHANNELS, CHANNELS, 4, 2, 1), conv(3, 2)
    ),
    "a transposed convolution without overlap": nn.Sequential(
        conv(3, 3, 1), nn.ConvTranspose2d(CHANNELS, CHANNELS, 2, 2), conv(3)
    ),
    "pixels into channels and back": nn.Sequential(
        nn.PixelUnshuffle(2), conv(3, 1, 1, channels=4 * CHANNELS), nn.PixelShuffle(2)
    ),
    "every second pixel": Call(lambda x: F.avg_pool2d(x[:, :, 1::2, 3::2], 3, 1)),
    "focus": Focus(CHANNELS, CHANNELS, kernel=3),
    "a shift by padding": Call(lambda x: F.pad(x, (3, 0, 0, 2)) [..., :SIDE, :SIDE] + x),
    "parts along the width": Call(lambda x: sum(F.avg_pool2d(x, (1, 3), 1, (0, 1)).split(SIDE // 2, 3))),
    "channels shuffled": nn.Sequential(conv(3), Call(shuffle), conv(3)),
    "places flattened": nn.Sequential(conv(3, 2), Call(linear), conv(3)),
    "norm over channels": nn.Sequential(
        conv(3), Call(lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (CHANNELS,)).permute(0, 3, 1, 2)), conv(3)
    ),
    "means over channels as a gate": Call(lambda x: x * F.avg_pool2d(x.mean(1, keepdim=True), 7, 1, 3)),
    "neighbours weighed by the place": nn.Sequential(conv(3, 2, 1), Call(neighbours)),
    "content-aware reassembly": CARAFE(CHANNELS, kernel=3, hidden=8),
    "SPPF": SPPF(CHANNELS, CHANNELS),
}  # fmt: skip


def positive(net: nn.Module) -> nn.Module:
    """With weights at which nothing cancels: whatever can be seen makes a difference."""
    torch.manual_seed(0)
    for parameter in net.parameters():
        parameter.data = torch.rand_like(parameter) + 0.1
    return net.double().eval()


def changed_columns(net: nn.Module) -> list[set[int]]:
    """For each column of the map, the columns of the image that it depends on."""
    torch.manual_seed(1)
    image = torch.rand(1, CHANNELS, SIDE, SIDE)
    others = image.repeat(SIDE, 1, 1, 1)
    for column in range(SIDE):
        others[column, ..., column] += 3
    with torch.no_grad():
        # image, column of the map
        different = ((net(others) - net(image)).abs() > 1e-9).flatten(1, 2).any(1)
    return [
        set(different[:, place].nonzero().flatten().tolist()) for place in range(different.shape[1])
    ]


@pytest.mark.parametrize("name", NETS)
def test_every_column_sees_what_brute_force_finds(name):
    torch.set_default_dtype(torch.double)
    try:
        net = positive(NETS[name])
        found = changed_columns(net)
        (reach,) = trace(net, torch.rand(1, CHANNELS, SIDE, SIDE), follow=True).reaches[""]
    finally:
        torch.set_default_dtype(torch.float)

    assert reach.columns is not None
    assert reach.whole is None
    inside = [
        u
        for u in range(len(found))
        if reach.columns.at(u)[0] >= 0 and reach.columns.at(u)[1] < SIDE
    ]
    assert len(inside) >= 3
    assert [(min(found[u]), max(found[u])) for u in inside] == [reach.columns.at(u) for u in inside]


def field(net: nn.Module, shape=(1, CHANNELS, SIDE, SIDE)):
    (reach,) = trace(net.eval().to("meta"), torch.empty(shape, device="meta"), follow=True).reaches[
        ""
    ]
    return reach


def test_a_chain_has_the_published_formulas_size():
    kernels, strides = (3, 5, 3, 2), (2, 1, 3, 1)
    net = nn.Sequential(*(conv(k, s, 0) for k, s in zip(kernels, strides, strict=True)))

    size, product = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        size += (kernel - 1) * product
        product *= stride
    assert field(net).pixels == size


def test_rows_and_columns_are_told_apart():
    reach = field(conv((3, 7)))

    assert (reach.rows.pixels, reach.columns.pixels, reach.pixels) == (3, 7, 7)


class Attention(nn.Module):
    """Self-attention over all places, added to the map."""

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(2).transpose(1, 2)
        return x + F.scaled_dot_product_attention(rows, rows, rows).transpose(1, 2).reshape(x.shape)


@pytest.mark.parametrize(
    "net",
    [
        SqueezeExcite(CHANNELS, 2),
        Attention(),
        Call(lambda x: x * x.flatten(2).softmax(2).view(x.shape)),
        nn.GroupNorm(2, CHANNELS),
        nn.InstanceNorm2d(CHANNELS),
        Call(lambda x: x + x.mean()),
        Call(lambda x: F.grid_sample(x, x[:, :2].permute(0, 2, 3, 1), align_corners=False)),
    ],
    ids=[
        "squeeze and excite",
        "attention",
        "softmax",
        "group norm",
        "instance norm",
        "mean",
        "sampling",
    ],
)
def test_what_reads_everything_sees_the_whole_image_beside_its_local_field(net):
    reach = field(nn.Sequential(conv(5, 1, 2), net))

    assert reach.whole == ""
    assert reach.pixels == 5


def test_a_global_mean_alone_has_no_field_of_its_own():
    reach = field(nn.Sequential(conv(3), nn.AdaptiveAvgPool2d(1)))

    assert (reach.pixels, reach.whole) == (None, "")


def test_what_cannot_be_followed_is_taken_for_the_whole_image():
    reach = field(
        Call(lambda x: x.view(1, CHANNELS, SIDE // 8, 8, SIDE).transpose(2, 3).reshape(x.shape))
    )

    assert (reach.pixels, reach.whole) == (None, "")
