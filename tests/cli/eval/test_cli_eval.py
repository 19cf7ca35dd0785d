"""`eval` as a user calls it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from suite.cli.eval import scoring
from suite.cli.main import main
from suite.datasets.builtin.shapes import ensure
from suite.datasets.split import Category, Picture, Split
from suite.machine.eight_bits import weight_bits
from suite.nn.detector import build
from suite.nn.weights.checkpoint import save_checkpoint
from suite.record import Json
from suite.session.detectors import LoadedDetector
from suite.spec.library import Library
from suite.spec.records.objective import Suppression
from suite.stats.matches import load
from tests.datasets.written_forms import write_coco, write_voc, write_yolo
from tests.narrowing import stand_in

WRITERS = {"COCO JSON": write_coco, "YOLO txt": write_yolo, "Pascal VOC": write_voc}

SHAPES: list[Json] = ["disc", "square", "triangle", "cross"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return ensure(tmp_path_factory.mktemp("data") / "set", train=1, val=3)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A checkpoint as `train` writes it, of an untrained network."""
    model = build(Library().load("yolov5p"), 4, seed=0)
    facts: dict[str, Json] = {"class_names": SHAPES, "image_size": 128}
    return save_checkpoint(tmp_path_factory.mktemp("weights") / "p.safetensors", model, facts)


def test_eval_prints_cocos_twelve_numbers_and_every_class(weights, data, capsys):
    assert main(["eval", "yolov5p", "--weights", str(weights), "--data", str(data)]) == 0

    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    names = [line[0] for line in lines]
    assert names[:4] == ["NUMBER", "AP", "AP50", "AP75"]
    assert names.index("") == 13
    assert names[14:19] == ["CLASS", *SHAPES]
    assert names[20] == "AP50 LOST TO"
    assert all(0 <= float(line[1]) <= 1 for line in lines[1:13] if line[1] != "n/a")


def test_eval_json_states_the_published_protocol(weights, data, capsys):
    assert main(["eval", "yolov5p", "--weights", str(weights), "--data", str(data), "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert document["command"] == "eval"
    settings = document["data"]["settings"]
    assert {key: settings[key] for key in ("confidence", "iou", "max_detections", "letterbox")} == {
        "confidence": 0.001,
        "iou": 0.6,
        "max_detections": 300,
        "letterbox": "square",
    }
    assert settings["image_size"] == 128  # what the checkpoint was trained at
    assert list(document["data"]["ap50_by_class"]) == SHAPES
    assert set(document["data"]["working_point"]) == {"confidence", "precision", "recall"}


def test_eval_says_that_pycocotools_agrees(weights, data, capsys):
    assert main(["eval", "yolov5p", "--weights", str(weights), "--data", str(data)]) == 0

    assert "the twelve numbers equal those of pycocotools" in capsys.readouterr().err


def evaluated(capsys, *arguments: str) -> dict:
    assert main(["eval", *arguments, "--json"]) == 0
    document: dict = json.loads(capsys.readouterr().out)["data"]
    return document


def test_kept_detections_give_the_same_numbers_without_the_model(weights, data, tmp_path, capsys):
    out = tmp_path / "kept"
    first = evaluated(
        capsys, "yolov5p", "--weights", str(weights), "--data", str(data), "--out", str(out)
    )

    again = evaluated(capsys, "--detections", str(out / "detections.json.gz"), "--data", str(data))

    assert {**again, "settings": None} == {**first, "settings": None}
    assert again["settings"] == {"detections": "detections.json.gz", "pictures": 3}
    assert len(load(out / "matches.npz").pictures) == 3


def test_rectangular_batches_are_stated(weights, data, capsys):
    told = evaluated(
        capsys, "yolov5p", "--weights", str(weights), "--data", str(data), "--rect", "--batch", "2"
    )

    assert (told["settings"]["letterbox"], told["settings"]["batch"]) == ("rectangular", 2)


def test_a_precision_s_accuracy_is_measured_in_the_runtime_that_has_it(weights, data, capsys):
    pytest.importorskip("onnxruntime", reason="needs .[onnx]")
    pytest.importorskip("onnxscript", reason="needs .[onnx]")
    asked = ["--runtime", "onnxruntime", "--precision", "int8", "--batch", "2"]

    told = evaluated(capsys, "yolov5p", "--weights", str(weights), "--data", str(data), *asked)

    assert {name: told["settings"][name] for name in ("runtime", "precision", "batch")} == {
        "runtime": "onnxruntime",
        "precision": "int8",
        "batch": 2,
    }
    assert told["settings"]["weight_bits"] == weight_bits()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--runtime", "magic"], 5, "eval: no runtime 'magic'; there are: eager, "),
        (
            ["--precision", "int8"],
            5,
            "eval: eager: no precision 'int8' on cpu; there are: fp32, bf16, fp16",
        ),
        (["--runtime", "eager", "--rect"], 2, "--rect changes the shape from batch to batch"),
    ],
)
def test_a_runtime_that_is_not_to_be_had_is_refused(weights, data, capsys, arguments, code, said):
    assert (
        main(["eval", "yolov5p", "--weights", str(weights), "--data", str(data), *arguments])
        == code
    )

    assert said in capsys.readouterr().err


