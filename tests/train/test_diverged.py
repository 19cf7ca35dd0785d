"""What is said where numbers stop being finite."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from suite.train.diverged import TrainingDiverged, explain_gradient, explain_loss, first_not_finite

FINITE, BROKEN = torch.zeros(2), torch.tensor([0.0, torch.nan])


class Breaking(nn.Module):
    """Gives a number that is none."""

    def forward(self, x: Tensor) -> Tensor:
        return x / 0


def test_the_first_tensor_that_is_not_finite_is_named() -> None:
    named = [("a", FINITE), ("b", BROKEN), ("c", BROKEN)]

    assert first_not_finite(named) == "b"
    assert first_not_finite(named[:1]) == ""


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (None, "step 3: it broke; no checkpoint was kept yet"),
        (Path("x.json"), "step 3: it broke; the last good checkpoint is that of step 2, x.json"),
    ],
)
def test_divergence_says_whether_there_is_a_checkpoint(kept: Path | None, said: str) -> None:
    assert str(TrainingDiverged(3, "it broke", kept, 2)) == said


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([torch.nan, 0.0, torch.inf], "the box and class loss is not finite"),
        ([0.0, 0.0, 0.0], "the loss is not finite"),
    ],
)
def test_the_parts_of_a_loss_that_break_are_named(parts: list[float], said: str) -> None:
    model = nn.Sequential(nn.Identity())

    assert explain_loss(model, lambda: model(FINITE), parts) == f"{said}; all layers are"


def test_the_first_layer_whose_output_breaks_is_named() -> None:
    model = nn.Sequential(nn.Identity(), Breaking(), nn.Identity())

    said = explain_loss(model, lambda: model(FINITE), [torch.nan] * 3)

    assert said.endswith("the output of 1 is the first that is not finite")


def test_weights_that_break_are_named_before_any_output() -> None:
    layer = nn.Linear(2, 2)
    nn.init.constant_(layer.weight, torch.inf)
    model = nn.Sequential(layer)

    said = explain_loss(model, lambda: model(FINITE), [torch.nan] * 3)

    assert said.endswith("the weights of 0.weight are not finite")


def test_the_gradient_that_breaks_first_is_that_of_the_last_layer() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    for layer, value in zip(model, (torch.nan, torch.inf, 0.0), strict=True):
        layer.weight.grad = torch.full((2, 2), value)

    assert explain_gradient(model) == "the gradient of 1.weight is not finite"


def test_finite_gradients_may_have_a_norm_that_is_not() -> None:
    model = nn.Linear(1, 1)
    model.weight.grad = torch.full((1, 1), 1e38)

    assert explain_gradient(model) == "the norm of the gradient is not finite"
