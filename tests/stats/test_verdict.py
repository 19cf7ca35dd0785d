"""What may be called better, and what may not."""

import math

import pytest

from suite.stats.intervals import Estimate, welch
from suite.stats.verdict import MOST_SEEDS, Rule, holm, needed_units, verdict


def points(difference: float) -> str:
    return f"{100 * difference:+.1f} points"


AP = Rule(better="higher", floor=0.004, show=points)
LATENCY = Rule(better="lower", floor=0.02, show=lambda x: f"{100 * x:+.1f} %", neutral=1.0, unit="replica", least=3)


def test_holm_adjusts_as_in_his_procedure():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))


def test_holm_never_exceeds_one():
    assert holm([0.9, 0.8]) == (1.0, 1.0)


def test_holm_of_nothing_is_nothing():
    assert holm([]) == ()


def test_a_large_sure_gain_is_better():
    result = verdict(Estimate(0.02, 0.01, 0.03, 3, spread=(0.001, 0.001)), p_adjusted=0.01, rule=AP)

    assert result.word == "better"
    assert result.sentence == "+2.0 points (+1.0 points to +3.0 points), p 0.010"


def test_a_large_sure_loss_is_worse():
    assert verdict(Estimate(-0.02, -0.03, -0.01, 3), p_adjusted=0.01, rule=AP).word == "worse"


@pytest.mark.parametrize(("ratio", "word"), [(0.9, "better"), (1.1, "worse")])
def test_less_time_is_better(ratio, word):
    estimate = Estimate(ratio, ratio - 0.01, ratio + 0.01, 3)

    assert verdict(estimate, p_adjusted=0.001, rule=LATENCY).word == word


def test_a_sure_difference_below_the_floor_is_not_coloured():
    result = verdict(Estimate(0.003, 0.002, 0.004, 5), p_adjusted=0.001, rule=AP)

    assert result.word == "cannot tell"
    assert "no more than the 0.4 points that matter" in result.sentence


def test_a_difference_within_chance_names_the_seeds_that_would_settle_it():
    estimate = Estimate(0.01, -0.02, 0.04, 3, spread=(0.01, 0.01))

    result = verdict(estimate, p_adjusted=0.3, rule=AP)

    assert result.word == "cannot tell"
    assert result.sentence.endswith(f"about {result.needed} seeds a side would settle it")


@pytest.mark.parametrize("p", [1e-9, 0.5])
def test_two_seeds_never_tell(p):
    result = verdict(Estimate(0.2, 0.19, 0.21, 2, spread=(0.001, 0.001)), p_adjusted=p, rule=AP)

    assert result.word == "cannot tell"
    assert result.sentence == "2 seeds; a verdict needs 3"
    assert result.needed == 3


def test_a_unit_that_ends_in_s_has_its_plural():
    rule = Rule(better="lower", floor=0.02, show=points, neutral=1.0, unit="process", least=3)

    assert verdict(Estimate(1.0, 0.9, 1.1, 2), p_adjusted=1.0, rule=rule).sentence.startswith("2 processes;")


def test_the_seeds_needed_are_those_of_the_power_table():
    # Cohen (1988), table 2.4.1: a difference of 0.8 standard deviations, two-sided 0.05, power 0.80: 26 a side.
    estimate = Estimate(0.8, -1.0, 2.6, 3, spread=(1.0, 1.0))

    assert needed_units(estimate, AP) in (25, 26)  # the central t of the formula may be one below the table


def test_the_seeds_needed_aim_at_the_floor_when_the_estimate_is_smaller():
    at_floor = Estimate(0.004, -0.1, 0.1, 3, spread=(0.004, 0.004))
    below = Estimate(0.0, -0.1, 0.1, 3, spread=(0.004, 0.004))

    assert needed_units(below, AP) == needed_units(at_floor, AP)


def test_hopeless_spread_needs_more_seeds_than_anyone_has():
    estimate = Estimate(0.0, -9.0, 9.0, 3, spread=(5.0, 5.0))

    result = verdict(estimate, p_adjusted=1.0, rule=AP)

    assert result.needed == MOST_SEEDS
    assert "1000 seeds or more" in result.sentence


def test_more_seeds_of_the_same_spread_make_a_verdict_possible():
    sides = ([0.60, 0.61, 0.62], [0.62, 0.63, 0.64])

    few = verdict(welch(*sides), p_adjusted=welch(*sides).p, rule=AP)
    many = welch(sides[0] * 4, sides[1] * 4)

    assert few.word == "cannot tell"
    assert verdict(many, p_adjusted=many.p, rule=AP).word == "better"


def test_a_difference_of_nothing_is_never_coloured():
    estimate = welch([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])

    result = verdict(estimate, p_adjusted=estimate.p, rule=AP)

    assert (result.word, result.needed) == ("cannot tell", None)
    assert not math.isnan(estimate.p)
