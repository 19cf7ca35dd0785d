"""`detect` as a user calls it."""

import json
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from suite.cli.detect import detecting
from suite.cli.main import main
from suite.datasets.formats.names import COCO_NAMES
from suite.nn.detector import build
from suite.nn.weights.checkpoint import save_checkpoint
from suite.nn.weights.reference import reference_names
from suite.session.detectors import LoadedDetector
from suite.spec.library import Library
from suite.spec.records.objective import Suppression
from tests.datasets.turned_pictures import write_turned
from tests.narrowing import present, stand_in
from tests.nn.reference_checkpoint import write_reference


class Fixed(nn.Module):
    """Sees one dog and, less surely, one cat in the network's image, whatever is shown; remembers what it was shown."""

    name, classes, strides, graph = "fixed", 2, (8, 16, 32), ()
    shown: ClassVar[list[tuple[int, ...]]] = []  # of the class: what runs is a deployed copy

    def predict(self, images: Tensor) -> Tensor:
        self.shown.append(tuple(images.shape))
        return torch.tensor([[[100, 60, 40, 20, 1.0, 0.0, 0.9], [40, 30, 20, 20, 1.0, 0.3, 0.0]]])


@pytest.fixture
def fixed(monkeypatch) -> list[tuple[int, ...]]:
    monkeypatch.setattr(Fixed, "shown", [])
    monkeypatch.setattr(
        detecting,
        "load_detector",
        lambda *_, **__: LoadedDetector(stand_in(Fixed()), ("cat", "dog"), 128, Suppression()),
    )
    return Fixed.shown


def picture(folder: Path, name: str = "a.png", size: tuple[int, int] = (256, 150)) -> str:
    """A grey picture of `size` (width, height)."""
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / name), np.full((size[1], size[0], 3), 90, np.uint8))
    return str(folder / name)


def run(tmp_path: Path, *images: str, options: tuple[str, ...] = ()) -> int:
    return main(
        ["detect", "yolov5p", *images, "--weights", "w", "--out", str(tmp_path / "out"), *options]
    )


def test_boxes_are_in_the_pictures_own_pixels(fixed, tmp_path, capsys):
    """256 x 150 becomes 128 x 75, padded to 128 x 96: half the size, 10.5 pixels lower."""
    assert run(tmp_path, picture(tmp_path), options=("--json",)) == 0

    (found,) = json.loads(capsys.readouterr().out)["data"]
    assert fixed == [(1, 3, 96, 128)]
    assert (found["width"], found["height"]) == (256, 150)
    assert [(box["class"], box["label"], box["score"], box["box"]) for box in found["boxes"]] == [
        ("dog", 1, pytest.approx(0.9), [160, 79, 80, 40]),
        ("cat", 0, pytest.approx(0.3), [60, 19, 40, 40]),
    ]


def test_a_stretched_picture_fills_the_square_and_its_boxes_go_back_by_two_ratios(
    fixed, tmp_path, capsys
):
    """256 x 150 becomes 128 x 128: half across, 128 / 150 down."""
    assert run(tmp_path, picture(tmp_path), options=("--stretch", "--json")) == 0

    (found,) = json.loads(capsys.readouterr().out)["data"]
    assert fixed == [(1, 3, 128, 128)]
    assert found["boxes"][0]["box"] == pytest.approx(
        [160, 50 * 150 / 128, 80, 20 * 150 / 128], abs=0.1
    )


class Twins(Fixed):
    """Sees one dog twice: of 40 x 20 and, 10 pixels on, again, which is an IoU of 0.6."""

    def predict(self, images: Tensor) -> Tensor:
        return torch.tensor([[[100, 60, 40, 20, 1.0, 0.0, 0.9], [110, 60, 40, 20, 1.0, 0.0, 0.8]]])


@pytest.mark.parametrize(
    ("own", "options", "boxes"),
    [
        (Suppression(), (), 1),
        (Suppression(iou=0.7), (), 2),
        (Suppression(iou=0.7), ("--iou", "0.5"), 1),
        (Suppression(kind="soft", sigma=10), ("--iou", "0.5"), 2),
    ],
)
def test_a_variants_own_suppression_is_used_unless_asked_otherwise(
    monkeypatch, tmp_path, capsys, own, options, boxes
):
    monkeypatch.setattr(
        detecting,
        "load_detector",
        lambda *_, **__: LoadedDetector(stand_in(Twins()), ("cat", "dog"), 128, own),
    )

    assert run(tmp_path, picture(tmp_path), options=(*options, "--json")) == 0

    (found,) = json.loads(capsys.readouterr().out)["data"]
    assert len(found["boxes"]) == boxes


