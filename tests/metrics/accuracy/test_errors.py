"""Error kinds, each in a picture made for it, with the AP50 it costs worked out by hand."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.metrics.accuracy.coco_match import from_results, trace
from suite.metrics.accuracy.errors import Errors, errors
from suite.metrics.definitions import ERROR_KINDS
from tests.metrics.accuracy.made_detections import Coco, from_annotations, made

CAT, DOG = 1, 2
Box = list[float]
NEAR, FAR = [0.0, 0.0, 10.0, 10.0], [200.0, 0.0, 10.0, 10.0]
THIRD = [5.0, 0.0, 10.0, 10.0]  # IoU 50 / 150 with NEAR
OUTSIDE = [400.0, 400.0, 10.0, 10.0]


def told(sets: Coco) -> Errors:
    truth = from_annotations(sets[0])
    found = from_results(truth, sets[1])
    return errors(truth, found, trace(truth, found))


def picture(
    objects: list[tuple[int, Box]],
    detections: list[tuple[int, Box, float]],
    crowd: Box | None = None,
) -> Coco:
    rows: list[dict[str, Any]] = [
        {
            "id": n,
            "image_id": 0,
            "category_id": label,
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": 0,
        }
        for n, (label, box) in enumerate(objects, start=1)
    ]
    if crowd:
        rows.append(
            {"id": 99, "image_id": 0, "category_id": CAT, "bbox": crowd, "area": 1.0, "iscrowd": 1}
        )
    truth = {
        "images": [{"id": 0}],
        "categories": [{"id": CAT, "name": "cat"}, {"id": DOG, "name": "dog"}],
        "annotations": rows,
    }
    return truth, [
        {"image_id": 0, "category_id": label, "bbox": box, "score": s}
        for label, box, s in detections
    ]


HALF = 51 / 101  # AP of one of two objects found, with nothing wrong before it


@pytest.mark.parametrize(
    ("kind", "objects", "detections", "lost"),
    [
        ("classification", [(CAT, NEAR)], [(DOG, NEAR, 0.9)], 1.0),
        ("localisation", [(CAT, NEAR)], [(CAT, THIRD, 0.9)], 1.0),
        # dogs: one wrong before the right one, precision 1/2; cats: found
        (
            "both",
            [(CAT, NEAR), (DOG, FAR)],
            [(CAT, NEAR, 0.9), (DOG, THIRD, 0.9), (DOG, FAR, 0.5)],
            0.25,
        ),
        # the second of two objects comes after the duplicate: precision 2/3 for the upper 50 of 101 recalls
        (
            "duplicate",
            [(CAT, NEAR), (CAT, FAR)],
            [(CAT, NEAR, 0.9), (CAT, NEAR, 0.8), (CAT, FAR, 0.7)],
            50 / 101 / 3,
        ),
        ("background", [(CAT, NEAR)], [(CAT, OUTSIDE, 0.9), (CAT, NEAR, 0.5)], 0.5),
        ("missed", [(CAT, NEAR), (CAT, FAR)], [(CAT, NEAR, 0.9)], 1 - HALF),
    ],
)
def test_each_kind_is_told_and_costs_what_mending_it_gives(
    kind: str, objects: list[tuple[int, Box]], detections: list[tuple[int, Box, float]], lost: float
) -> None:
    found = told(picture(objects, detections))

    assert found.counts == {other: int(other == kind) for other in ERROR_KINDS}
    assert found.lost[kind] == pytest.approx(lost)
    assert all(found.lost[other] == pytest.approx(0) for other in ERROR_KINDS if other != kind)


def test_of_two_detections_that_would_find_one_object_the_better_scored_does() -> None:
    """Mended, the first is right and the second goes; without that it would be wrong after recall 1, at no cost."""
    found = told(
        picture([(CAT, NEAR), (CAT, FAR)], [(CAT, THIRD, 0.9), (CAT, THIRD, 0.8), (CAT, FAR, 0.7)])
    )

    # before: the third is right, precision 1/3 up to recall 1/2; after: both right, nothing wrong
    assert found.counts["localisation"] == 2
    assert found.lost["localisation"] == pytest.approx(1 - HALF / 3)


def test_an_imprecise_box_of_an_object_that_is_found_is_only_taken_away() -> None:
    found = told(picture([(CAT, NEAR)], [(CAT, THIRD, 0.9), (CAT, NEAR, 0.8)]))

    assert found.lost["localisation"] == pytest.approx(0.5)


def test_what_lies_in_a_crowd_is_no_error_and_a_crowd_is_not_missed() -> None:
    found = told(
        picture(
            [(CAT, NEAR)], [(CAT, NEAR, 0.9), (CAT, OUTSIDE, 0.8)], crowd=[390.0, 390.0, 50.0, 50.0]
        )
    )

    assert set(found.counts.values()) == {0}


def test_all_false_and_all_missing_are_stated_as_well() -> None:
    found = told(picture([(CAT, NEAR), (CAT, FAR)], [(CAT, OUTSIDE, 0.9), (CAT, NEAR, 0.8)]))

    assert found.lost["false_positives"] == pytest.approx(HALF - HALF / 2)
    assert found.lost["false_negatives"] == pytest.approx(0.5 - HALF / 2)


def test_without_any_object_nothing_is_lost() -> None:
    found = told(picture([], [(CAT, NEAR, 0.9)]))

    assert found.counts["background"] == 1
    assert set(found.lost.values()) == {0.0}


def iou(a: Box, b: Box) -> float:
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    inner = max(across, 0) * max(down, 0)
    return inner / (a[2] * a[3] + b[2] * b[3] - inner)


def naive_kind(detection: dict[str, Any], objects: list[dict[str, Any]]) -> str:
    """The published definitions, object by object."""
    here = [row for row in objects if row["image_id"] == detection["image_id"]]
    own = [
        iou(detection["bbox"], o["bbox"])
        for o in here
        if o["category_id"] == detection["category_id"]
    ]
    other = [
        iou(detection["bbox"], o["bbox"])
        for o in here
        if o["category_id"] != detection["category_id"]
    ]
    if 0.1 <= max(own, default=0) < 0.5:
        return "localisation"
    if max(other, default=0) >= 0.5:
        return "classification"
    if max(own, default=0) >= 0.5:
        return "duplicate"
    return "background" if max(other, default=0) < 0.1 else "both"


@pytest.mark.parametrize("seed", range(3))
def test_false_detections_are_of_the_kinds_that_a_plain_loop_finds(seed: int) -> None:
    annotations, results = made(seed, pictures=8, classes=3)
    truth = from_annotations(annotations)
    found = from_results(truth, results)
    traced = trace(truth, found)
    correct, ignored = traced.matches.flags(0, 0)
    false = traced.rows[~correct & ~ignored]

    kinds = [naive_kind(results[row], annotations["annotations"]) for row in false]

    told_errors = errors(truth, found, traced)
    assert {kind: kinds.count(kind) for kind in ERROR_KINDS[:-1]} == {
        k: told_errors.counts[k] for k in ERROR_KINDS[:-1]
    }


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=30, deadline=None)
def test_every_false_detection_is_of_one_kind_and_no_mending_costs_anything(
    seed: int, ties: bool
) -> None:
    annotations, results = made(seed, pictures=6, classes=3, crowd=0.1, ties=ties)
    truth = from_annotations(annotations)
    found = from_results(truth, results)
    traced = trace(truth, found)
    correct, ignored = traced.matches.flags(0, 0)

    told_errors = errors(truth, found, traced)

    false = sum(told_errors.counts[kind] for kind in ERROR_KINDS if kind != "missed")
    assert false == int((~correct & ~ignored).sum())
    assert told_errors.counts["missed"] <= int((~truth.crowd).sum() - correct.sum())
    assert min(told_errors.lost.values()) >= -1e-12
