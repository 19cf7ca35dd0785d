"""What the page says of variants that were scaled to the cost of another."""

from dataclasses import replace
from pathlib import Path

from reports.model import Row
from reports.page import html
from reports.run.gather import gather
from reports.run.judge import matched_words, missed_words
from suite.spec.records.cost import Match, Solution, match_json, match_of
from tests.reports.fixture_store import VARIANTS, Plan, build

SOLUTION = Solution(2.2609, 39.9, 39.942, "GMACs")
MATCH = Match("flops", "yolov5p_convnext", 0.02, solution=SOLUTION)


def row(tmp_path: Path, match: Match) -> Row:
    """A row of a made-up run, as if it had been matched."""
    found = gather(
        build(tmp_path / "store.sqlite", Plan(variants=VARIANTS[:1], train=False, latency=False))
    ).rows[1]
    return replace(found, record=replace(found.record, spec={"match": match_json(match)}))


def test_a_match_survives_the_store() -> None:
    assert match_of({"match": match_json(MATCH)}) == MATCH
    assert match_of({}) is None


def test_the_evidence_of_a_match_is_one_sentence(tmp_path: Path) -> None:
    words = (
        "width 2.2609 costs 39.900 GMACs as deployed, −0.11 % from the 39.942 of yolov5p_convnext"
    )

    found = row(tmp_path, MATCH)

    assert matched_words(found) == words
    assert missed_words(found) == ""


def test_a_latency_is_that_of_a_machine(tmp_path: Path) -> None:
    timed = replace(MATCH, metric="latency", solution=Solution(0.5, 8.0, 8.1, "ms", "a machine"))

    assert "8.000 ms as deployed on a machine, −1.23 % from the 8.100" in matched_words(
        row(tmp_path, timed)
    )


def test_a_cost_that_was_not_met_is_told_loudly(tmp_path: Path) -> None:
    missed = replace(MATCH, solution=replace(SOLUTION, cost=42.0))

    assert missed_words(row(tmp_path, missed)) == "no equal cost: +5.2 % from yolov5p_convnext"


def test_the_page_has_the_sentence_among_the_verdicts(tmp_path: Path) -> None:
    report = gather(build(tmp_path / "store.sqlite", Plan(variants=VARIANTS[:2], seeds=(0, 1))))
    spec = {**report.rows[1].record.spec, "match": match_json(MATCH)}
    rows = (
        report.rows[0],
        replace(report.rows[1], record=replace(report.rows[1].record, spec=spec)),
        *report.rows[2:],
    )

    assert f'<td>Equal cost</td><td colspan="8">{matched_words(rows[1])}</td>' in html(
        replace(report, rows=rows)
    )
