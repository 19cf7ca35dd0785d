"""`data` as a user calls it."""

import json
from pathlib import Path

import pytest

from suite.cli.main import main
from suite.datasets.forms import read_split
from suite.datasets.shapes import ensure
from tests.datasets.written_forms import write_yolo


@pytest.fixture
def folder(tmp_path) -> Path:
    return ensure(tmp_path / "set", train=4, val=2)


def rows(out: str) -> dict[str, list[str]]:
    return {line.split("\t")[0]: line.split("\t")[1:] for line in out.splitlines()}


def test_make_writes_a_set_that_check_reads(tmp_path, capsys):
    target = str(tmp_path / "made")

    assert main(["data", "make", target, "--train", "4", "--val", "2"]) == 0
    assert main(["data", "check", target]) == 0

    assert rows(capsys.readouterr().out)["pictures"] == ["4", "2"]


def test_check_counts_boxes_by_category_and_size(folder, capsys):
    assert main(["data", "check", str(folder), "--json"]) == 0

    data = json.loads(capsys.readouterr().out)["data"]
    annotations = json.loads((folder / "instances_train.json").read_text())["annotations"]
    expected = [sum(row["category_id"] == n for row in annotations) for n in (1, 2, 3, 4)]
    histogram = data["histogram"]["train"]
    assert [count for _, count in histogram["categories"]] == expected
    assert sum(histogram["sizes"].values()) == len(annotations) == data["train"]["boxes"]


def test_check_lists_what_is_left_out(folder, capsys):
    (folder / "images/train/000003.png").write_bytes(b"")

    assert main(["data", "check", str(folder)]) == 0

    assert rows(capsys.readouterr().out)["picture left out: empty"] == ["train", "1", "000003.png"]


def test_check_finds_a_whole_file_that_does_not_decode(folder, capsys):
    """Header and end are in place, the data between them are not: only decoding finds that."""
    path = folder / "images/train/000003.png"
    data = bytearray(path.read_bytes())
    start = data.index(b"IDAT") + 4
    data[start : start + 16_000] = bytes(16_000)
    path.write_bytes(data)

    assert main(["data", "check", str(folder)]) == 4

    assert "000003.png: does not decode" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("make", "said"), [(lambda _: None, "no such folder"), (Path.mkdir, "no annotations of 'train'")]
)
def test_check_of_no_data_is_one_line(tmp_path, capsys, make, said):
    make(tmp_path / "none")

    assert main(["data", "check", str(tmp_path / "none")]) == 4

    assert said in capsys.readouterr().err


def test_make_refuses_a_folder_with_other_content(tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("dear")

    assert main(["data", "make", str(tmp_path)]) == 2

    assert "holds something else" in capsys.readouterr().err


def test_a_wrong_line_of_a_file_is_named_and_nothing_runs(folder, tmp_path, capsys):
    parts = {name: read_split(folder, name) for name in ("train", "val")}
    yolo = write_yolo(tmp_path / "yolo", parts)
    labels = next((yolo / "labels/val").iterdir())
    labels.write_text(f"{labels.read_text()}9 0.5 0.5 0.1 0.1\n")
    count = len(labels.read_text().splitlines())

    codes = [main([*words, str(yolo)]) for words in (("data", "check"), ("run", "yolov5p", "--dry-run", "--data"))]

    said = capsys.readouterr().err.splitlines()
    assert codes == [2, 2]
    assert said == [f"ablation: {labels}:{count}: class '9'; there are 4 names, for the classes 0 to 3"] * 2
