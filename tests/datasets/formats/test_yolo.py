"""YOLO's form as tools write it, and as nobody should."""

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from suite.datasets.decode import load_image
from suite.datasets.formats.forms import read_split
from suite.datasets.split import DataError, MissingDataError

Write = Callable[..., Path]
YAML = "train: images/train\nval: images/val\nnames: [cat, dog]\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes one picture of 64 x 48 a part, its labels, and data.yaml (None: not)."""

    def write_set(
        labels: str = "0 0.5 0.5 0.25 0.5\n", yaml: str | None = YAML, images: str = "images/{}"
    ) -> Path:
        for part in ("train", "val"):
            pictures = tmp_path / images.format(part)
            texts = tmp_path / images.format(part).replace("images", "labels")
            pictures.mkdir(parents=True)
            texts.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(pictures / "1.jpg"), np.full((48, 64, 3), 90, np.uint8))
            (texts / "1.txt").write_text(labels)
        if yaml is not None:
            (tmp_path / "data.yaml").write_text(yaml)
        return tmp_path

    return write_set


def boxes(folder: Path) -> list:
    rows: list = read_split(folder, "val").pictures[0].boxes.tolist()
    return rows


def test_a_line_is_class_centre_and_size_as_shares(write: Write) -> None:
    assert boxes(write("1 0.5 0.5 0.25 0.5\n")) == [[24, 12, 16, 24]]


def test_a_polygon_counts_as_the_box_around_it(write: Write) -> None:
    assert boxes(write("0 0.25 0.5 0.75 0.25 0.5 0.75\n")) == [[16, 12, 32, 24]]


@pytest.mark.parametrize(
    "yaml",
    [
        "train: images/train\nval: images/val\nnames: {0: cat, 1: dog}\n",
        "path: .\ntrain: [images/train]\nval: images/val\nnc: 2\nnames: ['cat', 'dog']\n",
        "train: ../images/train\nval: ../images/val\nnc: 2\nnames: ['cat', 'dog']\n",
        "train: list.txt\nval: list.txt\nnames: [cat, dog]\ndownload: |\n  import os\n  os.system('touch owned')\n",
    ],
    ids=["numbered names", "with path", "one folder deeper", "lists"],
)
def test_the_usual_descriptions_are_read_and_nothing_in_them_is_run(
    write: Write, yaml: str
) -> None:
    folder = write(yaml=yaml)
    (folder / "list.txt").write_text("./images/val/1.jpg\n")

    assert len(read_split(folder, "val").pictures) == 1
    assert not (folder / "owned").exists()


def test_a_description_may_be_named_itself(write: Write) -> None:
    folder = write()

    assert read_split(folder / "data.yaml", "val").folder == folder


def test_a_description_may_have_another_name_but_not_another_content(write: Write) -> None:
    folder = write(yaml=None)
    (folder / "recipe.yaml").write_text("lr: 0.01\n")
    (folder / "animals.yml").write_text(YAML)

    assert read_split(folder, "val").form == "YOLO txt"
    (folder / "animals.yml").unlink()
    with pytest.raises(MissingDataError, match="no annotations of 'val'"):
        read_split(folder, "val")


def test_class_names_may_stand_in_a_file_of_their_own(write: Write) -> None:
    folder = write(yaml=None)
    (folder / "classes.txt").write_text("cat\ndog\n")

    assert [category.name for category in read_split(folder, "val").categories] == ["cat", "dog"]


def test_labels_lie_beside_pictures_that_are_in_no_folder_images(write: Write) -> None:
    folder = write(yaml="train: train\nval: val\nnames: [cat]\n", images="{}")

    assert len(boxes(folder)) == 1


def test_a_picture_without_labels_has_no_objects(write: Write) -> None:
    folder = write()
    shutil.copy(folder / "images/val/1.jpg", folder / "images/val/2.jpg")

    assert [len(picture.boxes) for picture in read_split(folder, "val").pictures] == [1, 0]


