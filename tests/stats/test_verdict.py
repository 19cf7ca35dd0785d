"""What may be called better, and what may not."""

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from suite.stats.difference import Side, difference
from suite.stats.intervals import Estimate, between
from suite.stats.power import MOST_UNITS
from suite.stats.verdict import Rule, deciding, holm, verdict, verdicts
from tests.narrowing import present


def welch(reference: list[float], samples: list[float]) -> Estimate:
    return difference(Side(tuple(reference)), Side(tuple(samples)))


def points(difference: float) -> str:
    return f"{100 * difference:+.1f} points"


AP = Rule(better="higher", floor=0.004, show=points)
LATENCY = Rule(
    better="lower",
    floor=0.02,
    show=lambda x: f"{100 * x:+.1f} %",
    neutral=1.0,
    unit="replica",
    least=3,
)


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
    assert result.sentence == "2 seeds: ranking not supported; a verdict needs 3"
    assert result.needed == 3


def test_a_unit_that_ends_in_s_has_its_plural():
    rule = Rule(better="lower", floor=0.02, show=points, neutral=1.0, unit="process", least=3)

    assert verdict(Estimate(1.0, 0.9, 1.1, 2), p_adjusted=1.0, rule=rule).sentence.startswith(
        "2 processes:"
    )


def test_the_seeds_needed_aim_at_the_floor_when_the_estimate_is_smaller():
    at_floor = Estimate(0.004, -0.1, 0.1, 3, spread=(0.004, 0.004), error=0.003, freedom=4)
    below = Estimate(0.0, -0.1, 0.1, 3, spread=(0.004, 0.004), error=0.003, freedom=4)

    assert (
        verdict(below, p_adjusted=1.0, rule=AP).needed
        == verdict(at_floor, p_adjusted=0.3, rule=AP).needed
    )


def test_hopeless_spread_needs_more_seeds_than_anyone_has():
    estimate = Estimate(0.0, -9.0, 9.0, 3, spread=(5.0, 5.0))

    result = verdict(estimate, p_adjusted=1.0, rule=AP)

    assert result.needed == MOST_UNITS
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

    assert (result.word, result.needed) == ("equivalent", None)
    assert not math.isnan(estimate.p)


def test_a_difference_surely_within_the_floor_is_equivalent():
    # Schuirmann's two tests: (0.004 - 0.001) / 0.001 = 3 standard errors, above t(0.95, 10) = 1.812
    estimate = Estimate(
        0.001, -0.0012, 0.0032, 6, p=0.34, spread=(0.002, 0.002), error=0.001, freedom=10
    )

    result = verdict(estimate, p_adjusted=0.34, rule=AP)

    assert (result.word, result.needed) == ("equivalent", None)
    assert 0.005 < result.p_equivalent < 0.01  # t tables: 2.764 at 0.01, 3.169 at 0.005
    assert "differs by less than the 0.4 points that matter" in result.sentence


def test_a_difference_that_may_exceed_the_floor_is_not_equivalent():
    estimate = Estimate(
        0.003, 0.001, 0.005, 6, p=0.01, spread=(0.002, 0.002), error=0.001, freedom=10
    )

    assert verdict(estimate, p_adjusted=0.2, rule=AP).word == "cannot tell"


def test_a_ratio_is_equivalent_by_its_logarithm():
    # log(1.02) / 0.005 = 3.96 standard errors from no change to the floor
    same = Estimate(1.0, 0.98, 1.02, 3, p=1.0, spread=(0.005,), error=0.005, freedom=2)

    assert verdict(same, p_adjusted=1.0, rule=LATENCY).p_equivalent == pytest.approx(
        0.0291, abs=5e-4
    )
    assert verdict(same, p_adjusted=1.0, rule=LATENCY).word == "equivalent"


def test_a_verdict_says_what_the_run_could_have_seen():
    estimate = Estimate(
        0.012, -0.005, 0.029, 3, p=0.12, spread=(0.007, 0.007), error=0.006, freedom=4
    )

    chances = verdict(estimate, p_adjusted=0.12, rule=AP).power

    assert chances is not None
    assert 0.05 < chances.floor < chances.seen < 0.5


def test_more_comparisons_need_more_seeds_and_have_less_power():
    estimate = Estimate(
        0.012, -0.005, 0.029, 3, p=0.12, spread=(0.007, 0.007), error=0.006, freedom=4
    )

    alone = verdict(estimate, p_adjusted=0.12, rule=AP)
    among = verdict(estimate, p_adjusted=0.96, rule=AP, comparisons=8)

    assert present(alone.needed) < present(among.needed)
    assert present(alone.power).seen > present(among.power).seen


