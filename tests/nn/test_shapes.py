"""The short way to shapes gives what torch gives, and fails where torch fails."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from suite.nn.shapes import Shapes, run

ATEN = torch.ops.aten
Pass = Callable[[Tensor], Tensor]
PASSES: dict[str, Pass] = {
    "convolution": lambda x: functional.conv2d(x, x.new_empty(6, 4, 3, 3), stride=2, padding=1),
    "grouped convolution": lambda x: functional.conv2d(
        x, x.new_empty(8, 1, 3, 3), groups=4, dilation=2
    ),
    "norm in training": lambda x: nn.BatchNorm2d(4, device="meta").train()(x),
    "norm in evaluation": lambda x: nn.BatchNorm2d(4, device="meta").eval()(x),
    "norm of channels last": lambda x: nn.BatchNorm2d(4, device="meta")(
        x.to(memory_format=torch.channels_last)
    ),
    "activation": functional.silu,
    "activation in place": lambda x: functional.silu(x.clone(), inplace=True),
    "sum with broadcasting": lambda x: x + x.new_empty(1, 4, 1, 1),
    "sum in place": lambda x: x.clone().add_(x.new_empty(4, 1, 1)),
    "concatenation": lambda x: torch.cat((x, x, x.new_empty(2, 1, 8, 12)), 1),
    "chunks": lambda x: x.chunk(2, 1)[1],
    "transposition in place": lambda x: x.clone().transpose_(1, 3),
    "views": lambda x: x.flatten(2).transpose(1, 2).reshape(2, 12, 32),
    "matrix product": lambda x: x.flatten(2) @ x.flatten(2).mT,
    "pooling": lambda x: functional.max_pool2d(x, 5, 1, 2),
    "comparison": lambda x: (x > 1).any(1),
    "whole numbers": lambda x: x.argmax(1) * 2,
    "power of a whole number and of a fraction": lambda x: (x**2).to(torch.int32) ** 2.0 + 1,
    "constant": lambda x: torch.ones_like(x, dtype=torch.float64) * torch.arange(12, device="meta"),
}


def image() -> Tensor:
    return torch.empty(2, 4, 8, 12, device="meta")


@pytest.mark.parametrize("name", PASSES)
def test_the_short_way_arrives_at_torchs_shape_memory_order_and_type(name: str) -> None:
    expected = PASSES[name](image())

    with Shapes():
        found = [PASSES[name](image()) for _ in range(2)]  # asked, and remembered

    for actual in found:
        assert (actual.shape, actual.stride(), actual.dtype) == (
            expected.shape,
            expected.stride(),
            expected.dtype,
        )
        assert actual.is_meta


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: functional.conv2d(x, x.new_empty(6, 5, 3, 3)),
        lambda x: nn.BatchNorm2d(5, device="meta")(x),
        lambda x: x.add_(x.new_empty(5, 1, 1)),
        lambda x: torch.cat((x, x[:, :, 1:]), 1),
    ],
)
def test_what_does_not_fit_is_an_error_the_short_way_too(wrong: Pass) -> None:
    with pytest.raises((RuntimeError, ValueError)), Shapes():
        wrong(image())


def test_what_changes_in_place_is_the_same_tensor() -> None:
    with Shapes():
        x = image()

        assert x.relu_() is x


def test_a_view_still_shares_the_storage_of_what_it_views() -> None:
    with Shapes():
        x = image()
        view = x.view(-1)

    assert view.untyped_storage()._cdata == x.untyped_storage()._cdata


def test_numbers_of_other_types_are_other_questions() -> None:
    x = torch.empty(3, dtype=torch.int64, device="meta")

    with Shapes():
        kinds = [(x * number).dtype for number in (1, 1.0, True)]

    assert kinds == [torch.int64, torch.float32, torch.int64]


def test_what_is_not_on_the_meta_device_is_computed() -> None:
    with Shapes():
        assert torch.equal(torch.tensor([1.0, 2.0]) + 1, torch.tensor([2.0, 3.0]))


def test_a_convolution_comes_with_its_multiply_adds() -> None:
    """(8 / 2) * (12 / 2) outputs a channel, 6 channels, 4 * 9 products each, 2 images."""
    x, weight = image(), torch.empty(6, 4, 3, 3, device="meta")

    _, macs = run(
        ATEN.convolution.default, (x, weight, None, [2, 2], [1, 1], [1, 1], False, [0, 0], 1), {}
    )

    assert macs == 2 * 4 * 6 * 6 * 4 * 9


def test_an_operator_without_a_formula_has_no_multiply_adds() -> None:
    assert run(ATEN.silu.default, (image(),), {})[1] is None
