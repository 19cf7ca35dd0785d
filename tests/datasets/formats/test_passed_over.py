"""Files of a YOLO set that nothing is made of are counted, as rows are."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from suite.datasets.formats.forms import read_split
from suite.datasets.split import Split

ROW = "0 0.5 0.5 0.25 0.5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures a part, with one object each."""
    for part in ("train", "val"):
        for kind in ("images", "labels"):
            (tmp_path / kind / part).mkdir(parents=True)
        for name in ("a1", "a2", "a3"):
            picture(tmp_path / f"images/{part}/{name}.jpg")
            (tmp_path / f"labels/{part}/{name}.txt").write_text(ROW)
    (tmp_path / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [cat]\n")
    return tmp_path


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((48, 64, 3), 90, np.uint8))


def counted(split: Split) -> dict[str, tuple[int, str]]:
    return {issue.kind: (issue.count, issue.examples[0]) for issue in split.issues}


def test_a_set_without_anything_else_has_no_finding(folder: Path) -> None:
    (folder / "labels/val/classes.txt").write_text("cat\n")
    (folder / "images/val/README.txt").write_text("Taken in May.\n")

    assert counted(read_split(folder, "val")) == {}


def test_labels_beside_pictures_are_counted(folder: Path) -> None:
    shutil.move(folder / "labels/val/a1.txt", folder / "images/val/a1.txt")

    split = read_split(folder, "val")

    assert split.box_count == 2
    assert counted(split) == {
        "label file passed over: not in the folder of labels": (1, "images/val/a1.txt")
    }


def test_labels_above_their_folder_are_counted_in_the_part_whose_picture_lacks_them(
    folder: Path,
) -> None:
    shutil.move(folder / "labels/val/a1.txt", folder / "labels/a1.txt")

    assert counted(read_split(folder, "train")) == {}
    assert counted(read_split(folder, "val")) == {
        "label file passed over: not in the folder of labels": (1, "labels/a1.txt")
    }


def test_labels_without_a_picture_are_counted(folder: Path) -> None:
    (folder / "labels/val/b1.txt").write_text(ROW)
    (folder / "labels/val/deep").mkdir()
    (folder / "labels/val/deep/b2.txt").write_text("")

    assert counted(read_split(folder, "val")) == {
        "label file passed over: no picture of its name": (2, "labels/val/b1.txt")
    }


def test_labels_without_a_picture_are_counted_where_both_lie_together(folder: Path) -> None:
    for part in ("train", "val"):
        shutil.copytree(folder / "images" / part, folder / part)
        shutil.copytree(folder / "labels" / part, folder / part, dirs_exist_ok=True)
    (folder / "data.yaml").write_text("train: train\nval: val\nnames: [cat]\n")
    (folder / "val/a3.jpg").unlink()
    (folder / "val/notes.txt").write_text("Taken in May.\n")

    assert counted(read_split(folder, "val")) == {
        "label file passed over: no picture of its name": (1, "val/a3.txt")
    }


@pytest.mark.parametrize("ending", ["gif", "jfif", "heic", "mpo", "GIF", "mp4"])
def test_files_of_other_endings_are_counted(folder: Path, ending: str) -> None:
    (folder / f"images/val/a4.{ending}").write_bytes(b"GIF89a")

    assert counted(read_split(folder, "val")) == {
        "file passed over: no picture by its ending": (1, f"images/val/a4.{ending}")
    }


def test_two_pictures_of_one_label_file_are_counted(folder: Path) -> None:
    picture(folder / "images/val/a1.png")

    assert counted(read_split(folder, "val")) == {
        "picture shares its label file with another": (1, "labels/val/a1.txt")
    }


@pytest.mark.parametrize("at", ["images/val/cam", "images/val/deep/cam"])
def test_a_link_to_a_folder_is_followed(folder: Path, tmp_path_factory, at: str) -> None:
    cam = tmp_path_factory.mktemp("cam")
    picture(cam / "a4.jpg")
    (folder / at).parent.mkdir(exist_ok=True)
    (folder / at).symlink_to(cam)

    assert len(read_split(folder, "val").pictures) == 4


def test_a_link_that_leads_back_is_followed_once(folder: Path) -> None:
    (folder / "images/val/again").symlink_to(folder / "images/val")

    assert len(read_split(folder, "val").pictures) == 3