def test_pictures_that_are_too_few_cannot_be_made_up_for_by_seeds():
    estimate = Estimate(
        0.001,
        -0.04,
        0.042,
        3,
        p=0.9,
        spread=(0.002, 0.002),
        error=0.021,
        freedom=100,
        pictures=0.0004,
    )

    result = verdict(estimate, p_adjusted=0.9, rule=AP)

    assert result.needed == MOST_UNITS
    assert result.sentence.endswith(
        "; no number of seeds would settle it: these test pictures are too few"
    )


def test_one_seed_shows_the_test_pictures_and_ranks_nothing():
    estimate = Estimate(
        0.02, 0.01, 0.03, 1, error=0.005, freedom=199, pictures=2.5e-5, basis="pictures"
    )

    result = verdict(estimate, p_adjusted=1.0, rule=AP)

    assert result.word == "cannot tell"
    assert result.sentence == (
        "1 seed: ranking not supported; a verdict needs 3; "
        "+2.0 points (+1.0 points to +3.0 points) as far as the test pictures go"
    )


def test_verdicts_are_judged_together_with_holms_correction():
    estimates = [
        welch([0.6, 0.61, 0.62], [0.62 + shift, 0.63 + shift, 0.64 + shift])
        for shift in (0.0, 0.02, 0.1)
    ]

    found = verdicts(estimates, AP)

    assert [p for p, _ in found] == list(holm([estimate.p for estimate in estimates]))
    assert [judged.word for _, judged in found] == ["cannot tell", "better", "better"]


def test_an_interval_without_zero_that_holm_does_not_let_pass_says_why():
    estimate = Estimate(
        0.02, 0.004, 0.036, 3, p=0.03, spread=(0.006, 0.006), error=0.005, freedom=4
    )

    result = verdict(estimate, p_adjusted=0.24, rule=AP, comparisons=8)

    assert result.word == "cannot tell"
    assert "is within chance among 8 comparisons; about " in result.sentence


def told(value: float, error: float, freedom: float) -> Estimate:
    """A difference with its plain interval and p."""
    return between(value, n=4, error=error, freedom=freedom)


VALUES = st.floats(0.001, 0.1).flatmap(lambda value: st.sampled_from([value, -value]))


@given(VALUES, st.floats(0.0005, 0.05), st.floats(2, 100), st.floats(1, 128))
def test_the_interval_that_decides_holds_no_change_exactly_where_the_adjusted_p_is_no_less_than_5_percent(
    value, error, freedom, among
):
    estimate = told(value, error, freedom)
    p = min(1.0, among * estimate.p)
    assume(abs(p - 0.05) > 1e-6)
    low, high = deciding(estimate, p, AP)

    assert (low <= 0 <= high) == (p >= 0.05)
    assert low <= estimate.low + 1e-12
    assert high >= estimate.high - 1e-12


@given(st.floats(-0.2, 0.2), st.floats(0.001, 0.05), st.integers(2, 20), st.floats(1, 64))
def test_ratios_are_decided_by_their_logarithm(log, error, processes, among):
    plain = told(log, error, processes - 1)
    estimate = replace(
        plain, value=math.exp(log), low=math.exp(plain.low), high=math.exp(plain.high)
    )
    p = min(1.0, among * estimate.p)
    assume(abs(p - 0.05) > 1e-6)
    low, high = deciding(estimate, p, LATENCY)

    assert (low <= 1 <= high) == (p >= 0.05)
    assert low * high == pytest.approx(estimate.value**2)


def test_a_comparison_that_stands_alone_is_decided_by_its_plain_interval():
    estimate = told(0.02, 0.005, 8)
    judged = verdict(estimate, p_adjusted=estimate.p, rule=AP)

    assert (judged.low, judged.high) == (estimate.low, estimate.high)


def test_twice_the_comparisons_take_half_of_the_error():
    # the strictest of two steps: Student's t at 97.5 % in the place of 95 %
    estimate = told(0.02, 0.005, 8)
    low, high = deciding(estimate, 2 * estimate.p, AP)

    half = 2.751524 * 0.005  # t(0.9875, 8), of tables
    assert (low, high) == pytest.approx((0.02 - half, 0.02 + half), abs=1e-6)


def test_the_sentence_shows_the_interval_that_decides():
    estimates = [told(0.02, 0.005, 8), told(0.0001, 0.005, 8)]
    (_, first), _ = verdicts(estimates, AP)

    assert f"({points(first.low)} to {points(first.high)})" in first.sentence
    assert first.low < estimates[0].low


def test_a_verdict_of_better_never_has_an_interval_that_holds_no_change():
    estimates = [told(0.02 + 0.001 * n, 0.0065, 8) for n in range(8)]

    for _, judged in verdicts(estimates, AP):
        assert (judged.word == "better") == (judged.low > 0)
