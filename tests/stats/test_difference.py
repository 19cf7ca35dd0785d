"""Differences of accuracy: against textbooks, against variance components that are known, and against each other."""

import math

import numpy as np
import pytest

from suite.stats.difference import Side, difference, satterthwaite
from suite.stats.intervals import Estimate


def welch(reference: list[float], samples: list[float]) -> Estimate:
    return difference(Side(tuple(reference)), Side(tuple(samples)))


def test_welchs_difference_is_the_textbooks():
    reference, samples = (
        [27.5, 21.0, 19.0, 23.6, 17.0, 17.9],
        [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0],
    )

    estimate = welch(reference, samples)

    means = (sum(reference) / 6, sum(samples) / 8)
    variances = (
        sum((x - means[0]) ** 2 for x in reference) / 5,
        sum((x - means[1]) ** 2 for x in samples) / 7,
    )
    squared = variances[0] / 6 + variances[1] / 8
    freedom = squared**2 / ((variances[0] / 6) ** 2 / 5 + (variances[1] / 8) ** 2 / 7)
    assert estimate.value == pytest.approx(means[1] - means[0])
    assert 7 < freedom < 8
    # t, 8 and 7
    assert 2.306 * math.sqrt(squared) < estimate.high - estimate.value < 2.365 * math.sqrt(squared)
    assert estimate.n == 6


def test_welchs_interval_covers_the_true_difference():
    random = np.random.default_rng(4)

    hits = 0
    for _ in range(1000):
        estimate = welch(
            random.normal(0.6, 0.02, 4).tolist(), random.normal(0.65, 0.04, 4).tolist()
        )
        hits += estimate.low <= 0.05 <= estimate.high

    assert 0.92 <= hits / 1000 <= 0.98


def test_one_seed_gives_a_difference_without_an_interval():
    estimate = welch([0.5], [0.6, 0.7])

    assert (estimate.low, estimate.high, estimate.p) == (-math.inf, math.inf, 1.0)


@pytest.mark.parametrize(("shift", "p"), [(0.0, 1.0), (0.5, 0.0)])
def test_seeds_without_spread_differ_surely_or_not_at_all(shift, p):
    estimate = welch([0.25, 0.25, 0.25], [0.25 + shift] * 3)

    assert (estimate.value, estimate.low, estimate.high, estimate.p) == (shift, shift, shift, p)


def drawn(random, seeds: int, *, shared: np.ndarray, own: float) -> np.ndarray:
    """Accuracies of seeds under resamples: what all share, and what each makes of the pictures by itself."""
    array: np.ndarray = 0.5 + shared + random.normal(0, own, (seeds, len(shared)))
    return array


def test_what_all_seeds_share_of_the_pictures_is_added_once():
    random = np.random.default_rng(5)
    mine, theirs = random.normal(0, 0.03, 20_000), random.normal(0, 0.04, 20_000)
    one, other = (
        Side((0.5, 0.51, 0.52), drawn(random, 3, shared=s, own=0.05), 200) for s in (mine, theirs)
    )

    estimate = difference(one, other)

    # whatever each seed makes of them is left out
    assert estimate.pictures == pytest.approx(0.03**2 + 0.04**2, rel=0.05)
    assert estimate.error**2 == pytest.approx(estimate.pictures + 2 * 0.01**2 / 3)
    assert estimate.basis == "pictures and seeds"


def test_what_both_variants_share_of_the_pictures_cancels():
    random = np.random.default_rng(6)
    both = random.normal(0, 0.05, 20_000)
    one, other = (
        Side((0.5, 0.51, 0.52), drawn(random, 3, shared=both, own=0.001), 200) for _ in range(2)
    )

    assert difference(one, other).pictures < 1e-6


def test_degrees_of_freedom_are_satterthwaites():
    # two equal variances with 2 degrees each have 4 together; a variance that is known adds none of its own
    assert satterthwaite([(1.0, 2), (1.0, 2)]) == pytest.approx(4)
    assert satterthwaite([(1.0, 2), (1.0, 2), (2.0, math.inf)]) == pytest.approx(16)


def test_one_seed_has_the_interval_of_the_test_pictures_only():
    random = np.random.default_rng(7)
    one = Side((0.5,), 0.5 + random.normal(0, 0.03, (1, 20_000)), 200)
    other = Side((0.6,), 0.6 + random.normal(0, 0.04, (1, 20_000)), 200)

    estimate = difference(one, other)

    assert estimate.error == pytest.approx(0.05, rel=0.05)
    # t of 0.975, 199 degrees
    assert (estimate.high - estimate.value) / estimate.error == pytest.approx(1.972, abs=1e-3)
    assert (estimate.basis, estimate.p, estimate.n) == ("pictures", 1.0, 1)


def test_a_side_without_resamples_leaves_the_seeds_alone():
    random = np.random.default_rng(8)
    known = Side((0.5, 0.52, 0.54), drawn(random, 3, shared=np.zeros(100), own=0.1), 200)

    estimate = difference(known, Side((0.6, 0.61, 0.65)))

    assert estimate == welch([0.5, 0.52, 0.54], [0.6, 0.61, 0.65])
    assert estimate.basis == "seeds"


def test_resamples_without_an_object_are_left_out():
    random = np.random.default_rng(9)
    curves = drawn(random, 3, shared=random.normal(0, 0.03, 500), own=0.01)
    with_gap = curves.copy()
    with_gap[:, 0] = np.nan
    one, other = (Side((0.5, 0.52, 0.54), curves + shift, 200) for shift in (0.0, 0.1))

    found = difference(Side((0.5, 0.52, 0.54), with_gap, 200), other)

    assert math.isfinite(found.error)
    assert found.pictures == pytest.approx(difference(one, other).pictures, abs=1e-4)


def test_a_side_without_seeds_is_refused():
    with pytest.raises(ValueError, match="no samples"):
        difference(Side(()), Side((0.5,)))