def test_an_unusable_box_is_left_out_and_counted_with_its_line(write: Write) -> None:
    split = read_split(
        write("0 0.5 0.5 0.25 0.5\n1 0.5 0.5 0 0.1\n0 nan 0.5 0.1 0.1\n0 1.4 0.5 0.2 0.1\n"), "val"
    )

    assert split.box_count == 1
    assert [(issue.kind, issue.examples[0].split()[0]) for issue in split.issues] == [
        ("annotation left out: box has no size", "labels/val/1.txt:2"),
        ("annotation left out: box is not finite", "labels/val/1.txt:3"),
        ("annotation left out: box outside its picture", "labels/val/1.txt:4"),
    ]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (
            "0 0.5 0.5 0.25 0.5\ncat 0.5 0.5 0.1 0.1\n",
            r"labels/val/1\.txt:2: 'cat 0\.5 0\.5 0\.1 0\.1' are not numbers",
        ),
        ("0 0.5 0.5\n", r"1\.txt:1: has 3 numbers"),
        ("2 0.5 0.5 0.1 0.1\n", r"1\.txt:1: class '2'; there are 2 names, for the classes 0 to 1"),
        ("0.5 0.5 0.5 0.1 0.1\n", r"1\.txt:1: class '0\.5'"),
        ("-1 0.5 0.5 0.1 0.1\n", r"1\.txt:1: class '-1'"),
        ("0 320 240 64 48\n", r"1\.txt:1: 320 is no share of the picture"),
    ],
)
def test_a_wrong_label_is_an_error_with_its_line(write: Write, labels: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_split(write(labels), "val")


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("", r"data\.yaml:1: is empty"),
        ("train: [", r"data\.yaml:\d: not YAML"),
        ("- a\n", "is no mapping"),
        ("train: images/train\nval: images/val\n", "has no `names`"),
        (YAML + "nc: 3\n", r"data\.yaml:4: `nc` is 3, but there are 2 `names`"),
        ("val: images/val\nnames: [cat, cat]\n", r"data\.yaml:2: `names` has 'cat' twice"),
        (
            "val: images/val\nnames: {0: cat, 2: dog}\n",
            r"data\.yaml:2: `names` has the key '2'; keys are 0 to 1",
        ),
        ("val: images/val\nnames: cat\n", "`names` is one word"),
        ("val: images/val\nnames: !!python/name:os.system [cat]\n", "tag .* is not allowed"),
        (
            "val: ../../elsewhere\nnames: [cat]\n",
            r"data\.yaml:1: val: '\.\./\.\./elsewhere' leaves",
        ),
        ("val: /etc\nnames: [cat]\n", "'/etc' leaves the data set's folder"),
        (
            "path: ../other\nval: images/val\nnames: [cat]\n",
            r"data\.yaml:1: path '\.\./other' is not in",
        ),
        ("val: evil.txt\nnames: [cat]\n", r"evil\.txt:1: '\.\./\.\./secret\.jpg' leaves"),
        ("val: {a: b}\nnames: [cat]\n", "`val` has no word"),
        (f"val: {'a' * 300}\nnames: [cat]\n", r"data\.yaml:1: val: no file can be called 'aaa"),
        ("val: long.txt\nnames: [cat]\n", r"long\.txt:1: no file can be called 'aaa"),
    ],
)
def test_a_wrong_description_is_an_error_with_its_line(write: Write, yaml: str, said: str) -> None:
    folder = write(yaml=yaml)
    (folder / "evil.txt").write_text("../../secret.jpg\n")
    (folder / "long.txt").write_text("a" * 300)

    with pytest.raises(DataError, match=said):
        read_split(folder, "val")


@pytest.mark.parametrize(
    "yaml", ["val: images/none\nnames: [cat]\n", "val: labels\nnames: [cat]\n"]
)
def test_a_part_without_pictures_is_no_data(write: Write, yaml: str) -> None:
    with pytest.raises(MissingDataError):
        read_split(write(yaml=yaml), "val")


def test_a_class_that_is_the_number_of_names_may_be_one_counted_from_1(write: Write) -> None:
    with pytest.raises(
        DataError, match=r"class '2'; there are 2 names, .* do the labels count from 1\?"
    ):
        read_split(write("2 0.5 0.5 0.1 0.1\n"), "val")


def test_a_file_of_another_encoding_is_an_error_with_its_line(write: Write) -> None:
    folder = write()
    (folder / "labels/val/1.txt").write_bytes(b"0 0.5 0.5 0.1 0.1\n\xff\xfe0")

    with pytest.raises(DataError, match=r"1\.txt:2: is no UTF-8 text"):
        read_split(folder, "val")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_lie_on_the_picture_as_its_camera_turned_it(write: Write, orientation: int) -> None:
    """A white corner of a picture that is shown upright; OpenCV itself carries the orientation out."""
    folder = write("0 0.25 0.25 0.5 0.5\n")
    shown = np.zeros((48, 64, 3), np.uint8)
    shown[:24, :32] = 255
    undo = {1: "", 2: "h", 3: "hv", 4: "v", 5: "t", 6: "tv", 7: "thv", 8: "th"}[orientation]
    stored = shown
    for step in undo:
        stored = {"h": stored[:, ::-1], "v": stored[::-1], "t": stored.transpose(1, 0, 2)}[step]
    data = cv2.imencode(".jpg", np.ascontiguousarray(stored))[1].tobytes()
    tiff = b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x0112, 3, 1, orientation) + bytes(4)
    exif = b"Exif\0\0" + tiff
    (folder / "images/val/1.jpg").write_bytes(
        data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
    )

    (picture,) = read_split(folder, "val").pictures
    image = load_image(picture)

    x, y, width, height = (int(v) for v in picture.boxes[0])
    inside = image[y : y + height, x : x + width]
    assert (picture.width, picture.height) == (64, 48)
    assert (
        inside.mean() > 250,
        image.sum() / 255 == pytest.approx(inside.sum() / 255, rel=0.05),
    ) == (True, True)
