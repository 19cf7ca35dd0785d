"""The command `compare`: a verdict on any two variants of a store, or why there is none."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.run.gather import gather
from suite.cli.main import main
from suite.stats.difference import Side, difference
from suite.stats.matches import save
from tests.calibration.world import World, trained, truth
from tests.narrowing import present
from tests.reports import fixture_store
from tests.reports.fixture_store import BASE, PROTOCOL, VARIANTS, Plan

PRINTED, CORRECTED = "yolov5p_effnetv2_printed", "yolov5p_effnetv2"
TWO = Plan(variants=VARIANTS[4:6])
Out = tuple[int, str, str]


def compare(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> Out:
    code = main(["compare", *arguments, "--out", str(folder)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compare")
    fixture_store.build(path / "store.sqlite", replace(TWO, seeds=(0, 1, 2, 3, 4, 5)))
    return path


def test_the_verdict_stands_first_and_every_seed_below(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = compare(capsys, folder, CORRECTED, PRINTED)

    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("worse: AP −0.1")
    assert lines[2] == f"SEED\t{CORRECTED}\t{PRINTED}"
    assert [line.split("\t")[0] for line in lines[3:9]] == ["0", "1", "2", "3", "4", "5"]
    assert "budget\t600 steps in batches of 8" in lines
    assert "interval holds\tseeds" in lines


def test_json_is_the_difference_of_the_reports_own_statistics(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = compare(capsys, folder, "yolov5p", PRINTED, "--metric", "ap50", "--json")

    data = json.loads(out)["data"]
    rows = gather(folder / "store.sqlite")
    base, variant = (Side(present(rows.row(name)).seeds("ap50")) for name in ("yolov5p", PRINTED))
    expected = difference(base, variant)
    assert data["verdict"]["word"] == "worse"
    assert [data["difference"][key] for key in ("value", "low", "high", "p")] == [
        expected.value, expected.low, expected.high, expected.p,
    ]  # fmt: skip
    assert [seed["seed"] for seed in data["sides"][0]["seeds"]] == [0, 1, 2, 3, 4, 5]
    assert data["conditions"]["data"] == "shapes-1"


def test_a_variant_is_compared_with_its_own_other_seeds(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("yolov5p", "yolov5p", "--seeds", "0-2", "--against", "3,4-5", "--json")

    code, out, _ = compare(capsys, folder, *arguments)

    sides = json.loads(out)["data"]["sides"]
    assert code == 0
    assert [[seed["seed"] for seed in side["seeds"]] for side in sides] == [[0, 1, 2], [3, 4, 5]]


def test_latency_is_the_ratio_of_rounds_in_one_process(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = compare(capsys, folder, "yolov5p", PRINTED, "--metric", "latency", "--json")

    data = json.loads(out)["data"]
    row = present(gather(folder / "store.sqlite").row(PRINTED))
    own = row.judged["wall:cpu-fp32-1t"].estimate
    assert data["difference"]["value"] == own.value
    assert data["verdict"]["word"] == "better"


def test_latency_of_two_that_share_a_base_is_the_ratio_of_their_ratios(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = compare(capsys, folder, CORRECTED, PRINTED, "--metric", "latency", "--json")

    data = json.loads(out)["data"]
    assert data["difference"]["value"] == pytest.approx(0.74 / 1.21, rel=0.02)
    assert data["conditions"]["timed_beside"] == "yolov5p"


def test_latency_seen_from_the_variant_is_the_inverse(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ratios = []
    for names in (("yolov5p", PRINTED), (PRINTED, "yolov5p")):
        _, out, _ = compare(capsys, folder, *names, "--metric", "latency", "--json")
        ratios.append(json.loads(out)["data"]["difference"]["value"])

    assert ratios[0] * ratios[1] == pytest.approx(1.0)


REFUSED = {
    "itself": (("yolov5p", "yolov5p"), 2, "name two sets of seeds by --seeds and --against"),
    "itself by latency": (
        ("yolov5p", "yolov5p", "--metric", "latency"),
        2,
        "would be compared with itself",
    ),
    "unknown": (
        ("yolov5p", "yolov9"),
        4,
        "yolov9: the store has no variant of that name; there are: yolov5p, ",
    ),
    "unknown by latency": (
        ("yolov5p", "yolov9", "--metric", "latency"),
        4,
        "has no variant yolov9",
    ),
    "seeds": (
        ("yolov5p", PRINTED, "--seeds", "0,9"),
        4,
        "yolov5p: has no seed 9; there are: 0, 1, 2, 3, 4, 5",
    ),
    "no seeds": (("yolov5p", PRINTED, "--seeds", "3-1"), 2, "not '3-1'"),
    "run": (("yolov5p", PRINTED, "--run", "never"), 5, "has no run 'never'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_compared_is_refused(
    what: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, expected, words = REFUSED[what]

    code, _, err = compare(capsys, folder, *arguments)

    assert code == expected
    assert words in err


def test_no_store_is_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(capsys, tmp_path, "a", "b")[0] == 4


OTHERS = {
    "budget": (Plan(base=None, variants=(replace(VARIANTS[0], trained=400),)),
               "budget 600 steps in batches of 8 and 400 steps in batches of 8"),
    "recipe": (Plan(base=None, variants=VARIANTS[:1], protocol=PROTOCOL | {"recipe": "scratch-low"}),
               "recipe tiny and scratch-low"),
    "data": (Plan(base=None, variants=VARIANTS[:1], dataset="other"), "data shapes-1 and other"),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_what_was_trained_otherwise_is_refused(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, words = OTHERS[what]
    fixture_store.build(tmp_path / "store.sqlite", replace(TWO, latency=False))
    fixture_store.build(
        tmp_path / "store.sqlite", replace(other, latency=False, run_id="2026-11-23T0301")
    )

    code, _, err = compare(capsys, tmp_path, "yolov5p", VARIANTS[0].name)

    assert code == 2
    assert (
        f"yolov5p and yolov5p_convnext were never trained alike: {words}; train both in one run"
        in err
    )


def test_a_variant_that_needs_another_recipe_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs = replace(VARIANTS[0], recipe="scratch-low")
    fixture_store.build(tmp_path / "store.sqlite", Plan(variants=(needs,), latency=False))

    code, _, err = compare(capsys, tmp_path, "yolov5p", needs.name)

    assert code == 2
    assert "needs the recipe scratch-low, but was trained with tiny" in err


def test_a_base_that_learned_nothing_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan(base=replace(BASE, ap50=0.05), variants=VARIANTS[:1], latency=False)
    fixture_store.build(tmp_path / "store.sqlite", plan)

    _, _, err = compare(capsys, tmp_path, BASE.name, VARIANTS[0].name)

    assert "⚠ the base has learned next to nothing: AP50 0.0" in err


def test_trainings_of_two_runs_are_pooled_where_they_were_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fixture_store.build(tmp_path / "store.sqlite", Plan(variants=(), latency=False))
    more = Plan(
        base=None, variants=VARIANTS[:1], latency=False, seeds=(3, 4, 5), run_id="2026-11-23T0301"
    )
    fixture_store.build(tmp_path / "store.sqlite", more)

    code, out, _ = compare(capsys, tmp_path, "yolov5p", VARIANTS[0].name)

    assert code == 0
    assert "runs\t2026-11-22T0301, 2026-11-23T0301" in out


def test_matches_bring_the_pictures_into_the_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = fixture_store.build(
        tmp_path / "store.sqlite", Plan(variants=VARIANTS[:1], latency=False)
    )
    pictures = truth(World(pictures=30), np.random.default_rng(0))
    for number, item in enumerate(item for row in gather(store).rows for item in row.find("ap")):
        path = f"artifacts/{number}/matches.npz"
        save(trained(pictures, 0.5, np.random.default_rng(number)), tmp_path / path)
        fixture_store.add_artifact(store, item.job.key, path)

    _, out, _ = compare(capsys, tmp_path, BASE.name, VARIANTS[0].name)

    assert "interval holds\tpictures and seeds" in out
    assert "doubt in the choice of the pictures" in out
