import numpy as np
import pytest

from suite.metrics.accuracy.calibration import calibration
from suite.stats.matches import Matches


def detections(
    scores: list[float], correct: list[bool], ignored: list[bool] | None = None
) -> Matches:
    """One picture and one class; nothing but scores and flags matters."""
    nothing = np.zeros(len(scores), np.int32)
    right = np.array(correct, np.uint64)
    neither = np.array(ignored or [False] * len(scores), np.uint64)
    empty = np.zeros(0, np.int32)
    return Matches(
        np.array([0]), np.array([1]), ("cat",), "", nothing, nothing, np.array(scores), nothing.astype(np.int16),
        right, neither, empty, empty, empty.astype(np.uint8),
    )  # fmt: skip


def test_scores_that_come_true_as_often_as_they_say_have_no_error() -> None:
    """Of four detections with score 0.75 three are right."""
    found = calibration(detections([0.75] * 4, [True, True, True, False]))

    assert found.error == pytest.approx(0)
    assert [(b.low, b.high, b.count, b.score, b.precision) for b in found.bins] == [
        (0.75, 0.8, 4, 0.75, 0.75)
    ]


def test_the_error_is_the_mean_distance_of_score_and_precision_weighted_by_count() -> None:
    """Three at 0.9 of which none is right, one at 0.12 that is: (3 x 0.9 + 1 x 0.88) / 4."""
    found = calibration(detections([0.9, 0.9, 0.9, 0.12], [False, False, False, True]))

    assert found.error == pytest.approx((3 * 0.9 + 0.88) / 4)


def test_boxes_of_the_lowest_scores_are_shown_but_do_not_count() -> None:
    found = calibration(detections([0.9] + [0.01] * 1000, [True] + [False] * 1000))

    assert found.error == pytest.approx(0.1)
    assert [b.count for b in found.bins] == [1000, 1]


def test_a_score_of_1_is_in_the_last_bin() -> None:
    assert calibration(detections([1.0], [True])).bins[0].high == 1.0


def test_ignored_detections_are_left_out() -> None:
    found = calibration(detections([0.9, 0.8], [True, False], [False, True]))

    assert found.error == pytest.approx(0.1)


def test_without_detections_there_is_no_error() -> None:
    found = calibration(detections([], []))

    assert (found.bins, found.error) == ((), None)
