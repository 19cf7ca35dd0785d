"""What sections make of a few rows, without the page around them."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from reports.model import Judged, Report
from reports.sections import data, environment, failures, verdicts
from reports.table import columns
from reports.words import listed
from suite.record import Failure, Json
from suite.store import StoredOutcome
from tests.reports.made import BETTER, EQUAL, SAME, WORSE, measured, record, report, row

BASE = row("base", measured("ap", 0.31), measured("params", 1000.0, form="deployed"))


def cell(key: str, *rows, of):
    column = next(each for each in columns(report(*rows)) if each.key == key)
    return column.cell(of)


def content(section: ModuleType, of: Report) -> Any:
    """What a section's template is given."""
    return section.build(of).content


@pytest.mark.parametrize(
    ("judged", "word"),
    [(BETTER, "better"), (WORSE, "worse"), (EQUAL, "equivalent"), (SAME, "")],
)
def test_a_settled_verdict_has_its_word_and_an_open_one_what_it_needs(
    judged: Judged, word: str
) -> None:
    variant = row("v", measured("ap", 0.5), baseline="base", judged={"ap": judged})

    ((_, (line,)),) = content(verdicts, report(BASE, variant))["groups"]

    assert line.compared[0].word == word
    assert bool(line.compared[0].needed) == (word == "")


def test_a_broken_variant_is_called_so_in_the_place_of_its_accuracy() -> None:
    good = row("v", measured("ap", 0.5), baseline="base", judged={"ap": BETTER})
    broken = row("w", baseline="base", state="broken")

    ((_, lines),) = content(verdicts, report(BASE, good, broken))["groups"]

    assert lines[1].compared[0].absent == "broken"


@pytest.mark.parametrize(
    ("state", "words"),
    [("broken", "control: as it must be"), ("trains", "control: NOT broken")],
)
def test_a_control_says_whether_it_is_what_it_must_be(state, words) -> None:
    control = row("c", state=state, made=record("c", baseline="base", control="broken"))

    ((_, (line,)),) = content(verdicts, report(BASE, control))["groups"]

    assert line.control == words


def test_a_run_without_a_base_compares_nothing_and_says_so() -> None:
    assert "nothing is compared" in verdicts.build(report(BASE)).missing


def test_a_mean_stands_over_its_lowest_and_highest_seed() -> None:
    variant = row("v", measured("ap", 0.25), measured("ap", 0.75))

    mean = cell("ap", variant, of=variant)

    assert (mean.text, mean.sub, mean.sort) == ("0.500", "0.250 to 0.750", 0.5)


def test_one_seed_has_no_range() -> None:
    assert cell("ap", BASE, of=BASE).sub == "1 seed"


def test_a_cost_is_coloured_by_its_change_from_the_base() -> None:
    variant = row("v", measured("params", 1500.0, form="deployed"), baseline="base")

    params = cell("params", BASE, variant, of=variant)

    assert (params.text, params.sub, params.below) == ("1,500", "▼ +50.0 %", "worse")


def test_what_was_not_measured_is_a_dash_that_sorts_last() -> None:
    empty = cell("gmacs", BASE, of=BASE)

    assert (empty.text, empty.sort) == ("–", None)


def test_the_last_loss_is_the_mean_of_the_last_tenth_of_the_steps() -> None:
    """Of 20 steps the last two."""
    trained = row("v", measured("loss_curve", *([9.0] * 18), 1.0, 3.0))

    assert cell("loss", trained, of=trained).sort == 2.0


def test_nested_settings_are_one_dotted_line_each() -> None:
    nested: dict[str, Json] = {"b": {"c": 1, "d": [2, 3]}, "a": None, "e": [{"f": "x"}]}

    assert environment.flat(nested) == [("b.c", "1"), ("b.d", "2, 3"), ("e.0.f", "x")]


def test_jobs_that_fail_alike_are_told_once() -> None:
    def failed(seed: int) -> StoredOutcome:
        failure = Failure("train", "oom", "no memory left")
        return StoredOutcome(
            f"k{seed}", "train", "v", "f", seed, None, "", 1.0, {}, (), failure, ()
        )

    variant = replace(row("v", baseline="base"), failures=(failed(0), failed(1)))

    (told,) = content(failures, report(BASE, variant))["failed"]

    assert (told.jobs, told.code) == ("train seed 0 and train seed 1", "oom")
    assert told.command == "python run_suite.py run v --protocol demo"


def test_what_was_skipped_is_counted_by_kind_with_examples() -> None:
    skipped: list[Json] = [
        {"kind": "no such file", "count": 5, "examples": ["a", "b", "c", "d"]},
        "odd",
    ]
    facts: dict[str, Json] = {
        "name": "x",
        "categories": ["cat"],
        "train": {"images": 7, "skipped": skipped},
    }

    said = content(data, replace(report(BASE), facts=facts))

    assert said["issues"] == [("train", "5 × no such file (such as a, b, c)"), ("train", "odd")]
    assert said["splits"] == [("train", ["7", "–", "–", "–"])]
    assert said["classes"] == "1 classes: cat."


@pytest.mark.parametrize(("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b")])
def test_a_short_list_needs_no_comma(names: list[str], text: str) -> None:
    assert listed(names) == text