def test_pictures_are_written_with_their_boxes(fixed, tmp_path):
    run(tmp_path, picture(tmp_path))

    drawn = present(cv2.imread(str(tmp_path / "out/a.jpg")))
    assert drawn.shape == (300, 512, 3)  # twice the size
    assert abs(drawn[238, 400].astype(int) - 90).max() > 40  # the lower edge of the dog's box
    assert abs(drawn[280, 40].astype(int) - 90).max() < 10


def test_two_pictures_of_one_name_are_both_kept(fixed, tmp_path):
    run(tmp_path, picture(tmp_path / "one"), picture(tmp_path / "two"))

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-2.jpg", "a.jpg"]


def test_boxes_are_listed_one_a_line(fixed, tmp_path, capsys):
    path = picture(tmp_path)
    assert run(tmp_path, path) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[:3] for line in lines] == [
        ["PICTURE", "CLASS", "SCORE"],
        [path, "dog", "0.900"],
        [path, "cat", "0.300"],
    ]


def test_conf_leaves_out_the_less_sure(fixed, tmp_path, capsys):
    run(tmp_path, picture(tmp_path), options=("--conf", "0.5", "--json"))

    assert [box["class"] for box in json.loads(capsys.readouterr().out)["data"][0]["boxes"]] == [
        "dog"
    ]


def test_a_picture_that_cannot_be_read_does_not_stop_the_others(fixed, tmp_path, capsys):
    whole = picture(tmp_path, "whole.jpg")
    (tmp_path / "half.jpg").write_bytes(Path(whole).read_bytes()[:400])

    code = run(
        tmp_path, str(tmp_path / "gone.jpg"), str(tmp_path / "half.jpg"), whole, options=("--json",)
    )

    document = json.loads(capsys.readouterr().out)
    assert code == 4
    assert [Path(found["image"]).name for found in document["data"]] == ["whole.jpg"]
    assert [
        error["message"].partition("/")[2].rpartition("/")[2] for error in document["errors"]
    ] == [
        "gone.jpg: no such picture",
        "half.jpg: truncated",
    ]


@pytest.mark.parametrize("given", ["file", "folder", "link"])
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_folder_of_the_pictures_looked_at_takes_no_drawn_ones(
    fixed, tmp_path, capsys, given, ending
):
    """A drawn a.jpg would be written over the first, and be a picture more for whatever reads the folder."""
    pics = tmp_path / "pics"
    image = Path(picture(pics, f"a.{ending}"))
    (tmp_path / "way").symlink_to(pics)
    before = image.read_bytes()
    asked = {"file": image, "folder": pics, "link": tmp_path / "way" / image.name}[given]

    code = main(["detect", "yolov5p", str(asked), "--weights", "w", "--out", str(pics)])

    assert code == 2
    assert "drawn pictures need another folder" in capsys.readouterr().err
    assert image.read_bytes() == before
    assert [path.name for path in pics.iterdir()] == [image.name]


@pytest.mark.parametrize("name", ["a.jpg", "other.png"])
@pytest.mark.parametrize("inside", [True, False], ids=["within what is looked at", "elsewhere"])
def test_a_folder_with_pictures_of_others_takes_no_drawn_ones(
    fixed, tmp_path, capsys, name, inside
):
    """Such a folder may be a data set's, in which one would be written over or become a picture more."""
    pics = tmp_path / "pics"
    picture(pics, "a.jpg")
    out = (pics if inside else tmp_path) / "set"
    theirs = Path(picture(out, name))
    before = theirs.read_bytes()

    code = main(["detect", "yolov5p", str(pics), "--weights", "w", "--out", str(out)])

    assert code == 2
    assert f"holds {name}, which is none that `detect` has drawn" in capsys.readouterr().err
    assert theirs.read_bytes() == before
    assert [path.name for path in out.iterdir()] == [name]


def test_drawn_pictures_are_replaced_by_those_of_the_next_call(fixed, tmp_path):
    assert run(tmp_path, picture(tmp_path), picture(tmp_path / "two")) == 0
    assert run(tmp_path, picture(tmp_path)) == 0

    assert present(cv2.imread(str(tmp_path / "out/a.jpg"))).shape == (300, 512, 3)


