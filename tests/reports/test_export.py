"""The CSV and Markdown beside the page."""

import csv
import io

import pytest

from reports.export import _escaped, _inert, comparison, latex_text, tidy
from reports.model import Report
from reports.page import ReportPaths
from reports.run.gather import gather
from tests.reports import fixture_store
from tests.reports.fixture_store import VARIANTS, Plan


@pytest.fixture(scope="module")
def lines(written: ReportPaths) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written.csv.read_text(encoding="utf-8"))))


def only(lines: list[dict[str, str]], **wanted: str) -> dict[str, str]:
    (found,) = [line for line in lines if all(line[key] == value for key, value in wanted.items())]
    return found


def test_a_mean_of_seeds_says_how_many_and_between_which(lines: list[dict[str, str]]) -> None:
    found = only(lines, variant="yolov5p", metric="ap50", statistic="mean of seeds")

    assert (found["n"], found["interval"]) == ("3", "range of seeds")
    assert float(found["low"]) <= float(found["value"]) <= float(found["high"])


def test_exact_quantities_have_equal_bounds(lines: list[dict[str, str]]) -> None:
    found = only(lines, variant="yolov5p", metric="params", form="trained")

    assert (found["value"], found["low"], found["high"]) == ("448225", "448225", "448225")


def test_differences_and_ratios_carry_their_verdict(lines: list[dict[str, str]]) -> None:
    name = "yolov5p_effnetv2_printed"
    difference = only(lines, variant=name, metric="ap", statistic="difference to baseline")
    ratio = only(lines, variant=name, metric="latency_wall_ms", statistic="ratio to baseline")

    assert (difference["verdict"], ratio["verdict"]) == ("worse", "better")
    assert (ratio["setup"], ratio["n"]) == ("cpu-fp32-1t", "3")


def test_a_failed_variant_has_no_number(lines: list[dict[str, str]]) -> None:
    assert not [line for line in lines if line["variant"] == "yolov5p_ghost"]


def test_the_markdown_table_has_every_variant(written: ReportPaths) -> None:
    text = written.markdown.read_text(encoding="utf-8")

    assert text.startswith("# 0 of 8 variants more accurate than yolov5p")
    assert sum(line.startswith("| yolov5p") for line in text.splitlines()) == 10
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1


def test_names_cannot_break_a_markdown_table_or_run_in_a_spreadsheet() -> None:
    assert _escaped("a|b_<c>\n[d](e)") == r"a\|b\_\<c\> \[d\](e)"
    assert _inert("=1+1") == "'=1+1"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A small run with one variant."""
    path = tmp_path_factory.mktemp("export") / "store.sqlite"
    return gather(fixture_store.build(path, Plan(variants=VARIANTS[:1])))


def test_the_comparison_is_a_frame_of_variants_and_columns(report: Report) -> None:
    frame = comparison(report)

    assert frame.index.tolist() == ["yolov5p", VARIANTS[0].name]
    assert frame.loc["yolov5p", "Params"] == "445,984"
    assert {"AP", "Δ AP", "Latency"} <= set(frame.columns)


def test_the_tidy_frame_has_one_row_a_statistic(report: Report) -> None:
    frame = tidy(report)
    means = frame[(frame["metric"] == "ap") & (frame["statistic"] == "mean of seeds")]

    assert means["variant"].tolist() == ["yolov5p", VARIANTS[0].name]
    assert means["n"].tolist() == [3, 3]


def test_a_table_for_latex_has_no_sign_that_pdflatex_lacks(report: Report) -> None:
    text = latex_text(report)

    assert r"\begin{tabular}" in text
    assert text.count(r"\\") == 1 + len(report.rows)
    assert text.isascii()
