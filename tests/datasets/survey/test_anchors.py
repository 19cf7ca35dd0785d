"""Anchors found in boxes, and the share of boxes that anchors can take."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from suite.datasets.split import Category, MissingDataError, Picture, Split
from suite.datasets.survey import anchors as subject
from suite.datasets.survey.anchors import box_sizes, by_level, find_anchors, share_taken

Sizes = list[tuple[float, float]]


def split_of(sizes: Sizes, *, side: int = 100, crowd: int = 0) -> Split:
    """One picture of side x side / 2 pixels with boxes of those sizes, the last `crowd` of them crowds."""
    boxes = np.array([(0, 0, w, h) for w, h in sizes], float).reshape(-1, 4)
    count = len(sizes)
    labels: NDArray[np.int64] = np.zeros(count, np.int64)
    crowds = np.arange(count) >= count - crowd
    picture = Picture(1, Path("1.png"), side, side // 2, boxes, labels, crowds, boxes[:, 2])
    return Split("made", Path("made"), "train", (Category(1, "a"),), (picture,), (), "")


def test_sizes_are_those_of_pictures_whose_longer_side_is_the_image_size() -> None:
    assert box_sizes(split_of([(10, 20), (30, 5)]), 200).tolist() == [[20, 40], [60, 10]]


def test_crowd_regions_are_no_boxes_to_be_taken() -> None:
    assert box_sizes(split_of([(10, 20), (30, 5)], crowd=1), 100).tolist() == [[10, 20]]


def test_a_box_is_taken_up_to_the_threshold_of_both_sides() -> None:
    anchors = np.array([[10.0, 10.0], [100.0, 100.0]])
    sizes = np.array([[10, 10], [39, 10], [41, 10], [10, 2.4], [2.6, 39], [399, 26], [401, 100]])

    # by either anchor: the third, fourth and last are more than 4 times off on one side
    assert share_taken(sizes, anchors) == pytest.approx(4 / 7)
    assert share_taken(sizes, anchors, threshold=5) == 1


def test_without_boxes_nothing_is_missed() -> None:
    assert share_taken(np.zeros((0, 2)), np.array([[1.0, 1.0]])) == 1


def test_boxes_of_three_sizes_are_three_anchors_from_small_to_large() -> None:
    sizes: Sizes = [(60, 40), (4, 6), (20, 20)]

    found = find_anchors(split_of(sizes * 30), 3, image_size=100)

    np.testing.assert_allclose(found, [(4, 6), (20, 20), (60, 40)], rtol=0.02)


def test_the_same_data_and_seed_give_the_same_anchors() -> None:
    sizes = np.random.default_rng(1).uniform(3, 90, (80, 2))
    split = split_of([(float(w), float(h)) for w, h in sizes])

    first, again = (find_anchors(split, 6, image_size=100) for _ in range(2))

    assert (first == again).all()
    assert share_taken(box_sizes(split, 100), first) == 1


def test_boxes_that_are_all_as_wide_have_anchors_too() -> None:
    sizes: Sizes = [(10, height) for height in (10, 20, 40)]

    found = find_anchors(split_of(sizes * 5), 3, image_size=100)

    np.testing.assert_allclose(found, sizes, rtol=0.05)


def test_of_very_many_boxes_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MOST_BOXES", 12)
    sizes: Sizes = [(10, 10), (40, 40)]

    found = find_anchors(split_of(sizes * 50), 2, image_size=100)

    np.testing.assert_allclose(found, sizes, rtol=0.02)


def test_fewer_sizes_than_anchors_are_an_error() -> None:
    # the last is smaller than 2 pixels on both sides: no guide
    split = split_of([(10, 10), (10, 10), (30, 4), (1, 1)])

    with pytest.raises(MissingDataError, match="2 boxes of different sizes in its part train; 3"):
        find_anchors(split, 3, image_size=100)


def test_small_anchors_go_to_the_finest_map_whatever_its_place() -> None:
    anchors = np.array([[1.4, 2.0], [3.0, 4.0], [50.0, 60.6]])

    assert by_level(anchors, (16, 8, 32)) == [[3, 4], [1, 2], [50, 61]]