def test_a_link_to_a_picture_where_a_drawn_one_goes_is_replaced_not_followed(fixed, tmp_path):
    image = Path(picture(tmp_path / "pics", "a.jpg"))
    before = image.read_bytes()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.jpg").symlink_to(image)

    assert run(tmp_path, str(image)) == 0

    assert image.read_bytes() == before
    assert (tmp_path / "out/a.jpg").read_bytes() != before


def test_of_a_folder_all_pictures_are_looked_at_and_other_files_counted(fixed, tmp_path, capsys):
    pics = tmp_path / "pics"
    wanted = [picture(pics, "b.png"), picture(pics / "deep", "a.jpg")]
    for name in ("notes.txt", "moving.gif", ".hidden.png"):
        (pics / name).write_bytes(b"")

    assert run(tmp_path, str(pics), wanted[0], options=("--json",)) == 0

    out, err = capsys.readouterr()
    assert [found["image"] for found in json.loads(out)["data"]] == wanted
    assert "2 files passed over, no pictures by their ending (.gif: 1, .txt: 1)" in err


def test_drawn_pictures_of_an_earlier_call_are_not_looked_at(fixed, tmp_path, capsys):
    pics = tmp_path / "pics"
    asked = ["detect", "yolov5p", str(pics), "--weights", "w", "--out", str(pics / "drawn")]
    picture(pics, "a.png")

    assert [main(asked), main([*asked, "--json"])] == [0, 0]

    out = capsys.readouterr().out
    assert [Path(found["image"]).name for found in json.loads(out[out.index("{") :])["data"]] == [
        "a.png"
    ]


def test_a_folder_without_pictures_is_one_line(fixed, tmp_path, capsys):
    (tmp_path / "none").mkdir()

    assert run(tmp_path, str(tmp_path / "none")) == 4

    assert "none: holds no picture" in capsys.readouterr().err


def test_a_real_checkpoint_detects(tmp_path, capsys):
    model = build(Library().load("yolov5p"), 3, seed=0)
    path = save_checkpoint(
        tmp_path / "w.safetensors", model, {"class_names": ["x", "y", "z"], "image_size": 64}
    )
    options = [
        "--weights",
        str(path),
        "--out",
        str(tmp_path / "out"),
        "--conf",
        "0.000001",
        "--json",
    ]

    assert main(["detect", "yolov5p", picture(tmp_path), *options]) == 0

    boxes = json.loads(capsys.readouterr().out)["data"][0]["boxes"]
    assert boxes
    assert {box["class"] for box in boxes} <= {"x", "y", "z"}


def test_yolov5s_own_file_is_read_with_cocos_names(tmp_path, capsys):
    model = build(Library().load("yolov5n"), 80, seed=0)
    state = model.state_dict()
    theirs = {theirs: state[ours] for ours, theirs in reference_names(model).items()}
    strides = state["head.anchors"].new_tensor(model.strides)
    theirs["model.24.anchors"] = state["head.anchors"] / strides[:, None, None]
    write_reference(tmp_path / "yolov5n.pt", theirs)
    options = [
        "--weights",
        str(tmp_path / "yolov5n.pt"),
        "--out",
        str(tmp_path / "out"),
        "--conf",
        "1e-7",
        "--json",
    ]

    assert main(["detect", "yolov5n", picture(tmp_path), *options, "--imgsz", "64"]) == 0

    boxes = json.loads(capsys.readouterr().out)["data"][0]["boxes"]
    assert boxes
    assert all(box["class"] == COCO_NAMES[box["label"]] for box in boxes)


def test_missing_weights_are_one_line(tmp_path, capsys):
    assert main(["detect", "yolov5p", picture(tmp_path), "--weights", str(tmp_path / "w.pt")]) == 2

    err = capsys.readouterr().err
    assert "w.pt: no such file" in err
    assert len(err.splitlines()) == 1


def test_a_turned_picture_is_seen_as_it_is_shown(fixed, tmp_path, capsys):
    write_turned(tmp_path / "a.webp", np.full((256, 150, 3), 90, np.uint8), orientation=6)

    assert run(tmp_path, str(tmp_path / "a.webp"), options=("--json",)) == 0

    (found,) = json.loads(capsys.readouterr().out)["data"]
    assert (found["width"], found["height"]) == (150, 256)


def test_a_picture_that_uses_few_of_its_bits_is_warned_of(fixed, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((150, 256), 4000, np.uint16))

    assert run(tmp_path, str(tmp_path / "a.png")) == 0

    assert "a.png: darker than 1/16 of its range (16 bits, of which" in capsys.readouterr().err
