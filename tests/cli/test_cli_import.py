import json
from pathlib import Path

import pytest

from suite.cli.main import main

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
        "  - {block: conv.Conv, out: 16, stride: 4, kernel: 6, padding: 1}",
        "  - {block: c3.C3, out: 16, repeat: 3, tag: p2}",
        "neck:",
        "  - {block: conv.Conv, out: 16, stride: 2, tag: n3, kernel: 3}",
        "head:",
        "  - {block: anchor.AnchorHead, inputs: [n3], anchors: [[10, 13, 16, 30, 33, 23]]}",
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
