"""`cost` as a user calls it."""

import json
from pathlib import Path

import pytest

from suite.cli.main import main


def document(capsys) -> dict:
    document: dict = json.loads(capsys.readouterr().out)
    return document


def numbers(variant: dict) -> dict:
    return {(m["metric"], m["form"]): m["value"] for m in variant["measurements"]}


def write(folder: Path, text: str) -> str:
    (folder / "mine.yaml").write_text(text)
    return str(folder)


def test_cost_prints_both_forms_and_the_live_parameters(capsys):
    assert main(["cost", "yolov5n", "--no-audit"]) == 0

    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split("\t")[:6] == ["NAME", "PARAMS", "DEPLOYED", "LIVE", "GMACS", "DEPLOYED"]
    assert row.startswith("yolov5n\t1872157\t1867405\t1872157\t2.234\t2.234\t")


def test_cost_prints_what_else_the_deployed_form_costs(capsys):
    assert main(["cost", "yolov5n", "yolov5s_se", "--no-audit"]) == 0

    heading, nano, gated = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert heading[6:] == ["ACTS", "HIDDEN", "PEAK", "FLOP/B", "FIELD"]
    assert nano[6] == "13.969"
    assert nano[-1].isdigit()
    assert gated[-1] == f"{nano[-1]} all"


@pytest.mark.parametrize(
    ("by", "first", "lines"),
    [("part", "backbone", 3), ("stage", "2", 6), ("layer", "backbone.0", 21)],
)
def test_cost_is_cut_by_part_stage_or_layer(by, first, lines, capsys):
    assert main(["cost", "yolov5n", "--by", by]) == 0

    heading, *rows = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert heading[:2] == ["VARIANT", by.upper()]
    assert (rows[0][1], len(rows)) == (first, lines)
    assert sum(int(row[heading.index("PARAMS")]) for row in rows) == 1_872_157
    assert sum(float(row[heading.index("GMACS")]) for row in rows) == pytest.approx(2.234, abs=2e-3)


def test_the_cut_is_of_the_form_that_is_asked_for(capsys):
    assert main(["cost", "yolov5n", "--by", "part", "--form", "deployed"]) == 0

    assert (
        sum(int(line.split("\t")[2]) for line in capsys.readouterr().out.splitlines()[1:])
        == 1_867_405
    )


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
    assert (
        main(["cost", "yolov5n", "--json", "--no-audit", "--image-size", "320", "--classes", "3"])
        == 0
    )

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
        tmp_path,
        "title: Mine\nbase: yolov5n\nedits:\n  - replace: {kernel: 9}\n    with: {block: odconv.ODConv}\n",
    )

    assert main(["cost", "mine", "yolov5n", "--no-audit", "--variants", folder]) == 2

    output = capsys.readouterr()
    assert "yolov5n\t1872157" in output.out
    assert "mine.yaml" in output.err


def test_memory_is_estimated_for_a_pass_and_a_training_step(capsys):
    assert main(["cost", "yolov5n", "--memory", "--batch", "2", "--imgsz", "64"]) == 0

    heading, inference, training = (
        line.split("\t") for line in capsys.readouterr().out.splitlines()
    )
    assert heading == ["NAME", "WHAT", "BATCH", "WEIGHTS", "STATE", "MAPS", "TOTAL"]
    assert inference[:5] == ["yolov5n", "inference", "2", "7.1", "0.0"]
    assert float(training[-1]) == pytest.approx(sum(map(float, training[3:6])), abs=0.2)


def test_the_largest_batch_fits_and_one_more_does_not(capsys):
    budget = 300 * 2**20
    assert main(["cost", "yolov5n", "--fit", "300MiB", "--imgsz", "320", "--json"]) == 0

    needs = document(capsys)["data"]["needs"]
    assert [need["what"] for need in needs] == ["inference", "training"]
    for need in needs:
        assert need["estimate"]["total"] <= budget
        assert need["estimate"]["total"] * (need["batch"] + 1) / need["batch"] > budget
        assert need["measured"] is None


def test_a_budget_that_nothing_fits_gives_a_batch_of_zero(capsys):
    assert main(["cost", "yolov5n", "--fit", "1MiB", "--imgsz", "64"]) == 0

    assert "yolov5n\tinference\t0\t" in capsys.readouterr().out
