"""`data` as a user calls it."""

import json
import re
import shutil
from pathlib import Path

import cv2
import pytest

from suite.cli.main import main
from suite.datasets.builtin.shapes import ensure
from suite.datasets.formats.forms import read_split
from tests.datasets.written_forms import write_yolo
from tests.narrowing import present


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

    assert rows(capsys.readouterr().out)["picture left out: empty"] == [
        "warning", "train", "1", "000003.png"
    ]  # fmt: skip


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
    ("make", "said"),
    [(lambda _: None, "no such folder"), (Path.mkdir, "no annotations of 'train'")],
)
def test_check_of_no_data_is_one_line(tmp_path, capsys, make, said):
    make(tmp_path / "none")

    assert main(["data", "check", str(tmp_path / "none")]) == 4

    assert said in capsys.readouterr().err


def test_check_of_voc_can_be_told_the_first_pixel(folder, tmp_path, capsys):
    """Corners 1 and 128 are those of the whole width of 128 pixels, or of one pixel less."""
    voc = tmp_path / "voc"
    corners = "<xmin>1</xmin><ymin>1</ymin><xmax>128</xmax><ymax>128</ymax>"
    for part in ("train", "val"):
        (voc / part).mkdir(parents=True)
        shutil.copy(folder / "images/train/000001.png", voc / part / "1.png")
        size = "<size><width>128</width><height>128</height></size>"
        thing = f"<object><name>disc</name><bndbox>{corners}</bndbox></object>"
        (voc / part / "1.xml").write_text(f"<annotation>{size}{thing}</annotation>")

    spreads, notes = [], []
    for options in ([], ["--voc-first-pixel", "0"], ["--voc-first-pixel", "1"]):
        assert main(["data", "check", str(voc), "--json", *options]) == 0
        data = json.loads(capsys.readouterr().out)["data"]
        spreads.append(data["spread"]["val"]["relative size"][0])
        notes.append([f["kind"] for f in data["findings"] if "--voc-first-pixel" in f["kind"]])

    assert spreads == pytest.approx([127 / 128, 127 / 128, 1], abs=1e-3)
    assert [len(kinds) for kinds in notes] == [2, 0, 0]


@pytest.mark.parametrize(
    "words",
    [
        ["run", "yolov5p", "--protocol", "smoke", "--dry-run"],
        ["train", "yolov5p", "--steps", "1"],
        ["eval", "--detections", "none.json"],
        ["data", "check"],
    ],
    ids=lambda words: words[0],
)
def test_the_first_pixel_reaches_whatever_reads_data(folder, tmp_path, capsys, monkeypatch, words):
    """Each refuses it for a set that is not VOC, which it has to be told for."""
    monkeypatch.chdir(tmp_path)
    data = [str(folder)] if words[0] == "data" else ["--data", str(folder)]

    assert main([*words, *data, "--voc-first-pixel", "1"]) == 2

    assert "is COCO JSON; --voc-first-pixel is for Pascal VOC alone" in capsys.readouterr().err


def test_split_writes_lists_that_every_command_follows(folder, capsys):
    """The set without its second part is one part; nothing but two lists is written."""
    (folder / "instances_val.json").unlink()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    codes = [main(["data", "split", str(folder), "--val", "0.5", "--seed", "1"])]
    codes += [main(["data", "check", str(folder)]), main(["data", "split", str(folder)])]

    out, err = capsys.readouterr()
    assert codes == [0, 0, 2]
    assert "2 pictures to train on, 2 to validate on" in out
    assert rows(out)["pictures"] == ["2", "2"]
    assert "is split already; remove split_train.txt and split_val.txt" in err
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path.name for path in after.keys() - before.keys()} == {
        "split_train.txt",
        "split_val.txt",
    }
    assert {path: after[path] for path in before} == before


