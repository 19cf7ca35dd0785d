"""Resampled AP: weights of 1 are pycocotools itself, and any weights are pycocotools on the repeated pictures."""

from typing import Any

import numpy as np
import pytest

from suite.metrics.accuracy.coco_match import from_results, match
from suite.metrics.accuracy.coco_reference import pycocotools_numbers
from suite.stats.bootstrap import picture_weights, resampled
from suite.stats.matches import Matches
from tests.metrics.accuracy.made_detections import Coco, from_annotations, made

SETS: dict[str, dict[str, Any]] = {
    "plain": {},
    "crowds": {"crowd": 0.2},
    "equal scores": {"ties": True},
    "areas on the borders": {"borders": True},
    "empty categories": {"empty": True, "classes": 12},
    "more than 100 detections a picture": {"detections": 180, "pictures": 6, "classes": 2},
    "one picture": {"pictures": 1},
    "everything": {"crowd": 0.2, "ties": True, "borders": True, "empty": True, "classes": 12},
}


def matched(coco: Coco) -> Matches:
    truth = from_annotations(coco[0])
    return match(truth, from_results(truth, coco[1]))


def repeated(coco: Coco, weights: list[int]) -> Coco:
    """The set with each picture as often as it was drawn, under ids of their own."""
    truth, results = coco
    new = {"images": [], "categories": truth["categories"], "annotations": []}
    found: list[dict[str, Any]] = []
    for image, times in zip(truth["images"], weights, strict=True):
        for _ in range(times):
            number = len(new["images"])
            new["images"].append({**image, "id": number})
            for row in truth["annotations"]:
                if row["image_id"] == image["id"]:
                    new["annotations"].append(
                        {**row, "image_id": number, "id": len(new["annotations"]) + 1}
                    )
            found += [
                {**row, "image_id": number} for row in results if row["image_id"] == image["id"]
            ]
    return new, found


@pytest.mark.parametrize("name", SETS)
def test_every_picture_once_is_pycocotools(name: str) -> None:
    coco = made(3, **SETS[name])
    matches = matched(coco)

    found = resampled(matches, np.ones((len(matches.pictures), 1), np.intp), dtype=np.float64)[:, 0]

    assert found == pytest.approx(pycocotools_numbers(*coco)[:3], abs=1e-12)


@pytest.mark.parametrize("name", ["plain", "crowds", "empty categories"])
def test_any_weights_are_pycocotools_on_the_repeated_pictures(name: str) -> None:
    coco = made(4, **SETS[name])
    matches = matched(coco)
    weights = picture_weights(len(matches.pictures), 3, seed=1)

    found = resampled(matches, weights, dtype=np.float64)

    for column in range(3):
        expected = pycocotools_numbers(*repeated(coco, weights[:, column].tolist()))[:3]
        assert found[:, column] == pytest.approx(expected, abs=1e-12)


def test_single_precision_is_far_below_what_resamples_differ_by() -> None:
    matches = matched(made(5, pictures=60, crowd=0.1))
    weights = picture_weights(60, 300)

    fast, exact = resampled(matches, weights), resampled(matches, weights, dtype=np.float64)

    assert np.abs(fast - exact).max() < 1e-6
    assert exact[0].std() > 1e-3


def test_a_set_without_detections_scores_nothing() -> None:
    coco = made(6, pictures=5, detections=0)

    assert resampled(matched(coco), picture_weights(5, 4)).tolist() == [[0.0] * 4] * 3


def test_a_resample_without_an_object_has_no_value() -> None:
    truth, results = made(7, pictures=3)
    one = {**truth, "annotations": [row for row in truth["annotations"] if row["image_id"] == 0]}
    weights = np.array([[0, 1], [2, 1], [1, 1]])

    found = resampled(matched((one, results)), weights)

    assert np.isnan(found[:, 0]).all()
    assert np.isfinite(found[:, 1]).all()


def test_every_resample_draws_as_many_pictures_as_there_are() -> None:
    weights = picture_weights(40, 500)

    assert weights.shape == (40, 500)
    assert (weights.sum(axis=0) == 40).all()
    assert weights.mean(axis=1) == pytest.approx(np.ones(40), abs=0.2)


def test_equal_arguments_draw_equal_resamples_which_pairs_two_variants() -> None:
    assert (picture_weights(10, 20) == picture_weights(10, 20)).all()
    assert (picture_weights(10, 20) != picture_weights(10, 20, seed=1)).any()


def test_the_spread_over_resamples_is_that_over_new_pictures() -> None:
    """Efron's promise, on pictures that can be drawn again: 300 sets of 60 against one set of 60 resampled."""
    sets = [
        matched(made(seed, pictures=60, objects=4.0, detections=8, classes=2))
        for seed in range(100, 160)
    ]
    ones = np.ones((60, 1), np.intp)
    fresh = np.std([resampled(matches, ones)[1, 0] for matches in sets], ddof=1)
    again = np.mean(
        [resampled(matches, picture_weights(60, 200))[1].std(ddof=1) for matches in sets[:10]]
    )

    assert again == pytest.approx(fresh, rel=0.3)
