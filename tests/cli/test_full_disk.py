"""A disk that does not take a file: exit code 5, the path and the bytes, no part of it left, and no number lost.

The kernel holds files to a size (RLIMIT_FSIZE), so that every writer meets the real error in the middle of its file.
"""

import errno
import json
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from suite.cli.main import main
from suite.datasets.builtin.shapes import ensure
from suite.files import WriteError, replacing, writing
from suite.store import Store, StoreError


@contextmanager
def full_after(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def train(tmp_path: Path) -> list[str]:
    data = ensure(tmp_path / "data", train=2, val=1, size=64)
    out = str(tmp_path / "full" / "w.safetensors")
    return [
        *("train", "yolov5p", "--data", str(data), "--steps", "1"),
        *("--batch", "2", "--imgsz", "64", "--out", out),
    ]


def test_a_training_s_numbers_are_told_before_its_weights_find_no_room(
    train: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with full_after(2**20):
        assert main(train) == 5

    output = capsys.readouterr()
    assert output.out.startswith("AP 0.")
    assert f"{tmp_path}/full/w.safetensors: cannot be written: " in output.err
    assert "; it needs 1," in output.err
    assert "internal error" not in output.err
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["w.curve.csv"]


def test_a_training_s_document_has_the_numbers_and_the_error(
    train: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with full_after(2**20):
        assert main([*train, "--json"]) == 5

    document = json.loads(capsys.readouterr().out)
    assert document["data"]["checkpoint"] is None
    assert {"ap", "ap50"} <= document["data"]["accuracy"].keys()
    assert [error["code"] for error in document["errors"]] == ["exit-5"]


def test_a_checkpoint_that_finds_no_room_ends_the_training_with_5(
    train: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with full_after(2**20):
        assert main([*train, "--checkpoint-every", "1"]) == 5

    said = capsys.readouterr().err
    assert "the checkpoint of step 1 (" in said
    assert " cannot be written (" in said
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["w.curve.csv"]


@pytest.mark.parametrize("as_json", [False, True])
def test_an_evaluation_s_numbers_are_told_before_its_detections_find_no_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    data = ensure(tmp_path / "data", train=2, val=1, size=64)
    truth = json.loads((data / "instances_val.json").read_text())
    rows = [
        {key: box[key] for key in ("image_id", "category_id", "bbox")} | {"score": 0.5}
        for box in truth["annotations"]
    ]
    (tmp_path / "found.json").write_text(json.dumps(rows))
    command = ["eval", "--detections", str(tmp_path / "found.json"), "--data", str(data)]
    command += ["--out", str(tmp_path / "full"), *["--json"] * as_json]

    with full_after(20):
        assert main(command) == 5

    output = capsys.readouterr()
    told = list(json.loads(output.out)["data"]["numbers"]) if as_json else output.out.splitlines()
    assert told[0] == ("ap" if as_json else "NUMBER\tVALUE")
    assert f"{tmp_path}/full/detections.json.gz: cannot be written: " in output.err
    assert list((tmp_path / "full").iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["new", "mine", "--like", "yolov5p", "--output", "full"],
        ["import", "rows.yaml", "--output", "full"],
        ["show", "yolov5p", "--svg", "full/a.svg"],
        ["build", "yolov5p", "--imgsz", "64", "--to", "torch", "--output", "full/a.pt2"],
    ],
    ids=lambda words: words[0],
)
def test_a_file_that_finds_no_room_leaves_nothing_of_it(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("full").mkdir()
    Path("rows.yaml").write_text(
        "nc: 80\ndepth_multiple: 1\nwidth_multiple: 1\nanchors: [[10, 13, 16, 30, 33, 23]]\n"
        "backbone: [[-1, 1, Conv, [16, 3, 2]], [-1, 1, Conv, [16, 3, 2]], [-1, 1, Conv, [16, 3, 2]]]\n"
        "head: [[-1, 1, Conv, [16, 1, 1]], [[3], 1, Detect, [nc, anchors]]]\n"
    )

    with full_after(200):
        code = main(words)

    said = capsys.readouterr().err
    assert (code, "internal error" in said) == (5, False), said
    assert "cannot be written: File too large" in said
    assert "bytes are free there" in said
    assert list(Path("full").iterdir()) == []


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES]
)
def test_what_a_disk_refuses_is_named_with_its_path(tmp_path: Path, number: int) -> None:
    path = tmp_path / "a.txt"

    with (
        pytest.raises(WriteError, match=r"a\.txt: cannot be written: ") as caught,
        writing(path, 9),
    ):
        raise OSError(number, os.strerror(number))

    assert caught.value.errno == number
    assert ("it needs 9 bytes" in str(caught.value)) == (number not in {errno.EROFS, errno.EACCES})


def test_what_is_no_matter_of_the_disk_is_raised_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.txt"):
        (tmp_path / "absent").read_text()


def test_a_store_that_finds_no_room_keeps_what_it_has(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite") as store:
        store.put_dataset("first", {"pictures": 1})
        store._connection.execute("PRAGMA max_page_count = 1")  # as full as it is now

        with pytest.raises(StoreError, match="cannot be written: database or disk is full"):
            store.put_dataset("second", {"text": "x" * 100_000})

    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM datasets").fetchone() == (1,)
    connection.close()
