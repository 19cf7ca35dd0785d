"""Weights from the command line and from specs: what is loaded is said, kept, and part of the job's key."""

import json
from pathlib import Path

import pytest

from suite.cli.main import main
from suite.datasets.builtin.shapes import ensure
from suite.nn.detector import build
from suite.nn.weights.checkpoint import save_checkpoint
from suite.spec.library import Library


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A checkpoint of yolov5p with 80 classes."""
    return save_checkpoint(
        tmp_path / "base.safetensors", build(Library().load("yolov5p"), 80, seed=0), {}
    )


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "yolov5p_eca.yaml"
    path.write_text("base: yolov5p\nedits: [{insert: {block: c3.C3}, after: {tag: p3}}]\n")
    return path


def document(capsys: pytest.CaptureFixture[str]) -> dict:
    document: dict = json.loads(capsys.readouterr().out)
    return document


def test_show_says_by_stage_what_would_be_loaded(spec: Path, weights: Path, capsys) -> None:
    assert main(["show", str(spec), "--weights", str(weights)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "# yolov5p_eca from base.safetensors: checkpoint, yolov5p"
    assert lines[1] == "STAGE\tTENSORS\tLOADED\tPARAMETERS\tLOADED\tSHARE"
    assert {line.split("\t")[0] for line in lines[2:] if line.endswith("\t100.0 %")} >= {
        "backbone 2",
        "head",
    }
    assert "left at its own start:" in lines
    assert any(line.startswith("  c3.C3 after backbone.p3.c3.C3: ") for line in lines)
    assert any(line.endswith("1 tensor: the anchors are the variant's own") for line in lines)


def test_show_as_json_names_every_tensor_that_was_left(spec: Path, weights: Path, capsys) -> None:
    assert main(["show", str(spec), "--weights", str(weights), "--json"]) == 0

    found = document(capsys)["data"]["weights"]
    assert (found["form"], found["network"]) == ("checkpoint", "yolov5p")
    assert found["tensors"] - found["loaded"] == len(found["left_tensors"])
    assert {role for _, role, _ in found["left_tensors"]} == {"c3.C3 after backbone.p3.c3.C3"}


def test_show_refuses_a_file_that_is_no_weights(spec: Path, tmp_path: Path, capsys) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")

    assert main(["show", str(spec), "--weights", str(path)]) == 2
    assert (
        "is no weights file; there are .safetensors files and YOLOv5's .pt files"
        in capsys.readouterr().err
    )


@pytest.fixture
def arguments(tmp_path: Path, spec: Path) -> list[str]:
    data = ensure(tmp_path / "data", train=4, val=2, size=64)
    out = str(tmp_path / "mine.safetensors")
    return [
        "train",
        str(spec),
        "--data",
        str(data),
        "--steps",
        "1",
        "--batch",
        "2",
        "--imgsz",
        "64",
        "--out",
        out,
    ]


def test_a_training_keeps_what_it_began_with(
    arguments: list[str], weights: Path, tmp_path: Path, capsys
) -> None:
    assert main([*arguments, "--weights", str(weights), "--json"]) == 0

    said = document(capsys)["data"]["start"]
    kept = json.loads((tmp_path / "mine.safetensors.json").read_text())["start"]
    assert kept == said
    assert (kept["file"], kept["form"]) == ("base.safetensors", "checkpoint")
    assert 0 < kept["share"] < 1


def test_a_spec_s_weights_are_relative_to_it(
    arguments: list[str], weights: Path, spec: Path, capsys
) -> None:
    spec.write_text(spec.read_text() + "weights: ./base.safetensors\n")

    assert main(arguments) == 0
    assert " s from weights base.safetensors: " in capsys.readouterr().out


def test_scratch_takes_the_base_s_weights_back(
    arguments: list[str], spec: Path, tmp_path: Path, capsys
) -> None:
    (tmp_path / "yolov5p_start.yaml").write_text("base: yolov5p\nweights: absent.pt\n")
    spec.write_text("base: yolov5p_start\nweights: scratch\nfreeze: backbone\n")

    assert main([*arguments, "--variants", str(tmp_path)]) == 0
    assert " s from scratch, seed 0" in capsys.readouterr().out


def test_weights_that_are_not_there_fail_the_training_with_their_name(
    arguments: list[str], spec: Path, capsys
) -> None:
    spec.write_text(spec.read_text() + "weights: absent.pt\n")

    assert main(arguments) == 2
    assert "absent.pt: no such file" in capsys.readouterr().err


def test_a_run_with_weights_that_are_not_there_begins_nothing(
    spec: Path, tmp_path: Path, capsys
) -> None:
    spec.write_text(spec.read_text() + "weights: absent.pt\n")
    out = tmp_path / "out"
    data = str(ensure(tmp_path / "data", train=2, val=2, size=64))

    assert main(["run", str(spec), "--protocol", "smoke", "--data", data, "--out", str(out)]) == 2
    assert "no weights file" in capsys.readouterr().err
    assert not (out / "store.sqlite").exists()


def test_the_content_of_the_weights_is_part_of_a_training_s_key_and_of_no_other(
    spec: Path, weights: Path, tmp_path: Path, capsys
) -> None:
    data = str(ensure(tmp_path / "data", train=2, val=2, size=64))
    command = ["run", str(spec), "--protocol", "smoke", "--data", data, "--dry-run", "--json"]
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(weights.read_bytes())
    other = tmp_path / "other.safetensors"
    other.write_bytes(weights.read_bytes()[:-1])
    keys = []

    for start in (
        [],
        ["--weights", str(weights)],
        ["--weights", str(copy)],
        ["--weights", str(other)],
    ):
        assert main([*command, *start]) == 0
        jobs = document(capsys)["data"]["jobs"]
        keys.append({job["job"]: job["key"] for job in jobs})

    scratch, first, second, third = keys
    assert first == second
    for one, two in ((scratch, first), (first, third)):
        changed = {job for job in one if one[job] != two[job]}
        assert changed == {job for job in one if "train" in job}
        assert changed


@pytest.mark.parametrize("value", ["yolov5s", "yolov5s.onnx", "[a.pt]", "{of: yolov5s}", "3"])
def test_what_cannot_be_weights_is_an_error_at_its_place(
    tmp_path: Path, capsys, value: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"base: yolov5n\nweights: {value}\n")

    assert main(["check", str(path)]) == 2
    assert f"{path}:2:10: error E101: `weights`" in capsys.readouterr().out
