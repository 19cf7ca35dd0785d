"""Few nights of the simulation; `python -m tests.calibration.nights` runs a thousand of each setting."""

import pytest

from tests.calibration.nights import SETTINGS, Setting, simulate, true_difference


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS[:2], ids=lambda setting: setting.name)
def test_intervals_cover_and_equals_are_not_told_apart(setting: Setting) -> None:
    tally = simulate(setting, 60, true_difference(setting, draws=8))

    # 120 intervals of 95 %: 107 or more hold the truth but once in 400 times; a false night has a chance of 5 %
    assert tally.covered["same"] >= 107
    assert tally.false_nights <= 8


def test_a_night_is_the_same_again() -> None:
    first, again = (simulate(SETTINGS[0], 2, -0.05) for _ in range(2))

    assert first == again


def test_the_limit_of_false_nights_is_clopper_and_pearsons() -> None:
    tally = simulate(SETTINGS[0], 0, 0.0)
    tally.nights, tally.false_nights = 1000, 50

    # exact binomial: 50 of 1000 or fewer has a chance of 5 % at this share
    from scipy import stats

    assert stats.binom.cdf(50, 1000, tally.false_limit) == pytest.approx(0.05, abs=1e-6)
