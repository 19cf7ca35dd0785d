"""Pictures of rare classes are drawn more often, by YOLOv5's weights."""

import json
from pathlib import Path

import numpy as np
import pytest

from suite.datasets.loading.balance import class_weights, drawn, picture_weights
from suite.datasets.random import RandomStream
from suite.datasets.split import Picture

GOLDEN = json.loads((Path(__file__).parents[2] / "golden/yolov5/ops.json").read_text())


def picture(*labels: int, crowd: int = 0) -> Picture:
    """A picture with boxes of these classes, of which the last `crowd` are crowds."""
    count = len(labels)
    crowds = np.arange(count) >= count - crowd
    return Picture(
        1, Path("a.jpg"), 8, 8, np.zeros((count, 4)), np.array(labels, int), crowds, np.zeros(count)
    )


def test_classes_weigh_what_they_weigh_in_the_reference() -> None:
    assert class_weights([2, 0, 1, 1, 0]) == pytest.approx(
        GOLDEN["class_weights_counts_2_0_1_1_0"], abs=1e-7
    )


def test_a_picture_weighs_the_sum_of_its_boxes() -> None:
    """Three boxes of class 0, one of class 1: weights 1/4 and 3/4; class 2 has none, and would have as much as 1."""
    pictures = [picture(0, 0), picture(0, 1), picture()]

    assert picture_weights(pictures, 2) == pytest.approx([2 / 4, 1 / 4 + 3 / 4, 0])


def test_a_crowd_is_no_box() -> None:
    assert picture_weights([picture(0), picture(1, 1, crowd=2)], 2) == pytest.approx([1 / 2, 0])


def test_pictures_are_drawn_by_weight() -> None:
    """Of n draws with share p, the count lies within four standard deviations, sqrt(n p (1 - p)), of n p."""
    weights = np.repeat([0.0, 1.0, 3.0], 1000)

    kinds = np.bincount(drawn(weights, RandomStream(1)) // 1000, minlength=3) / 3000

    assert kinds[0] == 0
    assert abs(kinds[2] - 0.75) < 4 * (0.75 * 0.25 / 3000) ** 0.5


def test_the_same_seed_draws_the_same_pictures() -> None:
    weights = np.arange(50.0)

    assert (
        drawn(weights, RandomStream(3)).tolist()
        == drawn(weights, RandomStream(3)).tolist()
        != drawn(weights, RandomStream(4)).tolist()
    )


def test_pictures_without_any_box_are_drawn_evenly() -> None:
    assert len(set(drawn(np.zeros(200), RandomStream(0)).tolist())) > 100
