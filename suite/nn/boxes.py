"""Boxes: forms, overlaps, non-maximum suppression, and the way back to the original image."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torchvision.ops import nms as greedy_nms

Overlap = Literal["iou", "giou", "diou", "ciou"]

EPSILON = 1e-7
CANDIDATES = 30_000  # of one image, best first: what an untrained model finds beyond them is noise
FIRST_CANDIDATES = 600


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """(..., 4) centre, width, height to (..., 4) left, top, right, bottom."""
    centre, half = boxes[..., :2], boxes[..., 2:4] / 2
    return torch.cat((centre - half, centre + half), -1)


def xyxy_to_cxcywh(boxes: Tensor) -> Tensor:
    """(..., 4) left, top, right, bottom to (..., 4) centre, width, height."""
    low, high = boxes[..., :2], boxes[..., 2:4]
    return torch.cat(((low + high) / 2, high - low), -1)


def iou_aligned(a: Tensor, b: Tensor, kind: Overlap = "iou") -> Tensor:
    """Overlap of each row of `a` with the same row of `b`.

    Args:
        a: (n, 4) boxes as centre, width, height.
        b: (n, 4) boxes of the same form and unit.
        kind: plain, generalised (arXiv 1902.09630), distance or complete (arXiv 1911.08287) IoU.

    Returns:
        (n,) values, at most 1; CIoU's trade-off factor carries no gradient.
    """
    a_centre, a_size = a[:, :2], a[:, 2:]
    b_centre, b_size = b[:, :2], b[:, 2:]
    a_half, b_half = a_size / 2, b_size / 2
    a_low, a_high = a_centre - a_half, a_centre + a_half
    b_low, b_high = b_centre - b_half, b_centre + b_half

    inter = (torch.minimum(a_high, b_high) - torch.maximum(a_low, b_low)).clamp(min=0).prod(1)
    union = a_size.prod(1) + b_size.prod(1) - inter + EPSILON
    iou = inter / union
    if kind == "iou":
        return iou
    hull = torch.maximum(a_high, b_high) - torch.minimum(a_low, b_low)
    if kind == "giou":
        area = hull.prod(1) + EPSILON
        return iou - (area - union) / area
    distance = (a_centre - b_centre).square().sum(1) / (hull.square().sum(1) + EPSILON)
    if kind == "diou":
        return iou - distance
    return iou - distance - _aspect_penalty(a_size, b_size, iou)


def nms(
    predictions: Tensor,
    *,
    confidence: float = 0.25,
    iou: float = 0.45,
    max_detections: int = 300,
    multi_label: bool = False,
    classes: Sequence[int] | None = None,
    agnostic: bool = False,
) -> list[Tensor]:
    """Greedy non-maximum suppression of decoded predictions, one image after another, without a time limit.

    Args:
        predictions: (B, N, 5 + classes) centre x, centre y, width, height in pixels, objectness, class scores.
        confidence: a box needs more than this, in objectness and in objectness x class score.
        iou: of two boxes of one class that overlap more than this, the better one stays.
        max_detections: the most that one image keeps.
        multi_label: a box counts once for every class above `confidence`, not only for its best.
        classes: only these class indices.
        agnostic: boxes suppress each other whatever their classes.

    Returns:
        For each image (n, 6) left, top, right, bottom, score, class, best first.

    Raises:
        ValueError: a prediction is not finite; dropping it would make a broken model look merely weak.
    """
    _refuse_non_finite(predictions)
    found = []
    for image in predictions:
        rows = image[image[:, 4] > confidence]
        scores = rows[:, 5:] * rows[:, 4:5]
        if not multi_label:
            scores = _only_best(scores)
        if classes is not None:
            scores = _only_classes(scores, classes)
        found.append(_suppress(_best_first(rows, scores, confidence), iou, max_detections, agnostic=agnostic))
    return found


def scale_boxes(boxes: Tensor, *, ratio: float, pad: tuple[float, float], size: tuple[int, int]) -> Tensor:
    """Map boxes from the letterboxed image back to the original one and clip them to it.

    Args:
        boxes: (n, 4 or more) left, top, right, bottom in letterboxed pixels; further columns are kept.
        ratio: letterboxed pixels per original pixel.
        pad: pixels added on the left and on top.
        size: height and width of the original image.
    """
    height, width = size
    left, top = pad
    shift = boxes.new_tensor((left, top, left, top))
    limit = boxes.new_tensor((width, height, width, height))
    corners = ((boxes[:, :4] - shift) / ratio).clamp(min=0).minimum(limit)
    return torch.cat((corners, boxes[:, 4:]), 1)


def _aspect_penalty(a_size: Tensor, b_size: Tensor, iou: Tensor) -> Tensor:
    """CIoU's third term: how far the shapes differ, weighed the more the better the boxes overlap."""
    angle = torch.atan(a_size[:, 0] / a_size[:, 1]) - torch.atan(b_size[:, 0] / b_size[:, 1])
    shape = angle.square() * (4 / math.pi**2)
    with torch.no_grad():
        trade_off = shape / (shape - iou + (1 + EPSILON))
    return shape * trade_off


def _refuse_non_finite(predictions: Tensor) -> None:
    if torch.isfinite(predictions.sum(dtype=torch.float64)):  # one pass; a sum hides neither NaN nor infinity
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


def _suppress(rows: Tensor, iou: float, limit: int, *, agnostic: bool) -> Tensor:
    """Greedy suppression of rows sorted by falling score.

    What a row suppresses only ever comes after it, so the first rows alone give the first survivors exactly:
    most images are done after a few hundred candidates.
    """
    if not len(rows):
        return rows
    corners = rows[:, :4].double()
    if not agnostic:
        # in float64 and wider than anything in the image: no box of one class can reach one of another
        corners = corners + rows[:, 5:] * (corners.max() - corners.min() + 1)
    count = FIRST_CANDIDATES
    while True:
        kept = greedy_nms(corners[:count], rows[:count, 4].double(), iou)
        if len(kept) >= limit or count >= len(rows):
            return rows[kept[:limit]]
        count *= 3
