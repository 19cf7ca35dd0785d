import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from suite.datasets.split import Split
from suite.metrics.accuracy.coco_reference import pycocotools_numbers
from suite.metrics.accuracy.detections import Evaluation, evaluate
from suite.metrics.definitions import ACCURACY
from suite.nn.boxes import xyxy_to_cxcywh
from suite.spec.records.objective import Suppression
from tests.datasets.made_pictures import made_picture, made_split

SIZE = 64


class Oracle(nn.Module):
    """Finds what it is told, picture after picture: rows of x, y, w, h in the picture's pixels, score, class.

    Pictures must be 64 x 48: then the network's image is the picture, 8 pixels lower.
    """

    name, strides, graph = "oracle", (32,), ()

    def __init__(self, found: list[list[list[float]]], classes: int = 2) -> None:
        super().__init__()
        self.classes, self.found, self.seen = classes, found, 0

    def predict(self, images: Tensor) -> Tensor:
        assert not self.training
        assert images.shape[1:] == (3, SIZE, SIZE)
        assert images.max() <= 1
        told = self.found[self.seen : self.seen + len(images)]
        self.seen += len(images)
        out = torch.zeros(
            len(images), max((len(rows) for rows in told), default=0) + 1, 5 + self.classes
        )
        for image, rows in enumerate(told):
            for index, (x, y, width, height, sure, label) in enumerate(rows):
                corners = torch.tensor([[x, y + 8, x + width, y + height + 8]])
                out[image, index, :4] = xyxy_to_cxcywh(corners)[0]
                out[image, index, 4], out[image, index, 5 + int(label)] = 1.0, sure
        return out


def oracle(found: list[list[list[float]]], classes: int = 2) -> Any:
    """An Oracle in the place of a detector."""
    return Oracle(found, classes)


def truth_of(split: Split, sure: float = 0.9) -> list[list[list[float]]]:
    return [
        [
            [*box, sure, int(label)]
            for box, label in zip(picture.boxes.tolist(), picture.labels, strict=True)
        ]
        for picture in split.pictures
    ]


def numbers(evaluation: Evaluation) -> dict[str, float]:
    return {m.metric: m.samples[0] for m in evaluation.measurements}


def notes(evaluation: Evaluation, metric: str) -> dict:
    return dict(next(m.notes for m in evaluation.measurements if m.metric == metric))


@pytest.fixture
def split(tmp_path: Path) -> Split:
    first = made_picture(tmp_path, 0, (64, 48), [[4, 4, 12, 12], [30, 10, 20, 30]], labels=[0, 1])
    second = made_picture(tmp_path, 7, (64, 48), [[20, 10, 40, 33]], labels=[1])
    return made_split(tmp_path, first, second)


def test_perfect_detections_score_1(split: Split) -> None:
    evaluation = evaluate(oracle(truth_of(split)), split, image_size=SIZE, batch=1)

    found = numbers(evaluation)
    assert [found[name] for name in ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ar_100")] == [
        pytest.approx(1.0)
    ] * 6


def test_detections_carry_the_files_own_ids_and_the_pictures_pixels(split: Split) -> None:
    evaluation = evaluate(oracle(truth_of(split)), split, image_size=SIZE)

    assert list(evaluation.detections) == [
        {"image_id": 0, "category_id": 3, "bbox": [4, 4, 12, 12], "score": 0.9},
        {"image_id": 0, "category_id": 6, "bbox": [30, 10, 20, 30], "score": 0.9},
        {"image_id": 7, "category_id": 6, "bbox": [20, 10, 40, 33], "score": 0.9},
    ]


def test_detections_are_cut_at_the_edge_of_the_picture(split: Split) -> None:
    over = [[[-10, -5, 30, 20, 0.9, 0]], []]

    (detection,) = evaluate(oracle(over), split, image_size=SIZE).detections

    assert detection["bbox"] == [0, 0, 20, 15]


def test_half_the_objects_of_one_class_give_half_the_recall(split: Split) -> None:
    """One of class 1's two objects is found, first: precision 1 up to recall 0.5, which is 51 of 101 thresholds."""
    found = truth_of(split)
    found[1] = []

    evaluation = evaluate(oracle(found), split, image_size=SIZE)

    by_class = notes(evaluation, "ap50")["by_class"]
    assert by_class == {"cat": pytest.approx(1.0), "dog": pytest.approx(51 / 101)}
    assert numbers(evaluation)["ap50"] == pytest.approx((1 + 51 / 101) / 2)


def test_the_working_point_has_precision_and_recall_by_class(split: Split) -> None:
    """Both classes are found; a third dog, seen where there is none, makes one of three dogs wrong."""
    found = truth_of(split)
    found[0].append([2, 30, 10, 10, 0.9, 1])

    point = notes(evaluate(oracle(found), split, image_size=SIZE), "ap50")["working_point"]

    assert point["precision"] == {"cat": pytest.approx(1.0), "dog": pytest.approx(2 / 3)}
    assert point["recall"] == {"cat": pytest.approx(1.0), "dog": pytest.approx(1.0)}


