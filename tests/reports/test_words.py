"""How numbers are written."""

import math
from dataclasses import replace

import pytest

from reports.sections.verdicts import strip
from reports.table import interval, relative
from reports.words import compact, counted, listed, number, signed, signed_percent
from suite.stats.intervals import Estimate


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.7021, "0.702"), (-0.004, "−0.004"), (None, "–"), (math.nan, "–"), (-math.inf, "−∞")],
)
def test_a_number_has_fixed_digits_and_a_true_minus(value: float | None, text: str) -> None:
    assert number(value) == text


def test_differences_have_a_sign() -> None:
    assert (signed(0.0214), signed(-0.0214), signed_percent(0.1234)) == (
        "+0.021",
        "−0.021",
        "+12.3 %",
    )


def test_counts_are_exact_up_to_a_million() -> None:
    assert (compact(448_225.0), compact(7_235_389.0)) == ("448,225", "7.24 M")


def test_words_follow_their_number() -> None:
    assert (counted(1, "copy", "copies"), counted(2, "copy", "copies")) == ("1 copy", "2 copies")
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_too_few_seeds_have_no_interval() -> None:
    assert interval(Estimate(0.1, -math.inf, math.inf, 1), ratio=False) == "±?"


def test_less_of_a_cost_is_better_and_little_is_not_coloured() -> None:
    assert relative(90, 100, floor=0.001) == ("▲ −10.0 %", "better")
    assert relative(110, 100, floor=0.001) == ("▼ +10.0 %", "worse")
    assert relative(100.05, 100, floor=0.001) == ("+0.050 %", "")
    assert relative(100, 100, floor=0.001) == ("= base", "")
    assert relative(100, None, floor=0.001) == ("", "")


def test_a_strip_is_neutral_in_the_middle_and_ends_in_arrows() -> None:
    found = strip(Estimate(0.0, -0.01, 5.0, 3), 0.0, 0.1, 0.004)

    assert (found.dot, found.high, found.off_left, found.off_right) == (50.0, 97.0, False, True)


def test_twice_as_fast_is_as_far_as_twice_as_slow() -> None:
    fast = strip(Estimate(0.5, 0.5, 0.5, 3), 1.0, 1.0, 0.02)
    slow = strip(Estimate(2.0, 2.0, 2.0, 3), 1.0, 1.0, 0.02)

    assert 50 - fast.dot == pytest.approx(slow.dot - 50)


def test_the_core_of_a_strip_is_the_plain_interval_within_the_one_that_decides() -> None:
    plain = Estimate(0.02, 0.01, 0.03, 3)
    found = strip(replace(plain, low=0.0, high=0.04), 0.0, 0.1, 0.004, core=plain)

    assert found.low < found.core[0] < found.dot < found.core[1] < found.high