def test_detections_of_other_data_are_refused(data, tmp_path, capsys):
    path = tmp_path / "other.json"
    path.write_text('[{"image_id": 77, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5}]')

    assert main(["eval", "--detections", str(path), "--data", str(data)]) == 2

    assert (
        f"{path}: a detection is of picture 77, which the data does not have"
        in capsys.readouterr().err
    )


def test_evaluators_that_disagree_end_with_the_number_and_exit_code_1(
    weights, data, monkeypatch, capsys
):
    monkeypatch.setattr(
        "suite.metrics.accuracy.detections.assess.pycocotools_numbers", lambda *_: (0.5,) * 12
    )

    assert main(["eval", "yolov5p", "--weights", str(weights), "--data", str(data)]) == 1

    assert "ap: the fast evaluator gives" in capsys.readouterr().err


def test_weights_of_another_number_of_classes_are_refused(data, tmp_path, capsys):
    path = save_checkpoint(
        tmp_path / "w.safetensors", build(Library().load("yolov5p"), 7, seed=0), {}
    )

    assert main(["eval", "yolov5p", "--weights", str(path), "--data", str(data)]) == 2

    assert "scores 7 classes, but" in capsys.readouterr().err


def test_weights_trained_on_other_names_are_refused_unless_places_are_to_count(
    data, tmp_path, capsys
):
    model = build(Library().load("yolov5p"), 4, seed=0)
    path = save_checkpoint(
        tmp_path / "w.safetensors", model, {"class_names": ["a", "b", "c", "d"], "image_size": 64}
    )
    asked = ["eval", "yolov5p", "--weights", str(path), "--data", str(data)]

    codes = [main(asked), main([*asked, "--classes-by-place"])]

    err = capsys.readouterr().err
    assert codes == [2, 0]
    assert "disc, square, triangle, cross, the weights a, b, c, d; both must have" in err
    assert "the weights a, b, c, d; they are taken by place" in err


def test_weights_that_name_no_classes_are_evaluated_with_a_warning(data, tmp_path, capsys):
    model = build(Library().load("yolov5p"), 4, seed=0)
    path = save_checkpoint(tmp_path / "w.safetensors", model, {"image_size": 64})

    assert main(["eval", "yolov5p", "--weights", str(path), "--data", str(data)]) == 0

    err = capsys.readouterr().err
    assert f"{path} names no classes; those of {data} are taken by place" in err


class Knowing(torch.nn.Module):
    """Finds the one white object of every picture, and calls it by its own number for `truth`'s classes."""

    name, classes, strides, graph = "knowing", 3, (8, 16, 32), ()

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names

    def predict(self, images: Tensor) -> Tensor:
        """The red, green or blue one is of the class called so."""
        rows = []
        for image in images:
            channel = int(image.flatten(1).sum(1).argmax())
            ys, xs = torch.nonzero(image[channel] > 0.9, as_tuple=True)
            left, top, right, bottom = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
            scores = [float(name == ("red", "green", "blue")[channel]) for name in self.names]
            box = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
            rows.append([[*(float(side) for side in box), 1.0, *scores]])
        return torch.tensor(rows)


