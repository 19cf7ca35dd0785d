"""Percentiles, and the calls that each of them needs."""

import pytest

from suite.stats.percentiles import percentiles


def by_percent(samples):
    return {found.percent: found for found in percentiles(samples)}


@pytest.mark.parametrize(("percent", "least"), [(90, 64), (99, 662), (95, 20), (5, 20)])
def test_a_percentile_appears_with_the_calls_it_needs(percent, least):
    assert by_percent(range(least))[percent].value is not None
    short = by_percent(range(least - 1))[percent]
    assert (short.value, short.why) == (
        None,
        f"p{percent} needs {least} calls; there are {least - 1}",
    )


def test_percentiles_of_known_samples():
    found = by_percent([float(value) for value in range(1001)])

    assert {percent: one.value for percent, one in found.items()} == {
        5: 50,
        50: 500,
        90: 900,
        95: 950,
        99: 990,
    }
