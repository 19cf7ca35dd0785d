"""The losses of scores against their papers' formulas, number by number in plain Python."""

import math

import pytest
import torch
from torch import Tensor

from suite.spec.records.objective import Loss, ScoreKind
from suite.train.losses.assign import Priors
from suite.train.losses.loss import DetectionLoss
from suite.train.losses.scores import ScoreLoss, score_losses
from suite.train.recipe import LossSettings

SCORES = (-6.0, -2.5, -0.3, 0.0, 0.7, 3.0, 5.5)
TARGETS = (0.0, 0.2, 0.5, 0.9, 1.0)
GRID = [(score, target) for score in SCORES for target in TARGETS]


def loss_of(kinds: Loss, settings: LossSettings | None = None) -> ScoreLoss:
    return score_losses(kinds, settings or LossSettings()).objectness


def values(loss: ScoreLoss) -> list[float]:
    scores, targets = torch.tensor(GRID, dtype=torch.float64).unbind(1)
    return loss(scores, targets).tolist()


def entropy(score: float, target: float) -> float:
    p = 1 / (1 + math.exp(-score))
    return -target * math.log(p) - (1 - target) * math.log(1 - p)


def focal(score: float, target: float, gamma: float, alpha: float) -> float:
    """The paper's, for a positive and for a negative, mixed as the target says."""
    p = 1 / (1 + math.exp(-score))
    missed = target * (1 - p) + (1 - target) * p
    number: float = (
        (target * alpha + (1 - target) * (1 - alpha)) * missed**gamma * entropy(score, target)
    )
    return number


def varifocal(score: float, target: float, gamma: float, alpha: float) -> float:
    p = 1 / (1 + math.exp(-score))
    return target * entropy(score, target) if target > 0 else -alpha * p**gamma * math.log(1 - p)


def test_cross_entropy_is_the_default() -> None:
    assert values(loss_of(Loss())) == pytest.approx([entropy(*pair) for pair in GRID])


def test_focal_has_the_papers_numbers() -> None:
    found = values(loss_of(Loss(objectness="focal")))

    assert found == pytest.approx([focal(*pair, gamma=2, alpha=0.25) for pair in GRID])


def test_varifocal_has_the_papers_numbers() -> None:
    found = values(loss_of(Loss(objectness="varifocal")))

    assert found == pytest.approx([varifocal(*pair, gamma=2, alpha=0.75) for pair in GRID])


@pytest.mark.parametrize(("kind", "formula"), [("focal", focal), ("varifocal", varifocal)])
def test_a_variants_own_numbers_are_used(kind: ScoreKind, formula) -> None:
    found = values(loss_of(Loss(objectness=kind, gamma=1.5, alpha=0.4)))

    assert found == pytest.approx([formula(*pair, gamma=1.5, alpha=0.4) for pair in GRID])


def test_focal_without_focus_is_a_quarter_of_the_entropy_of_positives() -> None:
    loss = loss_of(Loss(objectness="focal", gamma=0))

    assert loss(torch.tensor([0.7]), torch.ones(1)).item() == pytest.approx(entropy(0.7, 1) / 4)


@pytest.mark.parametrize("kind", ["bce", "focal", "varifocal"])
@pytest.mark.parametrize(("score", "target"), [(40.0, 1.0), (-40.0, 0.0)])
def test_a_sure_and_right_score_costs_nothing(kind: ScoreKind, score: float, target: float) -> None:
    loss = loss_of(Loss(objectness=kind))

    assert loss(torch.tensor([score]), torch.tensor([target])).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", ["bce", "focal", "varifocal"])
def test_gradients_agree_with_finite_differences(kind: ScoreKind) -> None:
    scores, targets = torch.tensor(GRID, dtype=torch.float64).unbind(1)
    loss = loss_of(Loss(objectness=kind))

    assert torch.autograd.gradcheck(lambda s: loss(s, targets), scores.clone().requires_grad_())


def test_a_recipe_with_a_focal_gamma_means_cross_entropy_only() -> None:
    recipe = LossSettings(focal_gamma=1.5)

    assert values(loss_of(Loss(), recipe)) == pytest.approx(
        [focal(*pair, gamma=1.5, alpha=0.25) for pair in GRID]
    )
    assert values(loss_of(Loss(objectness="varifocal"), recipe)) == values(
        loss_of(Loss(objectness="varifocal"))
    )


def test_objectness_and_classes_have_losses_of_their_own() -> None:
    both = score_losses(Loss(classes="focal"), LossSettings())

    assert values(both.objectness) == pytest.approx([entropy(*pair) for pair in GRID])
    assert values(both.classes) == pytest.approx(
        [focal(*pair, gamma=2, alpha=0.25) for pair in GRID]
    )


def class_part(kinds: Loss, smooth: float = 0.0) -> float:
    """Of a box on the corner of four cells, for which the last answers, half a cell off, of twice its height."""
    priors = Priors(torch.tensor([[[16.0, 16.0]]]), (8,))
    settings = LossSettings(classes=1, label_smoothing=smooth, scale_gains=False)
    target = torch.tensor([[0, 1, 0.5, 0.5, 1, 0.5]])
    raw: list[Tensor] = [torch.zeros(1, 1, 2, 2, 7)]
    return DetectionLoss(priors, settings, kinds)(raw, target)[1][2].item()


def test_varifocal_classes_learn_how_well_the_box_fits() -> None:
    found = class_part(Loss(box="iou", classes="varifocal"))

    # boxes of 2 x 2 and 2 x 1 cells, half a cell apart both ways
    fits = 1.5 * 1 / (2 * 2 + 2 * 1 - 1.5 * 1)
    assert found == pytest.approx((fits * math.log(2) + 0.75 * 0.5**2 * math.log(2)) / 2)


def test_label_smoothing_is_not_varifocals() -> None:
    assert class_part(Loss(classes="varifocal"), smooth=0.2) == class_part(
        Loss(classes="varifocal")
    )
    # at score 0 the target does not matter
    assert class_part(Loss(), smooth=0.2) == pytest.approx(class_part(Loss()))
