"""Suppression of double detections: plain greedy, by distance as well, or by lowering scores."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torchvision.ops import nms as greedy_nms

from suite.nn.boxes import cxcywh_to_xyxy, iou_aligned, xyxy_to_cxcywh
from suite.spec.records.objective import Suppression

CANDIDATES = 30_000  # of one image, best first: what an untrained model finds beyond them is noise
FIRST_CANDIDATES = 600


def nms(
    predictions: Tensor,
    *,
    confidence: float = 0.25,
    iou: float = 0.45,
    max_detections: int = 300,
    multi_label: bool = False,
    classes: Sequence[int] | None = None,
    agnostic: bool = False,
    how: Suppression | None = None,
) -> list[Tensor]:
    """Non-maximum suppression of decoded predictions, one image after another, without a time limit.

    Greedy suppression is torchvision's (`torchvision.ops.nms`), in float64 and class by class; DIoU-NMS is that of
    arXiv 1911.08287, Soft-NMS that of arXiv 1704.04503.

    Args:
        predictions: (B, N, 5 + classes) centre x, centre y, width, height in pixels, objectness, class scores.
        confidence: a box needs more than this, in objectness and in objectness x class score.
        iou: of two boxes of one class that overlap more than this, the better one stays.
        max_detections: the most that one image keeps.
        multi_label: a box counts once for every class above `confidence`, not only for its best.
        classes: only these class indices.
        agnostic: boxes suppress each other whatever their classes.
        how: a variant's own way, greedy where it has none; its `iou` and `agnostic` count before those above.

    Returns:
        For each image (n, 6) left, top, right, bottom in pixels, score in 0..1, class index, best first.

    Example:
        >>> detections = nms(model.predict(images), confidence=0.25, iou=0.45)
        >>> left, top, right, bottom, score, label = detections[0][0].tolist()

    Raises:
        ValueError: a prediction is not finite; dropping it would make a broken model look merely weak.
    """
    _refuse_non_finite(predictions)
    how = how or Suppression()
    how = replace(how, iou=iou if how.iou is None else how.iou, agnostic=agnostic or how.agnostic)
    kept = []
    for image in predictions:
        rows = image[image[:, 4] > confidence]
        scores = rows[:, 5:] * rows[:, 4:5]
        if not multi_label:
            scores = _only_best(scores)
        if classes is not None:
            scores = _only_classes(scores, classes)
        candidates = _best_first(rows, scores, confidence)
        kept.append(_suppress(candidates, how, max_detections, floor=confidence))
    return kept


def _refuse_non_finite(predictions: Tensor) -> None:
    # one pass; a sum hides neither NaN nor infinity
    if torch.isfinite(predictions.sum(dtype=torch.float64)):
        return
    bad = (~torch.isfinite(predictions)).any(-1)
    image = int(bad.any(1).nonzero()[0, 0])
    raise ValueError(
        f"image {image} of the batch: {int(bad[image].sum())} of {predictions.shape[1]} predictions are not finite; "
        "the model's weights or its input are broken"
    )


def _only_best(scores: Tensor) -> Tensor:
    """The scores with every class but each row's best set to 0."""
    best, label = scores.max(1, keepdim=True)
    return torch.zeros_like(scores).scatter_(1, label, best)


def _only_classes(scores: Tensor, classes: Sequence[int]) -> Tensor:
    """The scores with every class but the wanted ones set to 0."""
    wanted = torch.zeros(scores.shape[1], dtype=scores.dtype, device=scores.device)
    wanted[list(classes)] = 1
    return scores * wanted


