"""YOLOv5's loss on raw maps: complete IoU, objectness with the IoU as its target, one binary choice a class.

What a variant's `loss` says takes the place of the box loss and of the two losses of scores.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from suite.spec.records.objective import Loss
from suite.train.losses.assign import Assignment, Priors, assign
from suite.train.losses.boxes import BoxLoss
from suite.train.losses.scores import score_losses
from suite.train.process_group import SINGLE, ProcessGroup
from suite.train.recipe import LossSettings

BALANCE = {3: (4.0, 1.0, 0.4)}  # by number of levels
BALANCE_OTHERWISE = (4.0, 1.0, 0.25, 0.06, 0.02)  # by level


class DetectionLoss:
    """Callable on raw maps and targets; holds the level balance, which `autobalance` moves from call to call."""

    def __init__(
        self,
        priors: Priors,
        settings: LossSettings,
        kinds: Loss | None = None,
        group: ProcessGroup = SINGLE,
    ) -> None:
        levels = len(priors.strides)
        self._priors = priors
        self._settings = settings
        self._kinds = kinds or Loss()
        self._group = group
        self._box_loss = BoxLoss(self._kinds, group)
        self._score_losses = score_losses(self._kinds, settings)
        self._pixels = priors.anchors.new_tensor(priors.strides)  # in a cell, by level
        self._balance = priors.anchors.new_tensor(BALANCE.get(levels, BALANCE_OTHERWISE)[:levels])

    @property
    def balance(self) -> Tensor:
        """(levels,) weight of each level's objectness."""
        return self._balance

    def state(self) -> dict[str, Tensor]:
        """What the calls until now have moved."""
        return {"balance": self._balance, **self._box_loss.state()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        self._balance = state["balance"]
        self._box_loss.restore(state)

    def __call__(self, raw: Sequence[Tensor], targets: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of one batch, as YOLOv5's `ComputeLoss` has it.

        Of the box loss and the class loss each level counts with the mean over its positives, of objectness with the
        mean over its cells, weighed by the balance; objectness of a positive is to become the overlap of its box.

        Args:
            raw: one map a level (B, anchors, rows, columns, 5 + classes), before any sigmoid: x, y, width, height,
                objectness, classes.
            targets: (n, 6) float: image of the batch, class, centre x, centre y, width, height; the last four as shares
                of the image. There may be none.

        Returns:
            The total (), which is what to differentiate: the sum of the parts times the batch size (of all processes);
            and, without gradient, the parts (3,): box, objectness, classes, each with its gain.

        Example:
            loss = DetectionLoss(Priors(head.anchors, head.strides), recipe("tiny").loss)
            total, parts = loss(model(images), targets)
            total.backward()
        """
        assigned = assign(
            targets,
            [(x.shape[2], x.shape[3]) for x in raw],
            self._priors,
            self._settings.anchor_threshold,
        )
        objectness, positives = _Pick.apply(assigned, *raw)
        counts = self._group.total(positives.new_tensor(assigned.counts))
        share = (1 / counts.clamp(min=1))[assigned.level]  # a mean on each level

        unit = self._pixels[assigned.level] if self._kinds.box == "nwd" else 1.0
        missed, overlap = self._box_loss(
            self._decode(positives[:, :4], assigned), assigned.box, unit
        )
        overlap = overlap.clamp(min=0)
        parts = torch.stack(
            (
                self._settings.box * torch.dot(missed, share),
                self._settings.objectness
                * self._objectness_loss(raw, objectness, overlap, assigned),
                self._settings.classes
                * self._class_loss(positives[:, 5:], assigned.label, overlap, share),
            )
        )
        return parts.sum() * (raw[0].shape[0] * self._group.size), parts.detach()

    def _decode(self, raw: Tensor, assigned: Assignment) -> Tensor:
        """(n, 4) boxes in grid units: centre from the cell's corner, width, height."""
        anchors = (
            self._priors.anchors
            / self._priors.anchors.new_tensor(self._priors.strides)[:, None, None]
        )
        near = raw.sigmoid() * 2
        return torch.cat(
            (near[:, :2] - 0.5, near[:, 2:].square() * anchors[assigned.level, assigned.anchor]), 1
        )

    def _objectness_loss(
        self, raw: Sequence[Tensor], objectness: Tensor, overlap: Tensor, assigned: Assignment
    ) -> Tensor:
        """Mean of each level's cells, weighed by the balance; a cell's target is the overlap of its box."""
        sizes = [x[..., 0].numel() for x in raw]
        cell = _flat_index(raw, sizes, assigned)
        # where several share a cell the last one counts; an indexed assignment would let the threads race for it
        order = torch.arange(1, len(cell) + 1, device=cell.device)
        last = cell.new_zeros(len(objectness)).scatter_reduce_(0, cell, order, "amax")
        target = torch.cat((overlap.new_zeros(1), overlap.detach()))[last]
        loss = self._score_losses.objectness(objectness, target)
        levels = (
            torch.stack([part.mean() for part in torch.split_with_sizes(loss, sizes)])
            / self._group.size
        )
        total = torch.dot(levels, self._balance.to(levels.dtype))
        if self._settings.autobalance:
            self._rebalance(self._group.total(levels.detach()))
        return total

    def _class_loss(self, scores: Tensor, label: Tensor, overlap: Tensor, share: Tensor) -> Tensor:
        """Mean over a level's positives and the classes; a single class needs no choice.

        What varifocal scores learn is the overlap, label smoothing or not.
        """
        classes = scores.shape[1]
        if classes == 1:
            return scores.new_zeros(())
        aware = self._kinds.classes == "varifocal"
        smooth = 0.0 if aware else self._settings.label_smoothing
        target = torch.full_like(scores, 0.5 * smooth, requires_grad=False)
        target[torch.arange(len(label), device=label.device), label] = (
            overlap if aware else 1 - 0.5 * smooth
        )
        loss = self._score_losses.classes(scores, target)
        return torch.dot(loss.mean(1), share)

    def _rebalance(self, levels: Tensor) -> None:
        """Move each weight towards the inverse of its level's loss; the stride-16 level stays at 1."""
        moved = self._balance * 0.9999 + 0.0001 / levels.to(self._balance.dtype)
        self._balance = moved / moved[self._priors.strides.index(16)]


class _Pick(torch.autograd.Function):
    """Objectness of every cell, level by level (cells,), and the rows of the positives (n, 5 + classes).

    Autograd's own rules for the two would make the gradient of each map twice, and contiguous, which the head's
    convolution must then bring into its own memory order: an eighth of the step at 320 pixels and 80 classes.
    """

    @staticmethod
    def forward(ctx: Any, assigned: Assignment, *raw: Tensor) -> tuple[Tensor, Tensor]:
        dtype = torch.promote_types(raw[0].dtype, torch.float32)
        ctx.assigned = assigned
        ctx.save_for_backward(*raw)
        rows = [level[index] for level, index in zip(raw, _indices(assigned), strict=True)]
        return torch.cat([x[..., 4].flatten() for x in raw]).to(dtype), torch.cat(rows).to(dtype)

    @staticmethod
    def backward(ctx: Any, cells: Tensor, rows: Tensor) -> tuple[Tensor | None, ...]:
        raw = ctx.saved_tensors
        gradients = [torch.zeros_like(level) for level in raw]  # in the memory order of the maps
        by_level = zip(
            gradients,
            torch.split_with_sizes(
                cells.to(raw[0].dtype), [level[..., 4].numel() for level in raw]
            ),
            torch.split_with_sizes(rows.to(raw[0].dtype), ctx.assigned.counts),
            _indices(ctx.assigned),
            strict=True,
        )
        for gradient, level_cells, level_rows, index in by_level:
            gradient[..., 4] = level_cells.view(gradient.shape[:4])
            gradient.index_put_(index, level_rows, accumulate=True)
        return None, *gradients


def _indices(assigned: Assignment) -> list[tuple[Tensor, ...]]:
    """Level by level where the positives stand: image, anchor, row, column."""
    column, row = assigned.cell.unbind(1)
    by_level = (
        torch.split_with_sizes(x, assigned.counts)
        for x in (assigned.image, assigned.anchor, row, column)
    )
    return list(zip(*by_level, strict=True))


def _flat_index(raw: Sequence[Tensor], sizes: Sequence[int], assigned: Assignment) -> Tensor:
    """(n,) position of each positive among the cells of all levels."""
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    shape = assigned.level.new_tensor(
        [(start, *x.shape[1:4]) for start, x in zip(starts, raw, strict=True)]
    )
    start, anchors, rows, columns = shape[assigned.level].unbind(1)
    column, row = assigned.cell.unbind(1)
    return start + ((assigned.image * anchors + assigned.anchor) * rows + row) * columns + column
