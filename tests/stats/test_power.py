"""Power and the seeds that are needed, against printed tables."""

import math

import pytest

from suite.stats.intervals import Estimate
from suite.stats.power import MOST_UNITS, needed_units, power
from tests.narrowing import present


def of(value: float, spread: float, count: int, pictures: float = 0.0) -> Estimate:
    """Two sides of `count` seeds with the same spread."""
    error = math.sqrt(pictures + 2 * spread**2 / count)
    return Estimate(
        value,
        -9.0,
        9.0,
        count,
        spread=(spread, spread),
        error=error,
        freedom=2 * (count - 1),
        pictures=pictures,
    )


# Cohen (1988), table 2.3.5: two-sided 0.05, n a side, difference in standard deviations, power
@pytest.mark.parametrize(
    ("count", "apart", "expected"),
    [(10, 0.5, 0.18), (20, 0.8, 0.69), (30, 0.5, 0.47), (50, 0.5, 0.70)],
)
def test_power_is_cohens(count, apart, expected):
    assert power(of(apart, 1.0, count), apart) == pytest.approx(expected, abs=0.01)


def test_without_a_difference_the_power_is_the_significance():
    assert power(of(0.0, 1.0, 5), 0.0) == pytest.approx(0.05)


def test_no_standard_error_has_no_power():
    assert power(Estimate(0.1, -math.inf, math.inf, 1), 0.1) == 0.0


@pytest.mark.parametrize(("true", "expected"), [(0.0, 0.0), (0.1, 1.0)])
def test_without_chance_every_difference_is_found(true, expected):
    assert power(Estimate(0.1, 0.1, 0.1, 3, error=0.0), true) == expected


@pytest.mark.parametrize("apart", [1e3, 1e9])
def test_what_is_far_beyond_chance_is_found_for_sure(apart):
    assert power(of(apart, 1.0, 3), apart) == pytest.approx(1.0, abs=1e-6)


# Cohen (1988), table 2.4.1: two-sided 0.05, power 0.80
@pytest.mark.parametrize(("apart", "expected"), [(0.5, 64), (0.8, 26), (1.0, 17)])
def test_the_seeds_needed_are_those_of_the_power_table(apart, expected):
    found = needed_units(of(apart, 1.0, 3), apart)

    # the central t of the formula may be one below the table
    assert found in (expected - 1, expected)


def test_seeds_do_not_make_up_for_pictures():
    assert needed_units(of(0.004, 0.002, 3, pictures=0.0001), 0.004) == MOST_UNITS


def test_pictures_raise_the_seeds_that_are_needed():
    with_pictures = present(needed_units(of(1.0, 1.0, 3, pictures=0.05), 1.0))

    assert with_pictures > present(needed_units(of(1.0, 1.0, 3), 1.0))


def test_nothing_is_said_of_a_spread_that_was_not_seen():
    assert needed_units(Estimate(0.1, 0.0, 0.2, 3), 0.1) is None
