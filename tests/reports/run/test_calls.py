"""What a run says of a variant in one word, in counts, and in the title."""

import pytest

from reports.model import Judged, State
from reports.run.calls import accuracy_call, accuracy_mark
from reports.run.headline import sentences, title
from reports.run.tiles import tiles
from tests.reports.made import BETTER, EQUAL, SAME, WORSE, measured, record, report, row

BASE = row("base", measured("ap", 0.5))


@pytest.mark.parametrize(
    ("judged", "call"),
    [(BETTER, "better"), (WORSE, "worse"), (EQUAL, "equal"), (SAME, "same")],
)
def test_a_verdict_is_one_word_and_one_mark(judged: Judged, call: str) -> None:
    variant = row("v", baseline="base", judged={"ap": judged})

    assert (accuracy_call(variant), accuracy_mark(variant)) == (call, call)


@pytest.mark.parametrize("state", ["broken", "failed"])
def test_what_does_not_train_is_called_so_whatever_was_judged(state: State) -> None:
    variant = row("v", baseline="base", state=state, judged={"ap": BETTER})

    assert (accuracy_call(variant), accuracy_mark(variant)) == (state, "bad")


def test_what_was_not_judged_has_no_call_and_the_mark_of_doubt() -> None:
    variant = row("v", baseline="base")

    assert (accuracy_call(variant), accuracy_mark(variant)) == ("", "same")


def test_a_base_has_a_mark_of_its_own() -> None:
    assert accuracy_mark(BASE) == "base"


def test_the_title_counts_every_kind_of_verdict() -> None:
    variants = [
        row(f"v{number}", baseline="base", judged={"ap": judged})
        for number, judged in enumerate((BETTER, BETTER, WORSE, EQUAL, SAME))
    ]

    assert title(report(BASE, *variants)) == (
        "2 of 5 variants more accurate than base, 1 less accurate, 1 equivalent, 1 cannot tell"
    )


def test_variants_of_several_bases_are_compared_with_their_own() -> None:
    other = row("other", measured("ap", 0.5))
    variants = [row("v", baseline="base", judged={"ap": BETTER}),
                row("w", baseline="other", judged={"ap": WORSE})]  # fmt: skip

    text = title(report(BASE, other, *variants))

    assert text == "1 of 2 variants more accurate than their base, 1 less accurate"


def test_a_run_that_only_counted_says_so_in_its_title() -> None:
    text = title(report(row("base"), row("v", baseline="base", state="untrained")))

    assert text == "1 variant counted against base; no accuracy or latency was measured"


def test_tiles_lead_to_their_rows_and_leave_out_what_is_zero_but_better_and_worse() -> None:
    variants = [row("v", baseline="base", judged={"ap": SAME}),
                row("w", baseline="base", state="failed")]  # fmt: skip

    ((group, counts),) = tiles(report(BASE, *variants))

    assert group == "Accuracy"
    assert [(tile.select, tile.count) for tile in counts] == [
        ("ap:better", 0), ("ap:worse", 0), ("ap:same", 1), ("ap:failed", 1),
    ]  # fmt: skip
    assert counts[-1].call == "bad"


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("broken", "Control frozen called broken, as it must be: this run can tell."),
        ("trains", "⚠ Control frozen must be broken and was called 'trains': trust nothing here."),
    ],
)
def test_a_control_shows_whether_a_run_can_tell(state: State, sentence: str) -> None:
    control = row("frozen", state=state, made=record("frozen", baseline="base", control="broken"))

    assert sentence in sentences(report(BASE, control))


def test_a_failed_control_is_not_told_twice() -> None:
    control = row(
        "frozen", state="failed", made=record("frozen", baseline="base", control="broken")
    )

    assert not [each for each in sentences(report(BASE, control)) if "Control" in each]
