"""YOLOv5's own `.pt` files through `eval` and `detect`: stand-in classes, golden values, and one that means harm."""

import json
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from suite.cli.main import main
from suite.metrics.accuracy.coco_reference import pycocotools_numbers
from suite.nn.detector import Detector, build
from suite.nn.weights.checkpoint import load_weights
from suite.spec.library import Library
from tests.narrowing import present
from tests.nn.reference_checkpoint import reference_state, write_archive, write_reference
from tests.nn.reference_fill import fill, golden, image

CASE = golden("yolov5n-nc3")
# of the pictures; their letterbox is 128 x 128 with 16 grey rows above and below
SIZE, HIGH = 128, 96
CONFIDENCE, IOU, MOST = 0.001, 0.6, 300
Box = tuple[float, float, float, float]
Row = tuple[float, float, float, float, float, int]  # left, top, right, bottom, score, class


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as YOLOv5 ships them, in half precision, with the golden values for three classes."""
    model = build(Library().load("yolov5n"), CASE["nc"])
    assert fill(model) == CASE["fill_sha256"]
    path = tmp_path_factory.mktemp("official") / "yolov5n.pt"
    write_reference(path, reference_state(model))
    return path


@pytest.fixture(scope="module")
def loaded(official: Path) -> Detector:
    model = build(Library().load("yolov5n"), CASE["nc"])
    load_weights(model, official)
    return model.eval()


def test_an_official_file_gives_the_golden_boxes_to_half_a_pixel_and_scores_to_0_005(
    loaded: Detector,
) -> None:
    """Halves for weights cost less than that."""
    with torch.inference_mode():
        found = loaded.predict(image("2x3x128x128"))[0].flatten()[:48].reshape(6, 8)

    expected = torch.tensor(CASE["forward"]["2x3x128x128"]["decoded_first50_f32"][:48]).reshape(
        6, 8
    )
    assert (found[:, :4] - expected[:, :4]).abs().max() < 0.5
    assert (found[:, 4:] - expected[:, 4:]).abs().max() < 0.005


def naive_detections(model: Detector, picture: np.ndarray) -> list[Row]:
    """The published protocol in plain steps: letterbox, every class above the threshold, greedy suppression."""
    canvas = np.full((SIZE, SIZE, 3), 114, np.uint8)
    canvas[16 : 16 + HIGH] = picture
    with torch.inference_mode():
        rows = (
            model.predict(torch.from_numpy(canvas).permute(2, 0, 1)[None].float() / 255)[0]
            .double()
            .numpy()
        )
    scores = rows[:, 5:] * rows[:, 4:5]
    found: list[Row] = []
    for label in range(scores.shape[1]):
        mine = [
            i for i in np.argsort(-scores[:, label], kind="stable") if scores[i, label] > CONFIDENCE
        ]
        x, y, width, height = rows[mine, :4].T
        boxes = np.stack((x - width / 2, y - height / 2, x + width / 2, y + height / 2), axis=1)
        alive = np.ones(len(mine), bool)
        for place, index in enumerate(mine):
            if not alive[place]:
                continue
            found.append((*boxes[place], scores[index, label], label))
            alive[place + 1 :] &= ious(boxes[place], boxes[place + 1 :]) <= IOU
    found.sort(key=lambda row: -row[4])
    return [
        (max(a, 0), min(max(b - 16, 0), HIGH), min(c, SIZE), min(max(d - 16, 0), HIGH), s, k)
        for a, b, c, d, s, k in found[:MOST]
    ]


def ious(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    sides = (np.minimum(one[2:], others[:, 2:]) - np.maximum(one[:2], others[:, :2])).clip(min=0)
    inner = sides.prod(axis=1)
    array: np.ndarray = inner / (
        (one[2:] - one[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - inner
    )
    return array


@pytest.fixture(scope="module")
def made(
    loaded: Detector, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any], list[Any]]:
    """Pictures of noise whose objects are some of the detections, a little beside them; and all detections."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "images").mkdir()
    stream = np.random.default_rng(1)
    annotations: dict[str, Any] = {
        "images": [
            {"id": n, "file_name": f"{n}.png", "width": SIZE, "height": HIGH} for n in range(3)
        ],
        "categories": [{"id": 5 * k + 2, "name": f"stand-in {k}"} for k in range(3)],
        "annotations": [],
    }
    results: list[Any] = []
    for n in range(3):
        coarse = stream.integers(0, 256, (HIGH // 8, SIZE // 8, 3), dtype=np.uint8)
        picture = cv2.resize(coarse, (SIZE, HIGH), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"images/{n}.png"), picture[:, :, ::-1])
        rows = naive_detections(loaded, picture)
        for left, top, right, bottom, score, label in rows:
            box = [float(v) for v in (left, top, right - left, bottom - top)]
            results.append(
                {"image_id": n, "category_id": 5 * label + 2, "bbox": box, "score": float(score)}
            )
        for chosen in (0, 3, 11, 40):
            left, top, right, bottom, _, label = rows[chosen]
            box = [left + 1.0, top, max(right - left - 2.0, 1.0), max(bottom - top, 1.0)]
            row = {
                "image_id": n,
                "category_id": 5 * label + 2,
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
            annotations["annotations"].append({"id": len(annotations["annotations"]) + 1, **row})
    (folder / "instances_val.json").write_text(json.dumps(annotations))
    return folder, annotations, results


def test_eval_of_an_official_file_is_what_pycocotools_gives_for_the_published_protocol(
    official: Path, made: tuple[Path, dict[str, Any], list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, annotations, results = made

    arguments = ["--weights", str(official), "--data", str(folder), "--imgsz", str(SIZE), "--json"]
    assert main(["eval", "yolov5n", *arguments]) == 0

    numbers = json.loads(capsys.readouterr().out)["data"]["numbers"]
    expected = pycocotools_numbers(annotations, results)
    assert 0.05 < expected[0] < 0.95
    assert [-1 if value is None else value for value in numbers.values()] == pytest.approx(
        expected, abs=0.001
    )


def test_detect_of_an_official_file_finds_the_same_boxes(
    official: Path,
    made: tuple[Path, dict[str, Any], list[Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`detect` pads to the next stride only, here not at all, and keeps the best class of a box."""
    folder, _, _ = made
    arguments = [
        "--weights",
        str(official),
        "--out",
        str(tmp_path),
        "--imgsz",
        str(SIZE),
        "--conf",
        "0.2",
        "--json",
    ]
    assert main(["detect", "yolov5n", str(folder / "images/0.png"), *arguments]) == 0

    found = json.loads(capsys.readouterr().out)["data"][0]["boxes"]
    picture = present(cv2.imread(str(folder / "images/0.png")))[:, :, ::-1].copy()
    expected = best_class_detections(official, picture)
    assert len(found) == len(expected) > 5
    for box, (left, top, right, bottom, score, label) in zip(found, expected, strict=True):
        assert box["label"] == label
        assert box["box"] == pytest.approx([left, top, right - left, bottom - top], abs=0.5)
        assert box["score"] == pytest.approx(score, abs=0.005)


def best_class_detections(official: Path, picture: np.ndarray) -> list[Row]:
    """One class a box, IoU 0.45, on the picture without a border."""
    model = build(Library().load("yolov5n"), CASE["nc"])
    load_weights(model, official)
    with torch.inference_mode():
        tensor = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
        rows = model.eval().predict(tensor)[0].double().numpy()
    scores = rows[:, 5:] * rows[:, 4:5]
    label, best = scores.argmax(axis=1), scores.max(axis=1)
    kept: list[Row] = []
    for i in np.argsort(-best, kind="stable"):
        x, y, width, height = rows[i, :4]
        box = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
        rivals = np.array([row[:4] for row in kept if row[5] == label[i]]).reshape(-1, 4)
        if best[i] > 0.2 and not (ious(box, rivals) > 0.45).any():
            kept.append((*box, best[i], int(label[i])))
    high = (SIZE, HIGH, SIZE, HIGH)
    return [(*clipped(row[:4], high), *row[4:]) for row in kept]


def clipped(box: Box, high: Box) -> Box:
    left, top, right, bottom = (min(max(v, 0), limit) for v, limit in zip(box, high, strict=True))
    return left, top, right, bottom


class Harm:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_eval_refuses_a_file_that_means_harm_and_runs_nothing_of_it(
    tmp_path: Path, made: tuple[Path, dict[str, Any], list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    mark = tmp_path / "harmed"
    write_archive(tmp_path / "evil.pt", pickle.dumps({"model": Harm(mark)}, protocol=2), {})

    code = main(["eval", "yolov5n", "--weights", str(tmp_path / "evil.pt"), "--data", str(made[0])])

    out, err = capsys.readouterr()
    assert (code, out, mark.exists()) == (2, "", False)
    assert "evil.pt" in err
    assert len(err.splitlines()) == 1
