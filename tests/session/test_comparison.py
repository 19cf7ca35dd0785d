"""A pair of one run has one verdict, whoever tells it: its report, or `compare`."""

from pathlib import Path

import pytest

from reports.compare.pair import Wanted
from reports.model import Report
from reports.run.gather import gather
from suite.session.comparison import compare_accuracy, compare_latency
from tests.narrowing import present
from tests.reports import fixture_store

WORDS = {"better": "worse", "worse": "better"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compare") / "store.sqlite"
    fixture_store.build(path)
    return path


@pytest.fixture(scope="module")
def report(store: Path) -> Report:
    return gather(store, "latest")


@pytest.mark.parametrize("metric", ["ap", "ap50"])
def test_accuracy_is_judged_as_in_the_report_of_the_run(store, report, metric):
    compared = [row for row in report.rows if metric in row.judged]
    assert len(compared) > 2
    for row in compared:
        judged = row.judged[metric]
        found = compare_accuracy(store, Wanted(row.baseline), Wanted(row.name), metric)

        assert found.verdict == judged.verdict, row.name
        assert found.family.size == len(compared)
        assert found.family.p_adjusted == judged.p_adjusted


def test_latency_is_judged_as_in_the_report_of_the_run(store, report):
    key = f"wall:{report.setups[0].key}"
    compared = [row for row in report.rows if key in row.judged]
    assert len(compared) > 2
    for row in compared:
        found = compare_latency(store, row.baseline, row.name)

        assert found.verdict == row.judged[key].verdict, row.name
        assert found.family.size == len(compared)


def test_the_order_of_the_names_changes_the_sign_alone(store, report):
    row = next(row for row in report.rows if "ap" in row.judged)
    there = compare_accuracy(store, Wanted(row.baseline), Wanted(row.name), "ap")
    back = compare_accuracy(store, Wanted(row.name), Wanted(row.baseline), "ap")

    assert back.verdict.word == WORDS.get(there.verdict.word, there.verdict.word)
    assert (back.verdict.low, back.verdict.high) == pytest.approx(
        (-there.verdict.high, -there.verdict.low)
    )


def test_other_seeds_than_the_runs_are_judged_on_their_own(store, report):
    row = next(row for row in report.rows if len(row.seeds("ap")) == 3 and "ap" in row.judged)
    found = compare_accuracy(store, Wanted(row.baseline, (0, 1)), Wanted(row.name, (0, 1)), "ap")

    assert (found.family.size, found.family.words) == (1, "on its own")


def test_two_variants_that_no_report_compares_are_judged_on_their_own(store, report):
    first, second, *_ = [row for row in report.rows if "ap" in row.judged]
    found = compare_accuracy(store, Wanted(first.name), Wanted(second.name), "ap")

    assert found.family.size == 1
    assert (found.verdict.low, found.verdict.high) == (found.estimate.low, found.estimate.high)


def test_the_drawn_interval_is_the_one_that_decides(report):
    for row in report.rows:
        for judged in row.judged.values():
            drawn = judged.deciding
            assert drawn.low <= judged.estimate.low
            assert drawn.high >= judged.estimate.high
    assert present(report.row("yolov5p"))
