import json
from pathlib import Path

import pytest
import yaml

from suite.cli.main import main
from suite.datasets.builtin.shapes import ensure

SMALL = """\
nc: 80
anchors: [[10, 13, 16, 30, 33, 23]]
backbone: [[-1, 1, Conv, [16, 6, 4, 1]], [-1, 3, C3, [16]]]
head: [[-1, 1, Conv, [16, 3, 2]], [[-1], 1, Detect, [nc, anchors]]]
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small net.yaml"
    path.write_text(SMALL)
    return path


def test_import_prints_a_variant_file(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(small)]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "# yaml-language-server: $schema=../schema/variant.schema.json",
        "title: small_net (imported)",
        "backbone:",
        "  - {block: conv.Conv, out: 16, stride: 4, kernel: 6, padding: 1, row: 0}",
        "  - {block: c3.C3, out: 16, repeat: 3, tag: p2, row: 1}",
        "neck:",
        "  - {block: conv.Conv, out: 16, stride: 2, tag: n3, kernel: 3, row: 2}",
        "head:",
        "  - {block: anchor.AnchorHead, inputs: [n3], anchors: [[10, 13, 16, 30, 33, 23]], row: 3}",
    ]


def test_a_written_import_passes_check(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(small), "--output", str(tmp_path / "new"), "--name", "mine"]) == 0
    path = capsys.readouterr().out.strip()

    assert path == str(tmp_path / "new" / "mine.yaml")
    assert main(["check", "--build", path]) == 0


def test_nothing_is_overwritten_without_force(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("mine")

    assert main(["import", str(small), "--output", str(path)]) == 2
    assert "is there already; --force overwrites it" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main(["import", str(small), "--output", str(path), "--force"]) == 0
    assert path.read_text() != "mine"


def test_import_as_json_is_one_document(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small.write_text(SMALL.replace("[[10, 13, 16, 30, 33, 23]]", "3"))

    assert main(["import", str(small), "--json"]) == 0

    data = json.loads(capsys.readouterr().out)["data"]
    assert (data["name"], data["file"]) == ("small_net", None)
    assert "# 3 anchors a level are placeholders" in data["text"]
    assert len(data["warnings"]) == 1


def test_a_wrong_row_is_exit_code_2_with_its_place(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.write_text(SMALL.replace("C3,", "C33,"))

    assert main(["import", str(small)]) == 2

    output = capsys.readouterr()
    assert f"{small}:3:50: error E201: row 1 is of the module 'C33'" in output.err
    assert output.out == ""


def test_a_missing_file_is_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(tmp_path / "gone.yaml")]) == 2
    assert "cannot be read: No such file or directory" in capsys.readouterr().err


def test_a_name_that_is_none_is_exit_code_2(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(small), "--name", "../up"]) == 2
    assert "cannot name a variant" in capsys.readouterr().err


def test_a_file_with_blocks_that_others_add_is_imported_told_and_built(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (
        "[-1, 1, CBAM, [16]], [-1, 2, C3STR, [64]], [-1, 1, SPPCSPC, [32]], [-1, 1, CARAFE, []], [-1, 1, MP, []],"
        " [-1, 1, CA, [32, 32]], [-1, 1, SimSPPF, [32]], [-1, 1, RepConv, [32, 3, 1]], [-1, 1, BoT3, [64]],"
        " [-1, 1, GSConv, [32]], [-1, 3, VoVGSCSP, [32]], [-1, 1, SE, []], [-1, 3, C2f, [32]], [-1, 1, SP, [3]],"
    )
    text = SMALL.replace("head: [", f"head: [{rows} ").replace("Detect", "IDetect")
    small.write_text(text)

    assert main(["import", str(small), "--output", str(tmp_path / "mine.yaml")]) == 0
    output = capsys.readouterr()

    assert "warning: row 2: CBAM is taken as cbam.CBAM" in output.err
    assert main(["check", "--build", str(tmp_path / "mine.yaml")]) == 0


PLACEHOLDERS = SMALL.replace("[[10, 13, 16, 30, 33, 23]]", "3")
LEVELS = (
    "anchors: 3\nbackbone: [[-1, 1, Conv, [8, 3, 8]], [-1, 1, Conv, [8, 3, 2]], [-1, 1, Conv, [8, 3, 2]]]\n"
    "head: [[{}, 1, Detect, [nc, anchors]]]\n"
)


@pytest.fixture
def mine(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """A variant whose anchors are placeholders."""
    small.write_text(PLACEHOLDERS)
    assert main(["import", str(small), "--output", str(tmp_path / "mine.yaml")]) == 0
    capsys.readouterr()
    return str(tmp_path / "mine.yaml")


def test_placeholders_are_marked_in_the_spec_and_told_by_check(
    mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "anchors: 3, row: 3}" in Path(mine).read_text()
    for options in ([], ["--build"]):
        assert main(["check", *options, mine]) == 0
        err = capsys.readouterr().err
        assert "W303: 3 anchors a level are placeholders, from which nothing trains; state" in err


def test_nothing_trains_from_placeholders(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["train", mine], ["run", mine, "--protocol", "smoke"]):
        assert main(command) == 2
        err = capsys.readouterr().err
        assert "error E202: anchor.AnchorHead has 3 anchors a level that are placeholders" in err


def test_placeholders_are_filled_by_the_boxes_of_a_data_set(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ensure(tmp_path / "data", train=6, val=2, size=64)
    small.write_text(PLACEHOLDERS)

    assert main(["import", str(small), "--anchors-from", str(data), "--imgsz", "64"]) == 0

    out, err = capsys.readouterr()
    assert (
        "for pictures of 64 pixels, by k-means and evolution as YOLOv5 finds them (seed 0)" in out
    )
    assert "placeholders" not in out + err
    sides = yaml.safe_load(out)["head"][0]["anchors"][0]
    assert len(sides) == 6
    assert all(1 <= side <= 64 for side in sides)


def test_placeholders_are_filled_by_the_published_anchors_in_the_order_of_the_strides(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.write_text(LEVELS.format("[2, 0, 1]"))

    assert main(["import", str(small), "--anchors-from", "published"]) == 0

    levels = yaml.safe_load(capsys.readouterr().out)["head"][0]["anchors"]
    assert [level[0] for level in levels] == [116, 10, 30]


def test_strides_without_published_anchors_are_refused(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.write_text(PLACEHOLDERS)

    assert main(["import", str(small), "--anchors-from", "published"]) == 2
    assert "for the strides 8, 16, 32 and 8, 16, 32, 64, not 3 for 8" in capsys.readouterr().err


def test_a_head_without_anchors_gets_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "free.yaml"
    rows = "[[0, 1, Conv, [8]], [1, 1, Conv, [8, 3]], [1, 1, Conv, [8, 3]], [[2, 3], 1, DetectX, [nc, anchors]]]"
    path.write_text(f"anchors: 1\nbackbone: [[-1, 1, Conv, [8, 3, 8]]]\nhead: {rows}\n")

    assert main(["import", str(path), "--anchors-from", "published"]) == 2
    assert "decoupled.DecoupledHead has no anchors" in capsys.readouterr().err
    assert main(["import", str(path), "--output", str(tmp_path / "new.yaml")]) == 0
    assert main(["check", "--build", str(tmp_path / "new.yaml")]) == 0


def test_anchors_from_data_that_are_not_there_are_exit_code_4(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(small), "--anchors-from", str(tmp_path / "gone")]) == 4
    assert "gone" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Detect", "IDetect"])
def test_anchors_against_the_strides_are_told_by_import_and_check(
    name: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # YOLOv5 compares the first map with the last, which are right here
    text = LEVELS.format("[1, 0, 2]").replace("Detect", name)
    small.write_text(text.replace("anchors: 3", "anchors: [[10, 13], [30, 61], [116, 90]]"))
    said = "anchors of 11, 43, 102 pixels on average do not go by the strides 16, 8, 32"

    assert main(["import", str(small), "--output", str(tmp_path / "mine.yaml")]) == 0
    assert said in capsys.readouterr().err
    assert main(["check", str(tmp_path / "mine.yaml")]) == 0
    assert f"W303: {said}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        ("[[0.02, 0.03, 0.5, 0.6]]", "0.02 is less than one; are they shares of the picture?"),
        ("[[0, 13, 16, 30]]", "an anchor's width and height are pixels, above 0, not 0"),
        ("[[-4, 13, 16, 30]]", "-4"),
    ],
)
def test_anchors_that_are_no_pixels_are_refused_by_import(
    anchors: str, message: str, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.write_text(SMALL.replace("[[10, 13, 16, 30, 33, 23]]", anchors))

    assert main(["import", str(small)]) == 2
    assert message in capsys.readouterr().err


def test_stated_anchors_are_replaced_with_what_was_said_of_them(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = LEVELS.format("[1, 0, 2]")
    small.write_text(
        text.replace("3\n", "[[1, 1, 2, 2, 3, 3], [9, 9, 9, 9, 9, 9], [4, 4, 5, 5, 6, 6]]\n")
    )

    assert main(["import", str(small), "--anchors-from", "published"]) == 0

    out, err = capsys.readouterr()
    assert [level[0] for level in yaml.safe_load(out)["head"][0]["anchors"]] == [30, 10, 116]
    assert err.splitlines() == ["the anchors are those that YOLOv5 publishes"]
