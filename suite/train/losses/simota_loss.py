"""YOLOX's loss on raw maps, with SimOTA as its assigner (arXiv 2107.08430).

What a variant's `loss` says takes the place of the box loss and of the two losses of scores.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from suite.nn.heads import Predictions
from suite.spec.records.objective import Assigner, Loss
from suite.train.losses.boxes import BoxLoss
from suite.train.losses.scores import score_losses
from suite.train.losses.simota import Matches, assign
from suite.train.process_group import SINGLE, ProcessGroup
from suite.train.recipe import LossSettings

BOX_GAIN = 5.0  # the two scores have 1
# images, of YOLOX's rate: a recipe's rate means YOLOv5's loss, which is summed over so many
NOMINAL_BATCH = 64


class SimOtaLoss:
    """Callable on raw maps and targets.

    Of a recipe's loss settings the weights of positives and the focal exponent count; gains, anchors and label
    smoothing are YOLOv5's.
    """

    def __init__(
        self,
        predictions: Callable[[Sequence[Tensor]], Predictions],
        assigner: Assigner,
        settings: LossSettings,
        kinds: Loss,
        group: ProcessGroup = SINGLE,
    ) -> None:
        self._predictions = predictions
        self._assigner = assigner
        self._kinds = kinds
        self._group = group
        self._box_loss = BoxLoss(kinds, group)
        self._score_losses = score_losses(kinds, settings)

    def state(self) -> dict[str, Tensor]:
        """What the calls until now have left behind."""
        return self._box_loss.state()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        self._box_loss.restore(state)

    def __call__(self, raw: Sequence[Tensor], targets: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of one batch.

        Args:
            raw: one map a level (B, predictions, rows, columns, 5 + classes), before any sigmoid.
            targets: (n, 6) image, class, centre x, centre y, width, height, relative to the image.

        Returns:
            The total, which is what to differentiate: the sum of the parts times the batch size over 64; and, without
            gradient, the parts (3,): box, objectness, classes, each a sum divided by the number of positives.
        """
        seen = self._predictions(raw)
        pixels = targets.to(seen.boxes.dtype) * targets.new_tensor((1, 1, *seen.size, *seen.size))
        matches = assign(seen, pixels, self._assigner)
        boxes = seen.boxes[matches.image, matches.prior]
        missed, fit = self._box_loss(boxes, pixels[matches.target, 2:])
        positives = self._group.total(boxes.new_tensor(len(matches.prior))).clamp(min=1)
        parts = torch.stack(
            (
                BOX_GAIN * missed.sum() / positives,
                self._objectness_loss(seen.objectness, fit, matches) / positives,
                self._class_loss(seen.classes, pixels[matches.target, 1].long(), matches)
                / positives,
            )
        )
        return parts.sum() * (len(seen.boxes) * self._group.size / NOMINAL_BATCH), parts.detach()

    def _objectness_loss(self, scores: Tensor, fit: Tensor, matches: Matches) -> Tensor:
        """Sum over all predictions: 1 is the target where there is an object, or the fit for varifocal scores."""
        target = torch.zeros_like(scores, requires_grad=False)
        target[matches.image, matches.prior] = (
            fit.clamp(min=0) if self._kinds.objectness == "varifocal" else 1.0
        )
        return self._score_losses.objectness(scores, target).sum()

    def _class_loss(self, scores: Tensor, label: Tensor, matches: Matches) -> Tensor:
        """Sum over the positives and the classes; the target of an object's class is the IoU."""
        chosen = scores[matches.image, matches.prior]
        target = torch.zeros_like(chosen, requires_grad=False)
        target[torch.arange(len(label), device=label.device), label] = matches.iou
        return self._score_losses.classes(chosen, target).sum()
