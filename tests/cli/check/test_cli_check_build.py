import json
from pathlib import Path

import pytest

from suite.cli.main import main

DESIGN = """\
title: Two widths of a kernel that is not there
base: yolov5n
name: odd_$kernel
axes: {kernel: [5, 7]}
edits:
  - replace: {part: backbone, kernel: $kernel}
    with: {block: odconv.ODConv}
"""


def test_github_gets_an_annotation_for_every_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("base: yolov5n\nwidht: 0.5\ndepth: x\n")

    assert main(["check", str(path), "--format", "github"]) == 2

    assert capsys.readouterr().out.splitlines() == [
        f"::error file={path},line=2,col=1,title=E102::unknown key 'widht'; did you mean 'width'?",
        f"::error file={path},line=3,col=8,title=E101::`depth` is a number, not the word 'x'",
        "1 file, 2 errors",
    ]


def test_what_would_end_an_annotation_is_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runner's rules: % CR LF in the message, and : , as well in a property."""
    folder = tmp_path / "a,b:c%d"
    folder.mkdir()
    path = folder / "wrong.yaml"
    path.write_text("base: yolov5n\n100%,: 1\n")

    main(["check", str(path), "--format", "github"])

    line = capsys.readouterr().out.splitlines()[0]
    assert (
        f"file={tmp_path}/a%2Cb%3Ac%25d/wrong.yaml,line=2,col=1,title=E102::unknown key '100%25,'"
        in line
    )


def test_strides_unlike_the_baselines_are_a_warning_to_github(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", "--build", "yolov5p_efficientnetv2_printed", "--format", "github"]) == 0

    assert capsys.readouterr().out.startswith(
        "::warning file=variants/demo/yolov5p_efficientnetv2_printed.yaml,line="
    )


def test_github_gets_the_line_to_paste_as_a_notice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("title: Mine\nbase: yolov5n\n")

    assert main(["check", "--build", str(path), "--format", "github"]) == 0

    line = "expect: {strides: [8, 16, 32], params: 1872157, gmacs: 2.234}"
    notice = f"::notice file={path},line=1,col=1,title=N301::the file promises nothing; {line}"
    assert notice in capsys.readouterr().out.splitlines()


def test_format_json_is_the_same_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = []
    for option in (["--json"], ["--format", "json"], ["--format=json"]):
        assert main(["check", "yolov5n", *option]) == 0
        found.append(json.loads(capsys.readouterr().out))

    assert found[0] == found[1] == found[2]


def test_a_mistake_on_the_command_line_is_a_document_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", "z*", "--format", "json"]) == 2

    assert json.loads(capsys.readouterr().out)["command"] == "check"


def test_a_mistake_after_building_names_the_designs_variant_and_shows_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(DESIGN)

    assert main(["check", "--build", str(path)]) == 2

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(
        f"{path}:6:5: error E301 in yolov5n_odd_5: the edit matches none of 57 convolutions"
    )
    assert "none has `kernel: 5`; `kernel` is one of: 1, 3, 6" in lines[0]
    assert lines[1:3] == ["  6 |   - replace: {part: backbone, kernel: $kernel}", "    |     ^"]
    assert f"{path}:6:5: error E301 in yolov5n_odd_7: " in lines[3]
    assert lines[-1] == "1 file, 2 errors"
