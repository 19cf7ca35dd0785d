"""The short way to a norm's shape on the meta device."""

import pytest
import torch
from torch import nn

from suite.nn.shapes import Shapes

META = torch.device("meta")


@pytest.mark.parametrize("training", [True, False])
def test_a_batch_norm_keeps_the_shape_and_the_memory_format(training: bool) -> None:
    norm = nn.BatchNorm2d(8, device=META).train(training)
    x = torch.empty(2, 8, 5, 7, device=META).to(memory_format=torch.channels_last)

    with Shapes():
        out = norm(x)

    assert out.shape == x.shape
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_a_batch_norm_of_another_width_is_still_refused() -> None:
    with Shapes(), pytest.raises(RuntimeError, match="16"):
        nn.BatchNorm2d(8, device=META)(torch.empty(2, 16, 5, 7, device=META))


def test_numbers_are_computed_as_without_it() -> None:
    norm, x = nn.BatchNorm2d(8), torch.rand(2, 8, 5, 7)

    with Shapes():
        within = norm(x)

    assert torch.equal(within, norm(x))
