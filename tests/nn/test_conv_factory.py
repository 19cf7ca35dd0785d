"""What a block gets from the factory that it asks for its convolutions."""

from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory, Operator
from suite.nn.layers import init_trunc_normal, require_same_width
from suite.nn.operators import ConvShape
from suite.yaml.errors import SpecError
from tests.narrowing import opened, present


class Doubled(nn.Module):
    """Stands in for a convolution as users write it: seven arguments, and one option."""

    def __init__(self, in_channels, out_channels, kernel, stride, padding, dilation, groups, *, by):
        super().__init__()
        self.told = (in_channels, out_channels, kernel, stride, padding, dilation, groups)
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x * self.by
        return out


class Stubborn(nn.Module):
    """Cannot serve anywhere."""

    def __init__(self, *shape):
        raise ValueError("only on Sundays")


def test_a_factory_lists_what_it_was_asked_for() -> None:
    make = ConvFactory()

    make.conv_norm_act(3, 8, 3, stride=2)
    make.conv(8, 8, 3, dilation=2, groups=4)

    assert [asked.shape for asked in make.asked] == [
        ConvShape(3, 8, 3, 2, 1),
        ConvShape(8, 8, 3, 1, 2, 2, 4),
    ]


def test_the_plain_factory_remembers_nothing() -> None:
    PLAIN.conv(3, 8, 3)

    assert PLAIN.asked == []


def test_an_edit_takes_the_place_of_the_convolution_of_its_number() -> None:
    make = ConvFactory({1: Operator(Doubled, {"by": 2})})

    first, second = make.conv(8, 8), make.conv(8, 16, 3, 2)

    assert isinstance(first, nn.Conv2d)
    assert isinstance(second, Doubled)
    assert second.told == (8, 16, 3, 2, 1, 1, 1)


def test_an_operator_gets_the_bias_that_the_convolution_had() -> None:
    make = ConvFactory({0: Operator(Doubled, {"by": 2})})
    conv = opened(make.conv(4, 4, bias=True))
    with torch.no_grad():
        conv.bias.fill_(1)

    assert torch.equal(conv(torch.full((1, 4, 2, 2), 3.0)), torch.full((1, 4, 2, 2), 7.0))


def test_an_operator_that_cannot_serve_says_where() -> None:
    make = ConvFactory({0: Operator(Stubborn, {}, "mine.Stubborn", "backbone.0.conv")})

    message = "mine.Stubborn cannot take the place of backbone.0.conv: only on Sundays"
    with pytest.raises(SpecError, match=message):
        make.conv(4, 4)


def test_an_operator_of_another_shape_is_found_out_in_the_first_pass() -> None:
    make = ConvFactory({0: Operator(Doubled, {"by": 2}, "mine.Doubled", "backbone.0.conv")})
    conv = make.conv(4, 4, 3, 2)

    with make.watching(), pytest.raises(SpecError, match=r"gives 1x4x6x6 .* which gave 1x4x3x3"):
        conv(torch.zeros(1, 4, 6, 6))


def test_every_convolution_starts_in_the_context_of_its_number() -> None:
    begun = []

    @contextmanager
    def start(number: int):
        begun.append(number)
        yield

    make = ConvFactory(start=start)
    make.conv(3, 8)
    make.conv(8, 8)

    assert begun == [0, 1]


def test_patches_do_not_overlap() -> None:
    conv = PLAIN.patches(3, 8, 4)

    assert conv(torch.zeros(1, 3, 16, 24)).shape == (1, 8, 4, 6)
    assert conv.weight.shape == (8, 3, 4, 4)
    assert conv.bias is not None


def test_a_width_that_is_to_change_is_refused() -> None:
    with pytest.raises(ValueError, match="keeps its width, but has 16 channels in and 24 out"):
        require_same_width(16, 24)


def test_a_truncated_normal_start_is_narrow_and_without_bias() -> None:
    conv = nn.Conv2d(64, 64, 3)

    assert init_trunc_normal(conv) is conv
    assert conv.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not present(conv.bias).any()


def test_other_operators_keep_their_start() -> None:
    linear = nn.Linear(4, 4)
    before = linear.weight.clone()

    init_trunc_normal(linear)

    assert torch.equal(linear.weight, before)


def test_block_files_of_users_may_import_the_factory_by_its_earlier_name():
    from suite.nn import conv

    assert conv.Make is conv.ConvFactory
