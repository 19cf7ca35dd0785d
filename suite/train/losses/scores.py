"""Losses of scores, before the sigmoid, against targets in [0, 1]: binary cross entropy, focal, varifocal."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from suite.spec.records.objective import Loss, ScoreKind
from suite.train.recipe import LossSettings

# scores and targets of one shape to losses of that shape
ScoreLoss = Callable[[Tensor, Tensor], Tensor]

GAMMA = 2.0  # of both papers
FOCAL_ALPHA = 0.25
VARIFOCAL_ALPHA = 0.75


@dataclass(frozen=True, slots=True)
class ScoreLosses:
    """The two of a network."""

    objectness: ScoreLoss
    classes: ScoreLoss


def score_losses(kinds: Loss, settings: LossSettings) -> ScoreLosses:
    """What the variant names, with the papers' numbers where it has none; the recipe's where it names nothing.

    A recipe with a `focal_gamma` means focal loss wherever it says cross entropy, as YOLOv5 does.
    """
    return ScoreLosses(
        _score_loss(
            kinds.objectness, kinds, settings.focal_gamma, settings.objectness_positive_weight
        ),
        _score_loss(kinds.classes, kinds, settings.focal_gamma, settings.classes_positive_weight),
    )


def _score_loss(
    kind: ScoreKind, kinds: Loss, focal_gamma: float, positive_weight: float
) -> ScoreLoss:
    gamma = GAMMA if kinds.gamma is None else kinds.gamma
    if kind == "varifocal":
        return partial(
            varifocal, gamma=gamma, alpha=VARIFOCAL_ALPHA if kinds.alpha is None else kinds.alpha
        )
    if kind == "focal":
        alpha = FOCAL_ALPHA if kinds.alpha is None else kinds.alpha
        return partial(focal, gamma=gamma, alpha=alpha, positive_weight=positive_weight)
    if focal_gamma:
        return partial(focal, gamma=focal_gamma, alpha=FOCAL_ALPHA, positive_weight=positive_weight)
    return partial(cross_entropy, positive_weight=positive_weight)


def cross_entropy(scores: Tensor, target: Tensor, *, positive_weight: float = 1.0) -> Tensor:
    """Binary cross entropy of each element."""
    weight = None if positive_weight == 1 else scores.new_tensor(positive_weight)
    return F.binary_cross_entropy_with_logits(scores, target, pos_weight=weight, reduction="none")


# torchvision.ops.sigmoid_focal_loss knows no weight of positives; without one it takes as long (0.97 times), but three
# scores in five differ by up to 1e-6, so that trainings would not repeat.
def focal(
    scores: Tensor, target: Tensor, *, gamma: float, alpha: float, positive_weight: float = 1.0
) -> Tensor:
    """Cross entropy times what is missed to the power gamma (arXiv 1708.02002, eq. 5), for targets between 0 and 1."""
    probability = scores.sigmoid()
    missed = target * (1 - probability) + (1 - target) * probability
    balance = target * alpha + (1 - target) * (1 - alpha)
    return cross_entropy(scores, target, positive_weight=positive_weight) * balance * missed**gamma


def varifocal(scores: Tensor, target: Tensor, *, gamma: float, alpha: float) -> Tensor:
    """Cross entropy times the target where there is one, else times alpha p^gamma (arXiv 2008.13367, eq. 2)."""
    weight = torch.where(target > 0, target, alpha * scores.sigmoid() ** gamma)
    return F.binary_cross_entropy_with_logits(scores, target, reduction="none") * weight
