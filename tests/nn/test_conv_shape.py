"""The shape that operators are told, and the constructor that unpacks it from seven arguments."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from suite.nn.operators import ConvShape, takes_place_of_conv
from suite.spec.blocks.signatures import classes_of, signature_in

SHAPES = [
    ConvShape(4, 6),
    ConvShape(4, 6, 3, 2, 1),
    ConvShape(4, 8, 5, 3, 4, 2, 4),
    ConvShape(4, 4, 6, 2, 2),
]
SOURCE = """
class Gate(nn.Module):
    @takes_place_of_conv()
    def __init__(self, shape: ConvShape, *, kernels: int = 4, act: str = "relu") -> None:
        super().__init__()
"""


class Plain(nn.Module):
    """The convolution itself, with what it was told."""

    @takes_place_of_conv(kernel=3, padding=1)
    def __init__(self, shape: ConvShape, *, bias: bool = False) -> None:
        super().__init__()
        self.shape = shape
        self.conv = shape.conv(bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


@pytest.mark.parametrize("shape", SHAPES)
def test_the_side_is_that_of_torchs_convolution(shape: ConvShape) -> None:
    for pixels in (16, 17, 23):
        out = shape.conv()(torch.zeros(1, shape.in_channels, pixels, pixels))

        assert out.shape[2:] == (shape.side(pixels), shape.side(pixels))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_weight_is_that_of_torchs_convolution(shape: ConvShape) -> None:
    assert shape.conv().weight.shape == shape.weight


@pytest.mark.parametrize(("kernel", "dilation", "padding"), [(1, 1, 0), (3, 1, 1), (3, 2, 2)])
def test_same_padding_keeps_the_side(kernel: int, dilation: int, padding: int) -> None:
    shape = ConvShape(1, 1, kernel, 1, padding, dilation)

    assert shape.same_padding == padding
    assert shape.side(10) == 10


def test_an_operator_is_called_with_the_seven_numbers_of_a_convolution() -> None:
    assert Plain(8, 16, 5, 2, 2, 1, 4).shape == ConvShape(8, 16, 5, 2, 2, 1, 4)


def test_an_operator_takes_them_by_name_too() -> None:
    assert Plain(8, 16, groups=4, kernel=1, padding=0).shape == ConvShape(8, 16, 1, groups=4)


def test_an_operator_states_its_own_kernel_and_padding() -> None:
    assert Plain(8, 16).shape == ConvShape(8, 16, 3, 1, 1)


def test_options_follow_by_name() -> None:
    assert Plain(8, 16, bias=True).conv.bias is not None


def test_an_option_that_is_not_there_is_named() -> None:
    with pytest.raises(TypeError, match="'bais'"):
        Plain(8, 16, bais=True)


def test_a_shape_in_the_source_says_operator() -> None:
    signature = signature_in(classes_of(SOURCE, "gate.py"), "gate.Gate", "block", Path(__file__))

    assert signature.kind == "operator"
    assert signature.options == {"kernels": 4, "act": "relu"}
    assert signature.takes_out
    assert not signature.multi_input


def test_seven_arguments_in_the_source_say_the_same() -> None:
    spelt = SOURCE.replace("    @takes_place_of_conv()\n", "").replace(
        "shape: ConvShape",
        "in_channels: int, out_channels: int, kernel: int, stride: int, "
        "padding: int, dilation: int, groups: int",
    )
    signatures = [
        signature_in(classes_of(source, "gate.py"), "gate.Gate", "block", Path(__file__))
        for source in (SOURCE, spelt)
    ]

    assert signatures[0].kind == signatures[1].kind == "operator"
    assert signatures[0].options == signatures[1].options
    assert signatures[0].types == signatures[1].types