def test_no_detections_at_all_score_0(split: Split) -> None:
    evaluation = evaluate(oracle([[], []]), split, image_size=SIZE)

    found = numbers(evaluation)
    assert evaluation.detections == ()
    assert {value for name, value in found.items() if name != "detections"} == {0.0}
    assert notes(evaluation, "detections") == {
        "pictures": [{"id": 0, "boxes": []}, {"id": 7, "boxes": []}]
    }


def test_a_number_without_objects_is_absent_and_explained(split: Split) -> None:
    """No box of these pictures is above 96 x 96 pixels: COCO's -1 is no accuracy."""
    evaluation = evaluate(oracle(truth_of(split)), split, image_size=SIZE)

    assert {"ap_large", "ar_large"}.isdisjoint(numbers(evaluation))
    assert set(notes(evaluation, "ap")["absent"]) == {"ap_large", "ar_large"}


def test_a_class_without_objects_has_no_ap(split: Split, tmp_path: Path) -> None:
    three = made_split(tmp_path, *split.pictures, names=("cat", "dog", "bird"))

    evaluation = evaluate(oracle(truth_of(three), classes=3), three, image_size=SIZE)

    assert notes(evaluation, "ap50")["by_class"]["bird"] is None
    assert numbers(evaluation)["ap50"] == pytest.approx(1.0)


def test_a_detection_in_a_crowd_region_is_no_mistake(tmp_path: Path) -> None:
    boxes: list[list[float]] = [[4, 4, 12, 12], [30, 0, 30, 48]]
    split = made_split(
        tmp_path, made_picture(tmp_path, 1, (64, 48), boxes, labels=[0, 0], crowd=[False, True])
    )
    in_crowd = [35, 5, 10, 10, 0.95, 0]

    evaluation = evaluate(oracle([[[*boxes[0], 0.9, 0], in_crowd]]), split, image_size=SIZE)

    assert numbers(evaluation)["ap"] == pytest.approx(1.0)


def test_the_gallery_keeps_confident_detections_in_its_own_pixels(tmp_path: Path) -> None:
    split = made_split(
        tmp_path, made_picture(tmp_path, 5, (640, 480), [[100, 40, 200, 60]], labels=[1])
    )
    sure, unsure = [10, 4, 20, 6, 0.8, 1], [40, 20, 10, 10, 0.1, 0]

    evaluation = evaluate(oracle([[sure, unsure]]), split, image_size=SIZE)

    assert len(evaluation.detections) == 2
    assert notes(evaluation, "detections") == {
        "pictures": [{"id": 5, "boxes": [[50, 20, 100, 30, 0.8, 1]]}]
    }


def test_settings_say_how_it_was_evaluated(split: Split) -> None:
    evaluation = evaluate(oracle([[], []]), split, image_size=SIZE)

    assert evaluation.measurements[0].settings == {
        "image_size": 64,
        "letterbox": "square",
        "confidence": 0.001,
        "iou": 0.6,
        "max_detections": 300,
        "pictures": 2,
    }


def test_a_model_of_other_classes_is_refused(split: Split) -> None:
    with pytest.raises(ValueError, match=r"oracle: scores 80 classes, but .* has 2 categories"):
        evaluate(oracle([], classes=80), split, image_size=SIZE)


def test_a_model_that_is_not_finite_is_an_error_and_not_a_low_score(split: Split) -> None:
    found = truth_of(split)
    found[0][0][4] = math.nan

    with pytest.raises(ValueError, match="not finite"):
        evaluate(oracle(found), split, image_size=SIZE)


def test_scoring_prints_nothing(split: Split, capsys: pytest.CaptureFixture[str]) -> None:
    pycocotools_numbers(split.annotations, [])

    assert capsys.readouterr().out == ""


def test_every_number_is_defined_by_a_metric(split: Split) -> None:
    evaluation = evaluate(oracle(truth_of(split)), split, image_size=SIZE)

    units = {metric.name: (metric.unit, metric.version) for metric in ACCURACY}
    assert all(units[m.metric] == (m.unit, m.metric_version) for m in evaluation.measurements)


TWINS = [[[4, 4, 12, 12, 0.9, 0], [4, 4, 12, 12, 0.8, 0], [4, 4, 12, 12, 0.7, 1]], []]


@pytest.mark.parametrize(
    ("suppression", "scores"),
    [
        (Suppression(), [0.9, 0.7]),
        (Suppression(agnostic=True), [0.9]),
        (Suppression(kind="soft"), [0.9, 0.7, round(0.8 * math.exp(-2), 5)]),  # IoU 1, sigma 0.5
    ],
)
def test_a_variants_own_suppression_is_used(
    split: Split, suppression: Suppression, scores: list[float]
) -> None:
    found = evaluate(oracle(TWINS), split, image_size=SIZE, suppression=suppression).detections

    assert [detection["score"] for detection in found] == pytest.approx(scores)


def test_a_variants_own_suppression_stands_in_the_settings(split: Split) -> None:
    own = Suppression(kind="diou", iou=0.4)

    usual, changed = (
        evaluate(oracle(TWINS), split, image_size=SIZE, suppression=how).measurements[0].settings
        for how in (Suppression(), own)
    )

    assert usual["iou"] == 0.6
    assert "suppression" not in usual
    assert (changed["iou"], changed["suppression"]) == (0.4, {"kind": "diou", "iou": 0.4})
