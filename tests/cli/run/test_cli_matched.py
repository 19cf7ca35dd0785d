"""What commands say and do of a variant whose width is found when it is built."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from suite.cli.main import main
from suite.cli.run import running
from suite.session.options import RunOptions
from suite.spec.library import Library

NAME = "as_yolov5p_convnext"
WORDS = "matched at build to the multiply-adds of yolov5p_convnext, by width, to 2 %"


def document(capsys: pytest.CaptureFixture[str]) -> dict:
    document: dict = json.loads(capsys.readouterr().out)
    return document


def test_list_says_that_the_width_is_not_known_yet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", NAME]) == 0

    assert capsys.readouterr().out.splitlines()[1].split("\t") == [
        NAME,
        "YOLOv5p scaled to the multiply-adds of its ConvNeXt variant (matched at build)",
        "yolov5p",
        "yolov5p_convnext",
    ]


@pytest.mark.parametrize("command", ["list", "show"])
def test_there_is_no_fingerprint_before_the_width_is_known(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, NAME, "--json"]) == 0

    data = document(capsys)["data"]
    assert (data[0] if command == "list" else data)["fingerprint"] is None


def test_show_prints_the_numbers_of_width_1_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", NAME]) == 0

    assert f"# {WORDS}; the numbers below are those of width 1" in capsys.readouterr().out


def test_check_counts_what_it_cannot_solve(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", NAME, "yolov5p"]) == 0

    assert capsys.readouterr().out == "2 files, 1 matched at build, no errors\n"


def test_light_commands_never_solve() -> None:
    script = (
        f"import sys; from suite.cli.main import main; main(['check', '{NAME}']); "
        "assert 'torch' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_check_build_prints_the_width_and_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--build", NAME]) == 0

    output = capsys.readouterr()
    assert output.out == "1 file, no errors\n"
    assert f"{NAME}: width 1." in output.err
    assert "% from the 0.759 of yolov5p_convnext" in output.err
    assert "warning" not in output.err


def test_what_cannot_be_reached_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "close.yaml"
    path.write_text(
        "base: yolov5p\nmatch: {metric: flops, to: yolov5p_convnext, tolerance: 1e-9}\n"
    )

    assert main(["cost", str(path), "--no-audit"]) == 0

    assert "warning: close: width 1." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "code"), [(["cost", "--no-audit"], 2), (["check", "--build"], 2)]
)
def test_a_cost_out_of_reach_is_a_mistake_of_the_file(
    command: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "heavy.yaml"
    wide = (
        "edits: [{insert: {block: conv.Conv, out: 256, kernel: 3, repeat: 3}, before: {tag: p2}}]"
    )
    path.write_text(f"base: yolov5p\n{wide}\nmatch: {{metric: params, to: yolov5p}}\n")

    assert main([*command, str(path)]) == code

    output = capsys.readouterr()
    assert "error E312" in output.out + output.err
    assert "no width costs less" in output.out + output.err


def test_a_run_is_planned_with_the_width_that_was_found(tmp_path: Path) -> None:
    options = RunOptions((NAME,), "smoke", None, (), tmp_path)

    variants = {variant.name: variant for variant in running.prepare(options).plan.variants}

    found = variants[NAME]
    assert set(variants) == {NAME, "yolov5p_convnext", "yolov5p"}
    assert found.match is not None
    assert found.match.solution is not None
    assert found.fingerprint != Library().load(NAME).fingerprint
