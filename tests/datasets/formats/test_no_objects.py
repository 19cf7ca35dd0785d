"""A part without a usable object: told before anything runs, with where its labels were looked for."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from suite.cli.main import main
from suite.datasets.formats.forms import read_split
from suite.datasets.split import MissingDataError, Reading
from suite.nn.detector import build
from suite.nn.weights.checkpoint import save_checkpoint
from suite.spec.library import Library
from tests.datasets.formats.test_forms import WRITERS, part

Part = Literal["train", "val"]
Spoil = Callable[[Path, Part], None]
PARTS: tuple[Part, ...] = ("train", "val")
PURPOSE = {"train": "train", "val": "evaluate"}


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """A set of two parts in every form."""
    parts = {"train": part(tmp_path / "a", "train", 11), "val": part(tmp_path / "b", "val", 70)}
    return {form: write(tmp_path / form, parts) for form, write in WRITERS.items()}


def change(file: Path, **fields: Any) -> None:
    """The same COCO file with these fields in every annotation."""
    content = json.loads(file.read_text())
    for row in content["annotations"]:
        row.update(fields)
    file.write_text(json.dumps(content))


def without_annotations(folder: Path, name: Part) -> None:
    file = folder / f"instances_{name}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "annotations": []}))


def all_crowds(folder: Path, name: Part) -> None:
    change(folder / f"instances_{name}.json", iscrowd=1)


def unknown_pictures(folder: Path, name: Part) -> None:
    change(folder / f"instances_{name}.json", image_id=999)


def labels_elsewhere(folder: Path, name: Part) -> None:
    shutil.move(folder / "labels" / name, folder / "labels" / f"{name}-old")


def empty_sheets(folder: Path, name: Part) -> None:
    for stem in (folder / f"ImageSets/Main/{name}.txt").read_text().split():
        sheet = folder / f"Annotations/{stem}.xml"
        sheet.write_text("<annotation></annotation>")


def all_difficult(folder: Path, name: Part) -> None:
    for stem in (folder / f"ImageSets/Main/{name}.txt").read_text().split():
        sheet = folder / f"Annotations/{stem}.xml"
        sheet.write_text(sheet.read_text().replace("cult>0<", "cult>1<"))


CASES = [
    ("COCO JSON", without_annotations, "it has no annotations; labels were looked for in its list"),
    ("COCO JSON", all_crowds, "each of its 3 objects is a crowd region or difficult"),
    ("COCO JSON", unknown_pictures, r"unknown image_id \(3: annotation 1: 999\)"),
    ("YOLO txt", labels_elsewhere, r"labels/\w+/\d+\.txt and so on: 0 of 3 such files are there"),
    ("Pascal VOC", empty_sheets, "it has no annotations; labels were looked for in .*Annotations"),
    ("Pascal VOC", all_difficult, "each of its 3 objects is a crowd region or difficult"),
]


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize(("form", "spoil", "said"), CASES, ids=[case[1].__name__ for case in CASES])
def test_a_part_without_a_usable_object_is_no_data(
    folders: dict[str, Path], form: str, spoil: Spoil, said: str, name: Part
) -> None:
    spoil(folders[form], name)

    with pytest.raises(
        MissingDataError, match=f"no object is left to {PURPOSE[name]} on; .*{said}"
    ):
        read_split(folders[form], name)


def test_who_needs_no_labels_gets_the_pictures(folders: dict[str, Path]) -> None:
    without_annotations(folders["COCO JSON"], "val")

    assert len(read_split(folders["COCO JSON"], "val", Reading(labelled=False)).pictures) == 3


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network of three classes."""
    model = build(Library().load("yolov5p"), 3, seed=0)
    return save_checkpoint(tmp_path_factory.mktemp("weights") / "p.safetensors", model, {})


@pytest.mark.parametrize("words", [("data", "check"), ("run",), ("train",), ("eval",), ("stored",)])
@pytest.mark.parametrize(("form", "spoil"), [(case[0], case[1]) for case in CASES[::3]])
def test_every_command_ends_with_4_before_anything_runs(
    folders: dict[str, Path],
    form: str,
    spoil: Spoil,
    words: tuple[str, ...],
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, out = folders[form], tmp_path / "out"
    spoil(folder, "val")
    (tmp_path / "found.json").write_text("[]")
    command = {
        "data": ["data", "check", str(folder)],
        "run": ["run", "yolov5p", "--protocol", "smoke", "--data", str(folder), "--out", str(out)],
        "train": ["train", "yolov5p", "--data", str(folder), "--out", str(out / "w.safetensors")],
        "eval": ["eval", "yolov5p", "--weights", str(weights), "--data", str(folder)],
        "stored": ["eval", "--detections", str(tmp_path / "found.json"), "--data", str(folder)],
    }[words[0]]

    assert main(command) == 4

    said = capsys.readouterr().err
    assert "no object is left to evaluate on; it has no annotations; labels were looked for" in said
    assert not out.exists()


def test_a_run_says_what_was_left_out_before_it_begins(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folders["COCO JSON"]
    file = folder / "instances_train.json"
    content = json.loads(file.read_text())
    content["annotations"][0]["iscrowd"] = "0"
    file.write_text(json.dumps(content))
    words = ["run", "yolov5p", "--protocol", "smoke", "--data", str(folder), "--dry-run"]

    assert main([*words, "--out", str(tmp_path / "out")]) == 0

    said = capsys.readouterr().err
    expected = (
        "warning: train: iscrowd is not written as 0 or 1, and taken as 0: 1 (annotation 1: '0')"
    )
    assert expected in said
