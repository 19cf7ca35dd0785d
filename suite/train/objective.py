"""What a variant is trained towards: the loss that its head, its assigner and its recipe make together."""

from collections.abc import Callable, Sequence

from torch import Tensor

from suite.nn.heads import AnchorFreeHead, Head
from suite.nn.heads.anchor import AnchorHead
from suite.spec.variant import Variant
from suite.train.assign import Priors
from suite.train.loss import DetectionLoss
from suite.train.recipe import LossSettings
from suite.train.simota_loss import SimOtaLoss

Objective = Callable[[Sequence[Tensor], Tensor], tuple[Tensor, Tensor]]  # raw maps, targets: total, parts


def objective(head: Head, variant: Variant, settings: LossSettings) -> Objective:
    """The loss of raw maps and targets; `check` has refused a head and an assigner that do not go together."""
    if variant.assigner.name == "simota":
        assert isinstance(head, AnchorFreeHead)
        return SimOtaLoss(head.predictions, variant.assigner, settings, variant.loss)
    assert isinstance(head, AnchorHead)
    return DetectionLoss(Priors(head.anchors, head.strides), settings, variant.loss)
