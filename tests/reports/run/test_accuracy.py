"""Evidence of accuracy as the page shows it: means over seeds, differences to the base, nothing where nothing is."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from reports.model import Report, Row
from reports.run.accuracy import (
    ap_by_class,
    evaluator_words,
    mean_cases,
    precision,
    recalls,
    reliability,
)
from reports.run.gather import gather
from reports.sections import classes, errors
from suite.record import Json, Measurement
from tests.narrowing import opened, present
from tests.reports import fixture_store
from tests.reports.fixture_store import CATEGORIES, VARIANTS, Plan


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    path = tmp_path_factory.mktemp("notes") / "store.sqlite"
    return gather(fixture_store.build(path, Plan(variants=VARIANTS[:2], latency=False)))


def noted(
    report: Report, metric: str, *notes: dict[str, Json], samples: tuple[float, ...] = (0.5,)
) -> Row:
    """A row with one measurement for each of the notes."""
    row = report.rows[0]
    item = row.find("ap")[0]
    made = [
        replace(item, measurement=Measurement(metric, 1, "", "", samples, {}, note))
        for note in notes
    ]
    return replace(row, items=tuple(made))


def test_a_class_is_the_mean_of_the_seeds_that_have_it(report: Report) -> None:
    row = noted(
        report, "ap", {"by_class": {"a": 0.2, "b": None}}, {"by_class": {"a": 0.4, "b": 0.5}}, {}
    )

    assert ap_by_class(row) == {"a": pytest.approx(0.3), "b": 0.5}


def curve(points: Json) -> dict[str, Json]:
    return {"precision_recall": {"recall": points, "mean": {"0.50": points}}}


def test_curves_of_unequal_lengths_have_no_mean(report: Report) -> None:
    same = noted(report, "ap50", curve([1, 0.5]), curve([0.5, 0.5]), curve("?"))
    other = noted(report, "ap50", curve([1, 0.5]), curve([0.5]))

    assert (recalls(same), precision(same, "0.50")) == ((0.75, 0.5), (0.75, 0.5))
    assert (recalls(other), precision(other, "0.50")) == ((), ())


def test_bins_of_several_seeds_are_one_set_of_detections(report: Report) -> None:
    """Three detections with precision 1 and one with 0: 0.75."""
    first: dict[str, Json] = {"bins": [[0.5, 0.55, 3, 0.5, 1.0]]}
    second: dict[str, Json] = {"bins": [[0.5, 0.55, 1, 0.54, 0.0], "?"]}

    ((score, precision),) = reliability(noted(report, "calibration_error", first, second))

    assert (score, precision) == pytest.approx((0.51, 0.75))


def test_cases_are_counted_by_their_mean(report: Report) -> None:
    assert (
        mean_cases(noted(report, "lost_both", {"count": 3}, {"count": 6}, {}), "lost_both") == 4.5
    )
    assert mean_cases(noted(report, "lost_both", {}), "lost_both") is None


@pytest.mark.parametrize(
    ("notes", "words"),
    [
        ({}, ""),
        ({"evaluator": "pycocotools"}, "COCO's numbers are pycocotools' own."),
        ({"evaluator": "fast"}, "none of this run's was compared with pycocotools"),
        (
            {"agreement": {"with": "pycocotools 2", "largest_difference": 0}},
            "equals pycocotools 2 to the last bit on all twelve",
        ),
        (
            {"agreement": {"with": "pycocotools 2", "largest_difference": 2e-16}},
            "equals pycocotools 2 to 2e-16 on all",
        ),
    ],
)
def test_the_page_says_who_vouches_for_the_numbers(
    report: Report, notes: dict[str, Json], words: str
) -> None:
    found = evaluator_words([noted(report, "ap", notes)])

    assert words in found
    assert bool(found) == bool(words)


def test_classes_are_listed_by_their_objects_with_the_difference_to_the_base(
    report: Report,
) -> None:
    content = opened(classes.build(report).content)

    rows = content["classes"]
    assert [name for name, _, _ in rows] == CATEGORIES[::-1]  # the made data has more of each
    base, variant = report.rows[:2]
    ap = [ap_by_class(row)["disc"] for row in (base, variant)]
    cells = rows[-1][2]
    assert (cells[0].text, cells[0].below) == (f"{ap[0]:.3f}", "")
    assert cells[1].below == f"{ap[1] - ap[0]:+.3f}".replace("-", "−")
    assert content["variants"][1][1][-1] == cells[1]
    assert content["by_class"]
    assert re.fullmatch(r"small 0\.\d{3}, medium 0\.\d{3}", cells[1].tip)


def test_every_kind_of_error_has_a_column_with_its_cases(report: Report) -> None:
    content = opened(errors.build(report).content)

    assert content["heads"][:6] == [
        "missed",
        "background",
        "localisation",
        "classification",
        "duplicate",
        "both",
    ]
    base, variant = (cells[0] for _, cells in content["rows"][:2])
    mean = [present(row.mean("lost_missed")) for row in report.rows[:2]]
    assert base.text == f"{mean[0]:.3f}"
    assert variant.below.startswith(f"Δ {mean[1] - mean[0]:+.3f}, ".replace("-", "−"))
    assert base.below.endswith(" cases")


def test_a_run_without_such_notes_says_so(tmp_path: Path) -> None:
    report = gather(fixture_store.build(tmp_path / "store.sqlite", Plan(variants=(), train=False)))

    assert errors.build(report).missing == "No detections were told apart in this run."
    assert classes.build(report).missing == "No accuracy by class was measured in this run."