def _best_first(rows: Tensor, scores: Tensor, confidence: float) -> Tensor:
    """The best `CANDIDATES` scores above the threshold as (n, 6) corners, score, class; equal ones keep their order."""
    flat = scores.flatten()
    where = (flat > confidence).nonzero()[:, 0]
    if len(where) > CANDIDATES:
        where = where[flat[where].topk(CANDIDATES, sorted=False).indices].sort().values
    where = where[flat[where].argsort(descending=True, stable=True)]
    corners = cxcywh_to_xyxy(rows[where // scores.shape[1], :4])
    return torch.cat((corners, flat[where, None], (where % scores.shape[1])[:, None]), 1)


def _suppress(rows: Tensor, how: Suppression, limit: int, *, floor: float) -> Tensor:
    """Suppression of rows sorted by falling score; what `how` says is complete."""
    assert how.iou is not None
    if not len(rows):
        return rows
    corners = rows[:, :4].double()
    if not how.agnostic:
        # in float64 and wider than anything in the image: no box of one class can reach one of another
        corners = corners + rows[:, 5:] * (corners.max() - corners.min() + 1)
    return _first_survivors(rows, corners, how, floor=floor, limit=limit)


def _first_survivors(
    rows: Tensor, boxes: Tensor, how: Suppression, *, floor: float, limit: int
) -> Tensor:
    """What stays of the rows; boxes as for `_suppress_near`.

    Nothing is suppressed or lowered by what comes after it, so the first rows alone give the first survivors exactly,
    as long as these score better than the rows left out: most images are done after a few hundred candidates.
    """
    assert how.iou is not None
    lowered = how.kind in {"soft", "soft_linear"}
    count = FIRST_CANDIDATES
    while True:
        first, corners = rows[:count], boxes[:count]
        if how.kind == "hard":
            kept = first[greedy_nms(corners, first[:, 4].double(), how.iou)[:limit]]
        elif how.kind == "diou":
            kept = _suppress_near(first, corners, how.iou, limit)
        else:
            kept = _suppress_softly(first, corners, how, floor=floor, limit=limit)
        if count >= len(rows) or (
            len(kept) >= limit and (not lowered or kept[-1, 4] > rows[count, 4])
        ):
            return kept
        count = len(rows) if lowered else 3 * count


def _suppress_near(rows: Tensor, boxes: Tensor, iou: float, limit: int) -> Tensor:
    """DIoU-NMS (arXiv 1911.08287, eq. 14): of two boxes whose distance IoU exceeds `iou`, the better one stays.

    Args:
        rows: (n, 6) detections by falling score.
        boxes: (n, 4) what they are compared by, left, top, right, bottom; classes that do not meet stand apart.
        iou: from -1 to 1.
        limit: the most that stay.
    """
    centred = xyxy_to_cxcywh(boxes)
    left = torch.arange(len(rows), device=rows.device)
    kept: list[Tensor] = []
    while len(left) and len(kept) < limit:
        kept.append(left[0])
        best, left = centred[left[:1]], left[1:]
        left = left[iou_aligned(best.expand(len(left), 4), centred[left], "diou") <= iou]
    return rows[torch.stack(kept)]


def _suppress_softly(
    rows: Tensor, boxes: Tensor, how: Suppression, *, floor: float, limit: int
) -> Tensor:
    """Soft-NMS (arXiv 1704.04503): a kept box lowers the scores of those it overlaps, by e^(-IoU^2 / sigma).

    `soft_linear` lowers them by 1 - IoU, where the IoU exceeds `iou`.

    Args:
        rows: (n, 6) detections.
        boxes: as for `_suppress_near`.
        how: kind, and what that kind goes by: sigma or iou.
        floor: a score that is no more than this is gone.
        limit: the most that stay.

    Returns:
        The rows that stay, with their lowered scores, best first.
    """
    assert how.iou is not None
    centred, scores = xyxy_to_cxcywh(boxes), rows[:, 4].to(boxes.dtype, copy=True)
    labels = torch.zeros_like(rows[:, 5]) if how.agnostic else rows[:, 5]
    members: dict[float, Tensor] = {}  # of each class, which others never meet
    kept: list[Tensor] = []
    final: list[Tensor] = []
    while len(kept) < limit and scores[best := scores.argmax()] > floor:
        label = float(labels[best])
        if label not in members:
            members[label] = (labels == label).nonzero()[:, 0]
        mine = members[label]
        kept.append(best)
        final.append(scores[best].clone())
        overlap = iou_aligned(centred[best].expand(len(mine), 4), centred[mine])
        if how.kind == "soft":
            scores[mine] *= torch.exp(-overlap.square() / how.sigma)
        else:
            scores[mine] *= torch.where(overlap > how.iou, 1 - overlap, 1.0)
        scores[best] = floor
    stays = rows[torch.stack(kept)]
    return torch.cat((stays[:, :4], torch.stack(final).to(rows.dtype)[:, None], stays[:, 5:]), 1)