@pytest.mark.parametrize(
    ("share", "code"), [("0", 2), ("1", 2), ("0.5", 2)], ids=["none", "all", "two parts"]
)
def test_split_of_what_cannot_be_split_is_refused(folder, capsys, share, code):
    assert main(["data", "split", str(folder), "--val", share]) == code

    assert not (folder / "split_val.txt").exists()


def test_split_of_no_data_is_one_line(tmp_path, capsys):
    assert main(["data", "split", str(tmp_path)]) == 4

    assert "no set in one part" in capsys.readouterr().err


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

    codes = [
        main([*words, str(yolo)])
        for words in (("data", "check"), ("run", "yolov5p", "--dry-run", "--data"))
    ]

    said = capsys.readouterr().err.splitlines()
    assert codes == [2, 2]
    assert (
        said
        == [f"ablation: {labels}:{count}: class '9'; there are 4 names, for the classes 0 to 3"] * 2
    )


def test_check_finds_leaks_twins_and_suspicious_boxes(folder, capsys):
    """A picture of the training part lies in the validation part, as it is and saved anew; a box is there twice."""
    plant(folder)

    assert main(["data", "check", str(folder), "--json"]) == 0

    found = {
        (f["kind"], f["part"]): f for f in json.loads(capsys.readouterr().out)["data"]["findings"]
    }
    assert found["leak from train to val: same file", "both"]["examples"] == [
        "000001.png = 000005.png"
    ]
    assert found["leak from train to val: looks the same", "both"]["examples"] == [
        "000001.png = 000006.jpg"
    ]
    assert found["object annotated twice: same class, same box", "train"]["count"] == 1
    assert found["box of 95 % of the picture or more", "val"]["count"] == 1


def test_strict_makes_warnings_an_exit_code(tmp_path, capsys):
    folder = ensure(tmp_path / "set", train=4, val=4)
    assert main(["data", "check", str(folder), "--strict"]) == 0

    plant(folder)

    assert main(["data", "check", str(folder), "--strict"]) == 1


def test_the_page_holds_its_pictures_and_no_script(folder, tmp_path, capsys):
    plant(folder)
    page = tmp_path / "deep/page.html"
    annotations = json.loads((folder / "instances_train.json").read_text())
    annotations["categories"][0]["name"] = "<script>alert(1)</script>"
    (folder / "instances_train.json").write_text(json.dumps(annotations))
    rest = json.loads((folder / "instances_val.json").read_text())
    (folder / "instances_val.json").write_text(
        json.dumps({**rest, "categories": annotations["categories"]})
    )

    assert main(["data", "check", str(folder), "--page", str(page)]) == 0

    text = page.read_text()
    assert "<script" not in text
    assert "leak from train to val: looks the same" in text
    assert (
        len(re.findall('<rect class="k[0-5]"', text))
        > len(re.findall('<rect class="k[0-5] meant"', text))
        > 0
    )
    assert set(re.findall(r'(?:href|src)="([^#"]{1,22})', text)) == {"data:image/jpeg;base64"}


def plant(folder: Path) -> None:
    """Faults that `check` has to find."""
    images = folder / "images"
    shutil.copy(images / "train/000001.png", images / "val/000005.png")
    cv2.imwrite(
        str(images / "val/000006.jpg"),
        cv2.resize(present(cv2.imread(str(images / "train/000001.png"))), (140, 140)),
    )
    val = json.loads((folder / "instances_val.json").read_text())
    val["images"] += [{"id": 5, "file_name": "000005.png", "width": 128, "height": 128}]
    val["images"] += [{"id": 6, "file_name": "000006.jpg", "width": 140, "height": 140}]
    val["annotations"] += [{"id": 900, "image_id": 5, "category_id": 1, "bbox": [0, 0, 128, 127]}]
    (folder / "instances_val.json").write_text(json.dumps(val))
    train = json.loads((folder / "instances_train.json").read_text())
    train["annotations"] += [{**train["annotations"][0], "id": 900}]
    (folder / "instances_train.json").write_text(json.dumps(train))
