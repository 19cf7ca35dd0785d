"""What is measured of detections beside COCO's numbers, and who vouches for these."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from suite.metrics.accuracy import assess
from suite.metrics.accuracy.assess import Evaluator
from suite.metrics.accuracy.coco_match import from_results
from suite.metrics.accuracy.coco_reference import EvaluatorError, agree, pycocotools_numbers
from suite.metrics.accuracy.stored import read_results, write_results
from suite.metrics.definitions import CALIBRATION, COCO, ERRORS
from suite.record import Measurement
from tests.metrics.accuracy.made_detections import from_annotations, made

ANNOTATIONS, RESULTS = made(5, classes=4, crowd=0.1)
NAMES = [metric.name for metric in COCO]


def assessed(
    evaluator: Evaluator = "checked", results: list[dict[str, Any]] = RESULTS
) -> dict[str, Measurement]:
    truth = from_annotations(ANNOTATIONS)
    found = from_results(truth, results)
    made_of = assess.assess(
        truth, found, {"iou": 0.6}, evaluator=evaluator, annotations=lambda: ANNOTATIONS
    )
    return {m.metric: m for m in made_of.measurements}


@pytest.fixture(scope="module")
def found() -> dict[str, Measurement]:
    return assessed()


def test_the_numbers_are_pycocotools(found: dict[str, Measurement]) -> None:
    expected = pycocotools_numbers(ANNOTATIONS, RESULTS)

    assert [found[name].samples[0] for name in NAMES] == pytest.approx(expected, abs=1e-12)


def test_the_evidence_says_that_the_evaluators_agree(found: dict[str, Measurement]) -> None:
    notes: Any = found["ap"].notes

    assert notes["evaluator"] == "fast"
    assert notes["agreement"]["with"].startswith("pycocotools 2.")
    assert notes["agreement"]["largest_difference"] <= 1e-12


def test_pycocotools_alone_and_the_twin_alone_say_so() -> None:
    alone, fast = (assessed(evaluator)["ap"].notes for evaluator in ("pycocotools", "fast"))

    assert (alone["evaluator"], fast["evaluator"]) == ("pycocotools", "fast")
    assert "agreement" not in alone
    assert "agreement" not in fast


def test_evaluators_that_disagree_are_an_error_that_names_the_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = list(pycocotools_numbers(ANNOTATIONS, RESULTS))
    expected[2] += 2e-12
    monkeypatch.setattr(assess, "pycocotools_numbers", lambda *_: tuple(expected))

    with pytest.raises(
        EvaluatorError, match=r"^ap75: the fast evaluator gives .*, pycocotools .* they must agree"
    ):
        assessed()


def test_a_number_that_is_none_is_no_agreement() -> None:
    with pytest.raises(EvaluatorError, match=r"^ap: "):
        agree(["ap"], [0.5], [float("nan")])


def test_ap_by_class_averages_to_ap(found: dict[str, Measurement]) -> None:
    by_class: Any = found["ap"].notes["by_class"]

    assert list(by_class) == [row["name"] for row in ANNOTATIONS["categories"]]
    assert sum(by_class.values()) / 4 == pytest.approx(found["ap"].samples[0], abs=1e-12)


@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_ap_by_class_and_size_averages_to_ap_of_the_size(
    found: dict[str, Measurement], size: str
) -> None:
    by_class: Any = found["ap"].notes["by_class_and_size"]
    there = [value for value in by_class[size].values() if value is not None]

    assert sum(there) / len(there) == pytest.approx(found[f"ap_{size}"].samples[0], abs=1e-12)


def test_precision_falls_along_the_recall_and_starts_where_ap_does(
    found: dict[str, Measurement],
) -> None:
    kept: Any = found["ap50"].notes["precision_recall"]

    assert kept["recall"] == [round(0.05 * step, 2) for step in range(21)]
    assert list(kept["mean"]) == [f"0.{50 + 5 * step}" for step in range(10)]
    for curve in (*kept["mean"].values(), *kept["by_class"].values()):
        assert all(0 <= after <= before <= 1 for before, after in pairwise(curve))
    mean = sum(kept["mean"]["0.50"]) / 21
    assert mean == pytest.approx(found["ap50"].samples[0], abs=0.05)


def test_every_kind_of_error_is_measured_with_its_bounds(found: dict[str, Measurement]) -> None:
    lost = [m for name, m in found.items() if name.startswith("lost_")]

    assert len(lost) == 8
    assert all(m.settings == {"iou": 0.6, "foreground": 0.5, "background": 0.1} for m in lost)


def test_without_detections_there_are_numbers_but_no_calibration() -> None:
    found = assessed(results=[])

    assert found["ap"].samples == (0.0,)
    assert found["lost_missed"].notes["count"] == sum(
        not row["iscrowd"] for row in ANNOTATIONS["annotations"]
    )
    assert "calibration_error" not in found


def test_everything_measured_is_plain_json(found: dict[str, Measurement]) -> None:
    for measurement in found.values():
        json.dumps(
            [measurement.samples, dict(measurement.settings), dict(measurement.notes)],
            allow_nan=False,
        )


def test_every_measurement_has_its_metric(found: dict[str, Measurement]) -> None:
    assert list(found) == [metric.name for metric in (*COCO, *ERRORS, CALIBRATION)]


def test_results_come_back_from_their_file_packed_or_not(tmp_path: Path) -> None:
    packed = write_results(RESULTS, tmp_path / "a/detections.json.gz")
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps(RESULTS))

    assert read_results(packed) == read_results(plain) == RESULTS
    assert [path.name for path in packed.parent.iterdir()] == ["detections.json.gz"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no json", "cannot be read as detections"),
        (b"\x1f\x8bno gzip", "cannot be read as detections"),
        (b"{}", "holds a dict; detections are a list of COCO results"),
        (b"[3]", "[0] is no COCO result; one has image_id, category_id, bbox, score"),
        (
            b'[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3], "score": 1}]',
            "[0] has bbox [1, 2, 3]; it must be four numbers",
        ),
        (
            b'[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, NaN], "score": 1}]',
            "[0] has bbox [1, 2, 3, nan]; it must be four numbers",
        ),
        (
            b'[{"image_id": [1], "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]',
            "[0] has image_id [1]; it must be a number, or a word",
        ),
        (
            b'[{"image_id": 1, "category_id": {}, "bbox": [1, 2, 3, 4], "score": 1}]',
            "[0] has category_id {}; it must be a whole number",
        ),
        (
            b'[{"image_id": 1, "category_id": true, "bbox": [1, 2, 3, 4], "score": 1}]',
            "[0] has category_id True; it must be a whole number",
        ),
        (
            b'[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": "0.9"}]',
            "[0] has score '0.9'; it must be a number",
        ),
        (
            b'[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}]',
            "[0] is no COCO result; one has image_id, category_id, bbox, score",
        ),
    ],
)
def test_a_file_of_something_else_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "d.json"
    path.write_bytes(content)

    with pytest.raises(ValueError) as caught:
        read_results(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
