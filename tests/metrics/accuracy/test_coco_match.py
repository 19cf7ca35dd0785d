"""The fast twin against pycocotools, number for number."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.datasets.formats.forms import read_split
from suite.metrics.accuracy.coco_match import from_results, match, truth_of
from suite.metrics.accuracy.coco_reference import pycocotools_numbers
from suite.metrics.accuracy.pairs import overlaps, pairs_of
from suite.stats.coco import class_ap, rates, summary
from tests.datasets.made_pictures import made_picture
from tests.metrics.accuracy.made_detections import Coco, from_annotations, made

SHARED = Path(os.environ.get("ABLATION_SHARED", Path(__file__).parents[4] / "shared")) / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="ABLATION_SHARED names no folder with real data sets"
)

EVERYTHING = {
    "crowd": 0.2,
    "borders": True,
    "empty": True,
    "ties": True,
    "texts": True,
    "detections": 180,
}


def twin(annotations: dict[str, Any], results: list[dict[str, Any]]) -> tuple[float, ...]:
    truth = from_annotations(annotations)
    return summary(rates(match(truth, from_results(truth, results))))


def assert_equal(sets: Coco) -> None:
    assert twin(*sets) == pytest.approx(pycocotools_numbers(*sets), abs=1e-12, rel=0)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"crowd": 0.3},
        {"borders": True},
        {"classes": 40, "empty": True},
        {"detections": 130, "classes": 1, "pictures": 8, "objects": 40},
        {"detections": 0},
        {"ties": True},
        {"texts": True},
        {"objects": 0.0},
        EVERYTHING,
    ],
    ids=["plain", "crowds", "area borders", "empty categories", "over 100", "no detections", "ties", "text ids",
         "no objects", "all together"],
)  # fmt: skip
@pytest.mark.parametrize("seed", [0, 1])
def test_the_twelve_numbers_are_pycocotools(how: dict[str, Any], seed: int) -> None:
    assert_equal(made(seed, **{"pictures": 12, **how}))


NEAR = st.sampled_from([0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 32.0, 96.0])
BOX = st.tuples(NEAR, NEAR, NEAR.filter(bool), NEAR.filter(bool)).map(list)


@st.composite
def small_sets(draw: st.DrawFn) -> Coco:
    """A few boxes from few numbers: equal overlaps, equal scores, duplicates and areas on the borders are common."""
    pictures, categories = [0, 1], [2, 7]
    place = (st.sampled_from(pictures), st.sampled_from(categories), BOX)
    objects = draw(st.lists(st.tuples(*place, st.booleans()), max_size=6))
    seen = draw(st.lists(st.tuples(*place, st.sampled_from([0.2, 0.5, 0.9])), max_size=8))
    annotations = {
        "images": [{"id": number} for number in pictures],
        "categories": [{"id": number, "name": str(number)} for number in categories],
        "annotations": [
            {
                "id": n,
                "image_id": i,
                "category_id": c,
                "bbox": b,
                "area": b[2] * b[3],
                "iscrowd": int(crowd),
            }
            for n, (i, c, b, crowd) in enumerate(objects, start=1)
        ],
    }
    return annotations, [
        {"image_id": i, "category_id": c, "bbox": b, "score": s} for i, c, b, s in seen
    ]


@given(small_sets())
@settings(max_examples=150, deadline=None)
def test_small_sets_of_any_kind_are_pycocotools(sets: Coco) -> None:
    assert_equal(sets)


def test_an_annotation_of_id_0_is_found_like_any_other(tmp_path: Path) -> None:
    """pycocotools takes id 0 for no match; read from a file, annotations are numbered anew, for both evaluators."""
    made_picture(tmp_path, 1, (64, 48), [[4, 4, 20, 20]])
    box = {
        "id": 0,
        "image_id": 1,
        "category_id": 3,
        "bbox": [4, 4, 20, 20],
        "area": 400,
        "iscrowd": 0,
    }
    content = {
        "images": [{"id": 1, "file_name": "1.png", "width": 64, "height": 48}],
        "categories": [{"id": 3, "name": "cat"}],
        "annotations": [box],
    }
    (tmp_path / "instances_val.json").write_text(json.dumps(content))
    split = read_split(tmp_path, "val")
    result = [{"image_id": 1, "category_id": 3, "bbox": [4, 4, 20, 20], "score": 0.9}]

    truth = truth_of(split)
    found = summary(rates(match(truth, from_results(truth, result))))

    assert pycocotools_numbers(content, result)[1] == 0.0  # the trap
    assert found == pytest.approx(pycocotools_numbers(split.annotations, result), abs=1e-12)
    assert found[1] == pytest.approx(1.0)


def test_ap_by_class_is_that_of_a_set_with_that_class_alone() -> None:
    annotations, results = made(3, classes=3)
    truth = from_annotations(annotations)

    by_class = class_ap(rates(match(truth, from_results(truth, results))))

    for category, ap in zip(annotations["categories"], by_class, strict=True):
        alone = {**annotations, "categories": [category]}
        mine = [row for row in results if row["category_id"] == category["id"]]
        assert ap == pytest.approx(pycocotools_numbers(alone, mine)[0], abs=1e-12)


def test_the_order_of_the_detections_in_the_file_matters_only_for_ties() -> None:
    annotations, results = made(4)
    shuffled = [results[i] for i in np.random.default_rng(0).permutation(len(results))]

    assert twin(annotations, shuffled) == pytest.approx(twin(annotations, results), abs=1e-12)


@pytest.mark.parametrize(("key", "value"), [("image_id", 99), ("category_id", 99)])
def test_a_detection_of_something_that_the_data_lacks_is_refused(key: str, value: int) -> None:
    annotations, results = made(0, pictures=2)
    results[0] = {**results[0], key: value}

    with pytest.raises(ValueError, match="99, which the data does not have"):
        from_results(from_annotations(annotations), results)


def test_over_a_crowd_the_share_of_the_detection_counts() -> None:
    box, region = np.array([[0.0, 0, 10, 10]] * 2), np.array([[5.0, 0, 100, 100]] * 2)

    assert overlaps(box, region, np.array([False, True])).tolist() == [
        50 / (100 + 10_000 - 50),
        0.5,
    ]


def test_pairs_are_all_pairs_of_equal_keys_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite.metrics.accuracy.pairs._PAIRS", 3)
    keys, others = np.array([5, 5, 7, 8]), np.array([5, 7, 5, 5, 9])

    portions = pairs_of(keys, others)

    found = [(int(i), int(j)) for left, right in portions for i, j in zip(left, right, strict=True)]
    assert found == [(0, 0), (0, 2), (0, 3), (1, 0), (1, 2), (1, 3), (2, 1)]
    assert len(portions) > 1


@needs_shared
def test_real_annotations_with_crowds_and_gaps_between_ids_are_pycocotools() -> None:
    """Detections are the objects of COCO pictures, blurred; half of them of another class."""
    split = read_split(SHARED / "coco_ccby", "val")
    stream = np.random.default_rng(0)
    results = [
        {
            "image_id": row["image_id"],
            "category_id": row["category_id"]
            if stream.random() < 0.5
            else split.categories[stream.integers(80)].id,
            "bbox": (np.array(row["bbox"]) * stream.normal(1, 0.05, 4)).round(3).tolist(),
            "score": round(float(stream.random()), 2),
        }
        for row in split.annotations["annotations"] * 4
    ]
    truth = truth_of(split)

    found = summary(rates(match(truth, from_results(truth, results))))

    assert truth.crowd.any()
    assert found == pytest.approx(pycocotools_numbers(split.annotations, results), abs=1e-12, rel=0)
