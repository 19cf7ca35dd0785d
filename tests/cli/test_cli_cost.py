"""`cost` as a user calls it."""

import json
from pathlib import Path

from suite.cli.main import main


def document(capsys) -> dict:
    return json.loads(capsys.readouterr().out)


def numbers(variant: dict) -> dict:
    return {(m["metric"], m["form"]): m["value"] for m in variant["measurements"]}


def write(folder: Path, text: str) -> str:
    (folder / "mine.yaml").write_text(text)
    return str(folder)


def test_cost_prints_both_forms_and_the_live_parameters(capsys):
    assert main(["cost", "yolov5n", "--no-audit"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "NAME\tPARAMS\tDEPLOYED\tLIVE\tGMACS\tDEPLOYED",
        "yolov5n\t1872157\t1867405\t1872157\t2.234\t2.234",
    ]


def test_a_few_variants_are_audited_unasked(capsys):
    assert main(["cost", "yolov5n", "--imgsz", "64"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("FVCORE\tTHOP\tWHY")
    assert "thop adds" in lines[1]


def test_cost_as_json_keeps_the_evidence(capsys):
    assert main(["cost", "yolov5n", "--json", "--no-audit"]) == 0

    data = document(capsys)["data"]
    (variant,) = data["variants"]
    assert numbers(variant)["params", "deployed"] == 1_867_405
    assert data["image_size"] == 640
    layers = next(m for m in variant["measurements"] if m["metric"] == "gmacs")["notes"]["layers"]
    assert layers[0]["address"] == "backbone.0"
    assert set(data["seconds"]) == {"building", "sizing", "counting", "auditing"}


def test_the_image_size_and_the_classes_are_the_users(capsys):
    assert main(["cost", "yolov5n", "--json", "--no-audit", "--image-size", "320", "--classes", "3"]) == 0

    (variant,) = document(capsys)["data"]["variants"]
    assert numbers(variant)["params", "trained"] == 1_872_157 - 3 * 77 * (64 + 128 + 256 + 3)


def test_a_glob_that_fits_nothing_exits_4():
    assert main(["cost", "nothing_like_this*"]) == 4


def test_a_broken_promise_is_shown_and_exits_1(tmp_path, capsys):
    folder = write(tmp_path, "title: Mine\nbase: yolov5n\nexpect: {params: 1}\n")

    assert main(["cost", "mine", "--no-audit", "--variants", folder]) == 1

    output = capsys.readouterr()
    assert "mine\t1872157" in output.out
    assert "mine: params are 1872157, but `expect` says 1" in output.err


def test_a_promise_is_not_compared_at_another_size(tmp_path):
    folder = write(tmp_path, "title: Mine\nbase: yolov5n\nexpect: {gmacs: 2.234}\n")

    assert main(["cost", "mine", "--no-audit", "--imgsz", "64", "--variants", folder]) == 0


def test_a_variant_that_does_not_build_leaves_the_others_counted(tmp_path, capsys):
    folder = write(
        tmp_path, "title: Mine\nbase: yolov5n\nedits:\n  - replace: {kernel: 9}\n    with: {block: odconv.ODConv}\n"
    )

    assert main(["cost", "mine", "yolov5n", "--no-audit", "--variants", folder]) == 2

    output = capsys.readouterr()
    assert "yolov5n\t1872157" in output.out
    assert "mine.yaml" in output.err
