"""SimOTA: which predictions answer for which object, by what they cost now (YOLOX, arXiv 2107.08430, section 2.3)."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import box_iou

from suite.nn.boxes import cxcywh_to_xyxy
from suite.nn.heads import Predictions
from suite.spec.records.objective import Assigner

OVERLAP_WEIGHT = 3.0  # of -log IoU beside the class cost
OUTSIDE = 1e5  # cost of a cell that is not both inside the box and near its centre
LEAST_LOG = -100.0  # as torch's own cross entropy of probabilities has it


@dataclass(frozen=True, slots=True)
class Matches:
    """The predictions that answer: n over the batch, ordered by image, then prediction."""

    image: Tensor  # (n,) int64
    prior: Tensor  # (n,) int64, position among the N predictions of an image
    target: Tensor  # (n,) int64, row of the batch's targets
    iou: Tensor  # (n,) of the prediction and its target


@torch.no_grad()
def assign(predictions: Predictions, targets: Tensor, assigner: Assigner) -> Matches:
    """Match predictions to objects.

    Args:
        predictions: of the batch.
        targets: (m, 6) image, class, centre x, centre y, width, height in pixels.
        assigner: its radius in strides and the candidates that decide how many answer.
    """
    by_image: list[tuple[Tensor, ...]] = []
    for image in range(len(predictions.boxes)):
        rows = (targets[:, 0] == image).nonzero()[:, 0]
        near, inside = _geometry(predictions, targets[rows, 2:], assigner.radius)
        if not len(near):
            continue
        iou = box_iou(
            cxcywh_to_xyxy(targets[rows, 2:]), cxcywh_to_xyxy(predictions.boxes[image, near])
        )
        cost = _class_cost(predictions, image, near, targets[rows, 1].long())
        cost = cost - OVERLAP_WEIGHT * (iou + 1e-8).log() + OUTSIDE * ~inside
        target, candidate = _cheapest(cost, iou, assigner.candidates)
        by_image.append(
            (torch.full_like(target, image), near[candidate], rows[target], iou[target, candidate])
        )
    if not by_image:
        none = targets.new_zeros(0, dtype=torch.long)
        return Matches(none, none, none, predictions.boxes.new_zeros(0))
    return Matches(*(torch.cat(parts) for parts in zip(*by_image, strict=True)))


def _geometry(predictions: Predictions, boxes: Tensor, radius: float) -> tuple[Tensor, Tensor]:
    """(k,) predictions whose cell lies in a box or near a centre; (m, k) whether both hold for this box."""
    away = (predictions.centres - boxes[:, None, :2]).abs()  # (m, N, 2)
    in_box = (away < boxes[:, None, 2:] / 2).all(-1)
    in_centre = (away < radius * predictions.strides[:, None]).all(-1)
    near = (in_box | in_centre).any(0).nonzero()[:, 0]
    return near, (in_box & in_centre)[:, near]


def _class_cost(predictions: Predictions, image: int, near: Tensor, label: Tensor) -> Tensor:
    """(m, k) cross entropy, summed over the classes, of sqrt(class score x objectness) against each object's class."""
    sure = predictions.objectness[image, near].sigmoid()[:, None]
    score = (predictions.classes[image, near].sigmoid() * sure).sqrt()  # (k, classes)
    hit, miss = score.log().clamp(min=LEAST_LOG), (1 - score).log().clamp(min=LEAST_LOG)
    return ((miss - hit)[:, label] - miss.sum(1, keepdim=True)).T


def _cheapest(cost: Tensor, iou: Tensor, candidates: int) -> tuple[Tensor, Tensor]:
    """Rows and columns of the matches, by column: each object's k cheapest predictions, then each prediction's cheapest
    object of those that chose it.

    k is the sum of the object's best IoUs, rounded down, and at least 1.
    """
    count = iou.topk(min(candidates, iou.shape[1])).values.sum(1).long().clamp(min=1)
    rank = cost.argsort(dim=1, stable=True).argsort(dim=1)
    chosen = rank < count[:, None]
    cheapest = cost.masked_fill(~chosen, torch.inf).argmin(0)
    candidate = chosen.any(0).nonzero()[:, 0]
    return cheapest[candidate], candidate
