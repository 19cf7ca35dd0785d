"""Suppression by distance and by lowering scores, against loops over boxes in plain Python."""

import math

import pytest
import torch
from torch import Tensor

from suite.nn.suppression import nms
from suite.spec.records.objective import Suppression, SuppressionKind

Row = tuple[float, float, float, float, float, int]  # left, top, right, bottom, score, class


def iou(a: Row, b: Row) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    inner = max(width, 0) * max(height, 0)
    return inner / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner)


def diou(a: Row, b: Row) -> float:
    apart = ((a[0] + a[2] - b[0] - b[2]) / 2) ** 2 + ((a[1] + a[3] - b[1] - b[3]) / 2) ** 2
    diagonal = (max(a[2], b[2]) - min(a[0], b[0])) ** 2 + (max(a[3], b[3]) - min(a[1], b[1])) ** 2
    return iou(a, b) - apart / diagonal


def kept_by_distance(rows: list[Row], threshold: float) -> list[Row]:
    kept: list[Row] = []
    for row in sorted(rows, key=lambda row: -row[4]):
        if all(other[5] != row[5] or diou(other, row) <= threshold for other in kept):
            kept.append(row)
    return kept


def kept_softly(rows: list[Row], lower, floor: float) -> list[Row]:
    left, kept = list(rows), []
    while left:
        best = max(left, key=lambda row: row[4])
        left.remove(best)
        kept.append(best)
        left = [
            (*row[:4], row[4] * (lower(iou(best, row)) if row[5] == best[5] else 1), row[5])
            for row in left
        ]
        left = [row for row in left if row[4] > floor]
    return kept


def scene(count: int = 60) -> tuple[Tensor, list[Row]]:
    """One image of boxes in a crowd, of three classes; as the network has them, and as rows."""
    generator = torch.Generator().manual_seed(11)
    u = torch.rand(count, 6, dtype=torch.float64, generator=generator)
    label = (u[:, 5] * 3).long()
    boxes = torch.cat((20 + 30 * u[:, :2], 10 + 15 * u[:, 2:4]), 1)
    classes = torch.nn.functional.one_hot(label, 3).double()
    predictions = torch.cat((boxes, 0.3 + 0.7 * u[:, 4:5], classes), 1)
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    rows = torch.cat((low, high, predictions[:, 4:5], label[:, None]), 1).tolist()
    return predictions[None], [tuple(row) for row in rows]


def assert_same(found: Tensor, expected: list[Row]) -> None:
    torch.testing.assert_close(
        found, torch.tensor(expected, dtype=torch.float64), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("threshold", [0.1, 0.45])
def test_suppression_by_distance_is_the_papers(threshold: float) -> None:
    predictions, rows = scene()

    (found,) = nms(predictions, how=Suppression(kind="diou", iou=threshold))

    expected = kept_by_distance(rows, threshold)
    assert_same(found, expected)
    assert len(nms(predictions, iou=threshold)[0]) < len(expected) < len(rows)


def test_soft_suppression_is_the_papers() -> None:
    predictions, rows = scene()

    (found,) = nms(predictions, confidence=0.1, how=Suppression(kind="soft", sigma=0.3))

    assert_same(found, kept_softly(rows, lambda overlap: math.exp(-(overlap**2) / 0.3), 0.1))


def test_linear_soft_suppression_is_the_papers() -> None:
    predictions, rows = scene()

    (found,) = nms(predictions, confidence=0.1, how=Suppression(kind="soft_linear", iou=0.3))

    assert_same(found, kept_softly(rows, lambda overlap: 1 - overlap if overlap > 0.3 else 1, 0.1))


@pytest.mark.parametrize("kind", ["diou", "soft", "soft_linear"])
def test_fewer_detections_are_the_best_of_them(kind: SuppressionKind) -> None:
    predictions, _ = scene()
    (every,) = nms(predictions, how=Suppression(kind=kind))

    (few,) = nms(predictions, how=Suppression(kind=kind), max_detections=5)

    assert torch.equal(few, every[:5])


@pytest.mark.parametrize("kind", ["hard", "diou", "soft", "soft_linear"])
@pytest.mark.parametrize("limit", [3, 20, 60])
def test_looking_at_the_first_candidates_first_changes_nothing(
    kind: SuppressionKind, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictions, _ = scene()
    (at_once,) = nms(predictions, how=Suppression(kind=kind), max_detections=limit)
    monkeypatch.setattr("suite.nn.suppression.FIRST_CANDIDATES", 5)

    (in_portions,) = nms(predictions, how=Suppression(kind=kind), max_detections=limit)

    assert torch.equal(in_portions, at_once)


@pytest.mark.parametrize("kind", ["hard", "diou", "soft", "soft_linear"])
def test_boxes_of_two_classes_meet_only_if_asked(kind: SuppressionKind) -> None:
    twins = torch.tensor([[[50.0, 50, 20, 20, 0.9, 1, 0], [50, 50, 20, 20, 0.8, 0, 1]]])

    apart, together = (
        nms(twins, how=Suppression(kind=kind, agnostic=agnostic))[0] for agnostic in (False, True)
    )

    assert apart[:, 4].tolist() == pytest.approx([0.9, 0.8])
    assert together[:, 4].tolist() in (
        pytest.approx([0.9]),
        pytest.approx([0.9, 0.8 * math.exp(-1 / 0.5)]),
    )


@pytest.mark.parametrize("kind", ["hard", "diou", "soft", "soft_linear"])
def test_an_empty_image_has_no_detections(kind: SuppressionKind) -> None:
    (found,) = nms(torch.zeros(1, 4, 7), how=Suppression(kind=kind))

    assert found.shape == (0, 6)


def test_a_variants_own_threshold_stands_before_the_evaluations() -> None:
    predictions, _ = scene()

    own = nms(predictions, iou=0.9, how=Suppression(iou=0.2))[0]

    assert torch.equal(own, nms(predictions, iou=0.2)[0])


def test_a_variant_without_a_threshold_takes_the_evaluations() -> None:
    predictions, _ = scene()

    found = nms(predictions, iou=0.2, how=Suppression(kind="diou"))[0]

    assert torch.equal(found, nms(predictions, how=Suppression(kind="diou", iou=0.2))[0])
