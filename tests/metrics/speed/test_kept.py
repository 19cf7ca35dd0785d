"""Which rounds of a timing count."""

import math
from dataclasses import replace

import pytest

from suite.metrics.definitions import LATENCY
from suite.metrics.evidence.timing import Timing
from suite.metrics.speed.kept import kept, kept_ratios

TIMED = LATENCY[0].measured((10.0, 99.0, 12.0), form="deployed", notes=Timing(kept=(0, 2)).as_json)


def test_samples_of_outliers_do_not_count() -> None:
    assert kept(TIMED) == (10.0, 12.0)


@pytest.mark.parametrize("notes", [{}, {"kept": "all"}, {"kept": None}])
def test_all_rounds_count_where_nothing_says_which(notes: dict) -> None:
    assert kept(replace(TIMED, notes=notes)) == (10.0, 99.0, 12.0)


def test_no_round_counts_where_none_is_listed() -> None:
    assert kept(replace(TIMED, notes=Timing(kept=()).as_json)) == ()


def test_ratios_pair_the_rounds_that_count() -> None:
    base = replace(TIMED, samples=(5.0, 1.0, 4.0))

    assert kept_ratios(TIMED, base) == pytest.approx((math.log(2), math.log(3)))
