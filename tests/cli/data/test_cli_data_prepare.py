"""`data prepare coco` against a server on this machine that holds a very small COCO."""

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from suite.cli.main import main
from suite.datasets.builtin import coco2017
from suite.datasets.builtin.coco2017 import Archive
from suite.datasets.builtin.fetch import Wanted
from suite.datasets.builtin.unpack import Contents
from suite.datasets.formats.forms import read_split
from tests.datasets.builtin.local_server import Manners, serving


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def annotations(number: int) -> bytes:
    image = {"id": number, "file_name": f"{number:012}.jpg", "width": 64, "height": 48}
    box = {
        "id": 1,
        "image_id": number,
        "category_id": 18,
        "bbox": [4, 4, 20, 20],
        "area": 400,
        "iscrowd": 0,
    }
    return json.dumps(
        {"images": [image], "annotations": [box], "categories": [{"id": 18, "name": "dog"}]}
    ).encode()


@pytest.fixture
def manners(monkeypatch) -> Manners:
    """One picture a part; the archives' pinned sizes and checksums are those of these."""
    jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()
    instances = {
        f"annotations/instances_{part}2017.json": annotations(n)
        for n, part in ((1, "train"), (2, "val"))
    }
    contents = {
        "annotations": zipped({**instances, "annotations/captions_val2017.json": b"{}"}),
        "val": zipped({"val2017/": b"", "val2017/000000000002.jpg": jpeg}),
        "train": zipped({"train2017/000000000001.jpg": jpeg}),
    }
    small = {}
    for part, data in contents.items():
        real = coco2017.ARCHIVES[part]
        wanted = Wanted(real.wanted.name, len(data), hashlib.sha256(data).hexdigest())
        small[part] = Archive(real.path, wanted, Contents(real.contents.folder, real.contents.starts, 10**6),
                              2 if part == "annotations" else 1)  # fmt: skip
    monkeypatch.setattr(coco2017, "ARCHIVES", small)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Manners({f"/{small[part].path}": data for part, data in contents.items()})


@pytest.fixture
def server(manners: Manners) -> Iterator[str]:
    with serving(manners) as address:
        yield address


def prepare(server: str, folder: Path, *words: str) -> int:
    return main(["data", "prepare", "coco", "--to", str(folder), "--url", server, *words])


def test_what_is_prepared_can_be_read_and_leaves_no_archive(server, tmp_path, capsys):
    assert prepare(server, tmp_path / "coco") == 0

    assert [len(read_split(tmp_path / "coco", part).pictures) for part in ("train", "val")] == [
        1,
        1,
    ]
    assert sorted(file.name for file in (tmp_path / "coco").iterdir()) == [
        "annotations", "prepared.json", "train2017", "val2017"
    ]  # fmt: skip


def test_a_second_command_has_nothing_left_to_do(server, manners, tmp_path, capsys):
    prepare(server, tmp_path / "coco")
    manners.asked.clear()
    capsys.readouterr()

    assert prepare(server, tmp_path / "coco", "--json") == 0

    assert manners.asked == []
    assert json.loads(capsys.readouterr().out)["data"]["fetched"] == []


def test_over_a_bad_connection_it_takes_longer_and_that_is_all(server, manners, tmp_path, capsys):
    manners.cuts = [300, 200, 100]
    manners.codes = [503]

    assert prepare(server, tmp_path / "coco", "--keep-archives") == 0

    kept = {file.name: file.read_bytes() for file in (tmp_path / "coco/downloads").iterdir()}
    assert kept == {path.rpartition("/")[2]: data for path, data in manners.files.items()}


def test_only_val_fetches_no_training_pictures(server, manners, tmp_path, capsys):
    assert prepare(server, tmp_path / "coco", "--only", "val") == 0

    assert [path for path, _ in manners.asked] == [
        "/annotations/annotations_trainval2017.zip",
        "/zips/val2017.zip",
    ]


def test_another_file_under_the_name_is_refused(server, manners, tmp_path, capsys):
    path = "/zips/val2017.zip"
    manners.files[path] = bytes(len(manners.files[path]))

    assert prepare(server, tmp_path / "coco") == 4

    assert "is not that of val2017.zip" in capsys.readouterr().err
    assert not (tmp_path / "coco/val2017").exists()


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    server, manners, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))

    assert prepare(server, tmp_path / "coco") == 5

    assert "0.0 GB are free, but about" in capsys.readouterr().err
    assert manners.asked == []


def test_the_pinned_archives_are_those_of_coco_2017():
    """Pictures as the consortium states them: 118,287 and 5,000."""
    assert {
        part: (archive.wanted.name, archive.files) for part, archive in coco2017.ARCHIVES.items()
    } == {
        "annotations": ("annotations_trainval2017.zip", 2),
        "val": ("val2017.zip", 5000),
        "train": ("train2017.zip", 118287),
    }
