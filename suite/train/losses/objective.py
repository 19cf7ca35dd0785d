"""What a variant is trained towards: the loss that its head, its assigner and its recipe make together."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from torch import Tensor

from suite.nn.heads import AnchorFreeHead, Head
from suite.nn.heads.anchor import AnchorHead
from suite.spec.records.variant import Variant
from suite.train.losses.assign import Priors
from suite.train.losses.loss import DetectionLoss
from suite.train.losses.simota_loss import SimOtaLoss
from suite.train.process_group import SINGLE, ProcessGroup
from suite.train.recipe import LossSettings


class Objective(Protocol):
    """A loss of raw maps, with what it remembers from call to call."""

    def __call__(self, raw: Sequence[Tensor], targets: Tensor) -> tuple[Tensor, Tensor]:
        """The total to differentiate, and the parts (3,) without gradient: box, objectness, classes."""
        ...

    def state(self) -> dict[str, Tensor]:
        """What the calls until now have left behind."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        ...


def objective(
    head: Head, variant: Variant, settings: LossSettings, group: ProcessGroup = SINGLE
) -> Objective:
    """The loss of raw maps and targets; `check` has refused a head and an assigner that do not go together.

    In a `group` each process is given its share of a batch, and its loss is its share of the whole batch's: the sum of
    the totals over the processes is the total of one process that is given the whole batch.
    """
    if variant.assigner.name == "simota":
        assert isinstance(head, AnchorFreeHead)
        return SimOtaLoss(head.predictions, variant.assigner, settings, variant.loss, group)
    assert isinstance(head, AnchorHead)
    return DetectionLoss(Priors(head.anchors, head.strides), settings, variant.loss, group)
