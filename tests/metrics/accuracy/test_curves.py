import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from suite.metrics.accuracy.curves import Curves, curves, fitness

GOLDEN = json.loads((Path(__file__).parents[2] / "golden/yolov5/ops.json").read_text())[
    "ap_per_class"
]


def uniform(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The golden files' numbers in [0, 1): the raw bit stream of a generator seeded by the key."""
    raw = np.random.PCG64([20230517, zlib.crc32(key.encode())]).random_raw(int(np.prod(shape)))
    return ((raw >> 11) * 2.0**-53).reshape(shape)


@pytest.fixture(scope="module")
def golden() -> Curves:
    """240 detections and 90 targets of 4 classes, as the golden README describes them."""
    u = uniform("ap", (240, 3))
    scores, labels = u[:, 0], np.floor(4 * u[:, 1]).astype(np.int64)
    truth = np.floor(4 * uniform("ap:t", (90,))).astype(np.int64)
    survives = (
        np.array([uniform(f"ap:{k}", (240,)) < 1 - 0.08 * k for k in range(10)]).cumprod(axis=0).T
        > 0
    )
    correct = (u[:, 2] < 0.25 + 0.5 * scores)[:, None] & survives
    order = np.argsort(-scores)
    for label in range(4):
        mine = order[labels[order] == label]
        for threshold in range(10):
            hits = mine[correct[mine, threshold]]
            correct[hits[(truth == label).sum() :], threshold] = False
    assert correct.sum(axis=0).tolist() == GOLDEN["correct_per_iou"]
    return curves(correct, scores, labels, truth)


def test_ap_equals_the_references(golden: Curves) -> None:
    assert golden.classes.tolist() == GOLDEN["classes"]
    assert golden.ap == pytest.approx(np.array(GOLDEN["ap"]), abs=1e-7)
    assert golden.ap[:, 0].mean() == pytest.approx(GOLDEN["map50"], abs=1e-7)
    assert golden.ap.mean() == pytest.approx(GOLDEN["map"], abs=1e-7)


@pytest.mark.parametrize("figure", ["precision", "recall", "f1"])
def test_the_working_point_equals_the_references(golden: Curves, figure: str) -> None:
    assert getattr(golden, figure) == pytest.approx(np.array(GOLDEN[figure]), abs=1e-6)


def test_the_counts_at_the_working_point_equal_the_references(golden: Curves) -> None:
    assert golden.true.tolist() == GOLDEN["tp_at_max_f1"]
    assert golden.false.tolist() == GOLDEN["fp_at_max_f1"]


def test_a_class_without_detections_has_no_precision_and_no_ap() -> None:
    found = curves(np.ones((1, 1), bool), np.array([0.5]), np.array([0]), np.array([0, 3]))

    assert found.classes.tolist() == [0, 3]
    assert found.ap[:, 0].tolist() == [pytest.approx(1.0, abs=0.01), 0.0]
    assert (found.precision[1], found.recall[1]) == (0, 0)


def test_without_targets_there_is_nothing_to_say() -> None:
    found = curves(np.zeros((1, 1), bool), np.array([0.5]), np.array([0]), np.array([], np.int64))

    assert len(found.ap) == 0


@pytest.mark.parametrize("place", range(4), ids=["precision", "recall", "ap50", "ap"])
def test_fitness_weighs_each_figure_as_the_reference_does(place: int) -> None:
    golden = json.loads((Path(__file__).parents[2] / "golden/yolov5/ops.json").read_text())

    figures = [float(index == place) for index in range(4)]

    assert fitness(*figures) == golden["fitness_weights_P_R_map50_map"][place]
