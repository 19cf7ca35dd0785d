"""Points and scores of a training: how many, which is best, and the file they stand in."""

from pathlib import Path

import pytest

from suite.train.curve import CurveFile, CurvePoint, Score, best, read_curve, window, write_curve

POINT, SCORE = CurvePoint(10, 0.5, 0.25, 0.125, 0.01), Score(10, 0.3, 0.6, 0.33)


@pytest.mark.parametrize(
    ("steps", "expected"), [(0, 10), (600, 10), (10_000, 10), (10_001, 10), (50_000, 50)]
)
def test_a_curve_has_a_thousand_points_at_most_and_no_point_of_less_than_ten_steps(
    steps: int, expected: int
) -> None:
    assert window(steps) == expected


def test_of_equal_scores_the_earliest_is_the_best() -> None:
    scores = [Score(1, 0, 0, 0.2), Score(2, 0, 0, 0.5), Score(3, 0, 0, 0.5)]

    assert best(scores) is scores[1]
    assert best([]) is None


def test_points_and_scores_come_back_from_json() -> None:
    assert read_curve(write_curve([POINT], [SCORE])) == ([POINT], [SCORE])


def test_a_file_begins_with_what_is_known_in_the_order_of_training(tmp_path: Path) -> None:
    later = CurvePoint(20, 0.5, 0.25, 0.125, 0.01)
    CurveFile(tmp_path / "new" / "curve.csv", 4, (later, POINT, SCORE))

    lines = (tmp_path / "new" / "curve.csv").read_text().splitlines()

    assert lines == [
        "step,images,lr,box,obj,cls,ap,ap50",
        "10,40,,,,,0.3,0.6",
        "10,40,0.01,0.5,0.25,0.125,,",
        "20,80,0.01,0.5,0.25,0.125,,",
    ]
