"""Ladders of steps: from the store to the figure and its table."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from reports.figures.steps import Rung, draw
from reports.figures.theme import look
from reports.model import Report
from reports.page import html
from reports.run.gather import gather
from reports.run.ladder import ladders
from reports.section import Section
from reports.sections import ladders as section
from reports.words import number, signed
from tests.narrowing import opened
from tests.reports.fixture_store import CLIMB, LADDER, Plan, build


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A run of a ladder of five steps and a side branch."""
    return gather(build(tmp_path_factory.mktemp("climb") / "store.sqlite", Plan(variants=LADDER)))


@pytest.fixture(scope="module")
def text(report: Report) -> str:
    """The page of that run."""
    return html(report)


def part(text: str) -> str:
    """The section as it stands in the page."""
    return text[text.index('id="ladders"') : text.index('id="cost"')]


def shown(store: Path) -> Section:
    with look():
        return section.build(gather(store))


def test_steps_are_climbed_from_the_base_with_side_branches_before_the_next_step(
    report: Report,
) -> None:
    (ladder,) = ladders(report)

    found = [(step.name, step.below.name if step.below else "", step.side) for step in ladder.steps]
    assert found == [
        ("yolov5p", "", False),
        ("patchify", "yolov5p", False),
        ("depthwise", "climb_patchify", False),
        ("wide", "climb_depthwise", False),
        ("kernel_9", "climb_wide", True),
        ("gelu", "climb_wide", False),
        ("norms", "climb_gelu", False),
    ]


def test_a_ladder_without_its_lowest_steps_starts_where_the_run_does(report: Report) -> None:
    rows = tuple(
        row if row.name != "climb_wide" else replace(row, baseline="") for row in report.rows[3:]
    )

    (ladder,) = ladders(replace(report, rows=rows))

    assert [(step.name, step.below) for step in ladder.steps][:1] == [("wide", None)]


def test_a_run_without_a_ladder_says_so(tmp_path: Path) -> None:
    built = shown(build(tmp_path / "store.sqlite"))

    assert built.missing == "This run holds no ladder (a file with `design: ladder`)."


def test_every_step_of_the_figure_says_its_change_from_the_step_below(
    report: Report, text: str
) -> None:
    lines = part(text)

    for row in report.rows[1:]:
        below, own = report.row(row.baseline), row.mean("ap")
        assert below is not None
        assert own is not None
        change = own - (below.mean("ap") or 0)
        assert re.search(rf">{re.escape(number(own))}  [▲▼≈] {re.escape(signed(change))}<", lines)


def test_the_table_has_the_numbers_of_the_figure(text: str) -> None:
    rows = re.findall(r"<tr data-v=.*?</tr>", part(text), re.DOTALL)

    assert len(rows) == 7
    side = next(row for row in rows if "climb_9x9" in row)
    assert "side branch" in side
    assert "climb_wide" in side
    assert "+7.7 %" in side  # 0.49 over 0.455


def test_the_figure_has_words_for_those_who_do_not_see_it(report: Report, text: str) -> None:
    first, last = report.row("yolov5p"), report.row("climb_norms")
    assert first is not None
    assert last is not None

    label = f"Ladder of 7 steps: AP from {number(first.mean('ap'))} at the bottom to {number(last.mean('ap'))}"
    assert label in part(text)
    assert part(text).count('<g class="tip" data-v="climb_gelu"><title>') == 2
    assert CLIMB in part(text)


def test_a_ladder_that_was_only_counted_shows_its_cost(tmp_path: Path) -> None:
    store = build(tmp_path / "store.sqlite", Plan(variants=LADDER, train=False, latency=False))

    built = shown(store)

    assert not built.missing
    figure = str(opened(built.content["ladders"])[0]["figure"])
    assert "GFLOPs as deployed" in figure
    assert "AP, mean of the seeds" not in figure


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_too_few_seeds_for_an_interval_leave_the_seeds(
    seeds: tuple[int, ...], tmp_path: Path
) -> None:
    store = build(tmp_path / "store.sqlite", Plan(variants=LADDER, seeds=seeds, latency=False))

    assert "inf" not in str(opened(shown(store).content["ladders"])[0]["figure"])


def rung(label: str, value: float | None, below: float | None, *, side: bool = False) -> Rung:
    return Rung(
        label,
        label,
        value,
        below,
        value or 0,
        value or 0,
        "same",
        "told",
        1.0,
        "1.0",
        f"tip of {label}",
        side,
    )


def test_a_step_without_a_value_keeps_its_row_and_its_cost() -> None:
    with look():
        figure = draw(
            [rung("a", 0.5, None), rung("b", None, 0.5), rung("c", 0.6, None)],
            name="f",
            titles=("AP", "GFLOPs"),
            label="three steps",
        )

    assert [figure.count(f"tip of {name}") for name in "abc"] == [2, 1, 2]


def test_a_side_branch_is_hatched_and_stands_under_no_step() -> None:
    def drawn(*, side: bool) -> str:
        with look():
            return draw(
                [rung("a", 0.5, None), rung("b", 0.7, 0.5, side=side), rung("c", 0.6, 0.5)],
                name="f",
                titles=("AP", "GFLOPs"),
                label="three steps",
            )

    assert "↳ b" in drawn(side=True)
    assert drawn(side=True).count("<path") > drawn(side=False).count("<path") + 10
    assert "pattern" not in drawn(side=True)


def test_hostile_names_are_inert(tmp_path: Path) -> None:
    hostile = replace(LADDER[0], step="<script>alert(1)</script>", name="x$<b>")

    text = html(gather(build(tmp_path / "store.sqlite", Plan(variants=(hostile,)))))

    assert "<script>alert" not in text
    assert "<b>" not in part(text)
