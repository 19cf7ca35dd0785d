"""What the latency section says of calls, of rounds that were set aside, and of the machine."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from reports.model import Report
from reports.run import timing
from reports.run.gather import gather
from reports.sections import latency
from suite.stats.resolution import Resolution
from tests.reports import fixture_store
from tests.reports.fixture_store import VARIANTS, Plan

KEY = "wall:cpu-fp32-1t"


def gathered(folder: Path, **plan: object) -> Report:
    path = fixture_store.build(folder / "store.sqlite", Plan(train=False, **plan))  # type: ignore[arg-type]
    return gather(path)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return gathered(tmp_path_factory.mktemp("timing"), variants=VARIANTS[:3])


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Report:
    devices = (("cpu", "fp32"), ("cuda", "fp16"))
    return gathered(tmp_path_factory.mktemp("both"), variants=VARIANTS[:1], devices=devices)


def test_percentiles_need_their_calls_and_say_so(report: Report) -> None:
    rows = timing.call_rows(report, report.setups[0])

    assert timing.percents() == ("p5", "median", "p90", "p95", "p99")
    for row in rows:
        calls = int(row.calls)
        assert calls == 4 * (int(row.rounds) - int(row.aside))
        assert row.percentiles[4] == ("–", f"p99 needs 662 calls; there are {calls}")
        assert (
            float(row.percentiles[0][0])
            < float(row.percentiles[1][0])
            < float(row.percentiles[3][0])
        )


def test_the_ratio_with_all_rounds_stands_beside_that_without_the_disturbed(report: Report) -> None:
    disturbed = [row for row in timing.call_rows(report, report.setups[0]) if row.aside != "0"]

    assert disturbed
    assert all(
        re.fullmatch(r"×\d\.\d{3} \(×\d\.\d{3} with all rounds\)", row.ratio) for row in disturbed
    )


def test_what_was_set_aside_is_counted_with_its_reason_and_its_rule(report: Report) -> None:
    rows = timing.call_rows(report, report.setups[0])
    aside, total = sum(int(row.aside) for row in rows), sum(int(row.rounds) for row in rows)

    words = timing.aside_words(report, report.setups[0])

    assert words == (
        f"{aside} of {total} rounds were disturbed: waited for a core ({aside}). They are set aside. "
        "Rule: a rule that is stated."
    )


def test_the_machine_is_described_by_what_was_read_in_the_rounds(report: Report) -> None:
    words = timing.machine_words(report, report.setups[0])

    assert words == (
        "During the rounds: load average 0.4 to 2.4, other processes 0.05 cores, clock 2,596 to 3,100 MHz."
    )


def test_every_process_has_its_readings(report: Report) -> None:
    columns, rows = timing.machine_table(report, report.setups[0])

    assert columns == ("load average", "other processes, cores", "clock, MHz")
    assert len(rows) == 4 * 3
    assert rows[0].name == "yolov5p, process 1"
    assert rows[0].cells == ("0.4", "0.05", "2,848 (2,596 to 3,100)")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.004, "The machine is admitted: a difference counts from the protocol's 2.0 %."),
        (
            0.031,
            "admitted with a wider floor: a difference counts from 3.1 %, not from the protocol's 2.0 %.",
        ),
        (0.2, "⚠ The machine is refused: it cannot see 5 times the protocol's 2.0 %"),
    ],
)
def test_the_resolution_is_a_sentence_with_its_consequence(
    report: Report, value: float, words: str
) -> None:
    found = replace(report, resolutions={KEY: Resolution(value, 12, 2 * value)})

    sentence = timing.resolution_words(found, found.setups[0])

    assert sentence.startswith(
        f"Differences under {100 * value:.1f} % could not be seen in this run: so much do 12"
    )
    assert words in sentence


def test_a_gpus_panel_has_its_own_readings_and_no_processor_time(both: Report) -> None:
    cpu, gpu = both.setups
    panels = latency.build(both).content["panels"]
    assert isinstance(panels, list)

    assert [panel.title for panel in panels] == [cpu.title, gpu.title]
    assert "CPU time" in panels[0].ratios
    assert "CPU time" not in panels[1].ratios + (panels[1].copies or "")
    assert panels[1].clocks == "Wall time, with 95 % intervals"
    assert "GPU clock 1,980 MHz" in panels[1].machine
    assert "GPU slowed down: power cap" in panels[1].aside


def test_a_run_of_older_records_has_no_words_about_the_machine(report: Report) -> None:
    bare = tuple(
        replace(
            row,
            items=tuple(
                replace(i, measurement=replace(i.measurement, notes={})) for i in row.items
            ),
        )
        for row in report.rows
    )
    old = replace(report, rows=bare)

    assert timing.aside_words(old, old.setups[0]) == timing.machine_words(old, old.setups[0]) == ""
    assert timing.machine_table(old, old.setups[0])[1] == []
    assert {row.aside for row in timing.call_rows(old, old.setups[0])} == {"0"}