@pytest.mark.parametrize("order", [("red", "green", "blue"), ("green", "red", "blue")])
@pytest.mark.parametrize("form", ["COCO JSON", "YOLO txt", "Pascal VOC"])
def test_a_perfect_detector_is_perfect_whatever_the_order_of_the_names(
    monkeypatch, tmp_path, capsys, form, order
):
    """Place by place two of the three classes would be exchanged, or all three turned round."""
    known = ("red", "blue", "green")
    loaded = LoadedDetector(stand_in(Knowing(known)), known, 64, Suppression(), known)
    monkeypatch.setattr(scoring, "load_detector", lambda *_, **__: loaded)
    folder = WRITERS[form](tmp_path / "set", coloured(tmp_path, order))

    told = evaluated(capsys, "yolov5p", "--weights", "w", "--data", str(folder))

    assert told["numbers"]["ap"] == pytest.approx(1.0)
    assert told["ap_by_class"] == dict.fromkeys(told["ap_by_class"], pytest.approx(1.0))
    assert set(told["ap_by_class"]) == set(known)


def coloured(folder: Path, order: tuple[str, ...]) -> dict[str, Split]:
    """Black pictures of one red, green or blue object, the fourth to train on; the classes are numbered by `order`."""
    pictures = []
    colours = ("red", "green", "blue", "red")
    for number, colour in enumerate(colours, start=1):
        image = np.zeros((64, 64, 3), np.uint8)
        image[8:40, 16:48, 2 - colours.index(colour)] = 255
        file = folder / f"{number}.png"
        cv2.imwrite(str(file), image)
        box = np.array([[16, 8, 32, 32]], np.float64)
        label = np.array([order.index(colour)])
        crowd, area = np.array([False]), np.array([1024.0])
        pictures.append(Picture(number, file, 64, 64, box, label, crowd, area))
    categories = tuple(Category(number, name) for number, name in enumerate(order, start=1))
    parts = {"val": tuple(pictures[:3]), "train": tuple(pictures[3:])}
    return {
        part: Split("made", folder, part, categories, members, (), "")
        for part, members in parts.items()
    }


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["yolov5p", "--weights", "gone.safetensors"], 2, "gone.safetensors: no such file"),
        (["yolov5n", "--weights", "WEIGHTS"], 2, "holds yolov5p with 4 classes, not yolov5n"),
        (["yolov5pp", "--weights", "WEIGHTS"], 2, "did you mean 'yolov5p'"),
        (["yolov5p", "--weights", "WEIGHTS", "--data", "nowhere"], 4, "nowhere: no such folder"),
        (["yolov5p", "--weights", "WEIGHTS", "--imgsz", "100"], 2, "needs a multiple of 32"),
        (["yolov5p"], 2, "needs NAME and --weights FILE, or --detections FILE alone"),
        (
            ["yolov5p", "--weights", "WEIGHTS", "--detections", "d.json"],
            2,
            "or --detections FILE alone",
        ),
        (["--detections", "gone.json"], 2, "gone.json: cannot be read as detections"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_an_exit_code(weights, capsys, arguments, code, said):
    assert main(["eval", *(str(weights) if a == "WEIGHTS" else a for a in arguments)]) == code

    out, err = capsys.readouterr()
    assert said in err
    assert "Traceback" not in err
    assert out == ""


def test_damaged_weights_are_named(weights, data, tmp_path, capsys):
    for suffix in ("", ".json"):
        (tmp_path / f"w.safetensors{suffix}").write_bytes(Path(f"{weights}{suffix}").read_bytes())
    (tmp_path / "w.safetensors").write_bytes(weights.read_bytes()[:1000])

    assert (
        main(["eval", "yolov5p", "--weights", str(tmp_path / "w.safetensors"), "--data", str(data)])
        == 2
    )

    assert "w.safetensors: damaged" in capsys.readouterr().err


def test_what_was_left_out_of_the_data_is_said(weights, tmp_path, capsys):
    folder = ensure(tmp_path / "set", train=1, val=3)
    (folder / "images/val/000002.png").unlink()

    assert (
        main(["eval", "yolov5p", "--weights", str(weights), "--data", str(folder), "--json"]) == 0
    )

    out, err = capsys.readouterr()
    skipped = json.loads(out)["data"]["skipped"]
    assert skipped == [
        {"kind": "picture left out: missing", "count": 1, "examples": ["000002.png"]}
    ]
    assert "000002.png" in err
