"""Intervals against formulas, printed tables and simulated series."""

import math

import numpy as np
import pytest

from suite.stats.intervals import SINGLE_PROCESS_FLOOR, log_ratios, median_interval, ratio


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Ranks of the 95 % interval of a median in the usual printed table of the sign test.
    [
        (6, 1, 6),
        (8, 1, 8),
        (9, 2, 8),
        (10, 2, 9),
        (12, 3, 10),
        (15, 4, 12),
        (20, 6, 15),
        (25, 8, 18),
        (30, 10, 21),
    ],
)
def test_the_median_interval_takes_the_tabled_order_statistics(count, low, high):
    samples = list(range(count, 0, -1))

    estimate = median_interval(samples)

    assert (estimate.low, estimate.high) == (low, high)
    assert estimate.value == (count + 1) / 2


def test_five_samples_bound_nothing():
    estimate = median_interval([1.0, 2.0, 3.0, 4.0, 5.0])

    assert (estimate.value, estimate.low, estimate.high) == (3.0, -math.inf, math.inf)


def test_no_samples_have_no_median():
    with pytest.raises(ValueError, match="no samples"):
        median_interval([])


@pytest.mark.parametrize("count", [40, 101])
def test_the_median_interval_covers_the_median_as_often_as_it_says(count):
    random = np.random.default_rng(1)

    hits = 0
    for _ in range(1000):
        estimate = median_interval(random.lognormal(0, 0.5, count).tolist())
        hits += estimate.low <= 1.0 <= estimate.high

    assert 0.92 <= hits / 1000 <= 0.98


def test_log_ratios_pair_the_rounds():
    assert log_ratios([2.0, 3.0], [1.0, 6.0]) == pytest.approx((math.log(2), -math.log(2)))


def test_rounds_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="zip"):
        log_ratios([1.0, 2.0], [1.0])


def test_the_ratio_of_three_processes_is_students_t_over_their_medians():
    estimate = ratio([[math.log(1.01)] * 20, [math.log(1.02)] * 20, [math.log(1.06)] * 20])

    logs = [math.log(1.01), math.log(1.02), math.log(1.06)]
    centre = sum(logs) / 3
    deviation = math.sqrt(sum((value - centre) ** 2 for value in logs) / 2)
    half = 4.302653 * deviation / math.sqrt(3)  # t of 0.975 with 2 degrees of freedom, as tabled
    assert estimate.value == pytest.approx(math.exp(centre))
    assert (estimate.low, estimate.high) == pytest.approx(
        (math.exp(centre - half), math.exp(centre + half)), rel=1e-6
    )
    assert estimate.spread == pytest.approx((deviation,))
    assert estimate.n == 3


def test_one_process_is_never_surer_than_its_memory_layout_allows():
    estimate = ratio([[math.log(1.001)] * 500])

    assert math.log(estimate.high) - math.log(1.001) == pytest.approx(SINGLE_PROCESS_FLOOR)
    assert estimate.low < 1 < estimate.high
    assert estimate.p > 0.05


def test_one_process_with_few_rounds_bounds_nothing():
    estimate = ratio([[0.0, 0.1, 0.2]])

    assert (estimate.low, estimate.high, estimate.p) == (0.0, math.inf, 1.0)


def test_equal_processes_do_not_make_the_interval_a_point():
    estimate = ratio([[0.0] * 10, [0.0] * 10, [0.0] * 10])

    assert math.log(estimate.high) == pytest.approx(SINGLE_PROCESS_FLOOR / math.sqrt(3))


def test_the_ratio_covers_the_truth_when_processes_differ():
    random = np.random.default_rng(2)

    hits = 0
    for _ in range(1000):
        layout = random.normal(0, 0.006, 3)
        estimate = ratio(
            [random.normal(math.log(1.03) + shift, 0.03, 30).tolist() for shift in layout]
        )
        hits += estimate.low <= 1.03 <= estimate.high

    assert 0.92 <= hits / 1000 <= 0.98


def test_the_p_of_a_ratio_agrees_with_its_interval():
    random = np.random.default_rng(3)

    for _ in range(50):
        replicas = [
            random.normal(shift, 0.01, 20).tolist() for shift in random.normal(0.02, 0.01, 3)
        ]
        estimate = ratio(replicas)
        assert (estimate.p < 0.05) == (not estimate.low <= 1 <= estimate.high)
