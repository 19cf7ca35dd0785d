"""What identical copies say of a machine."""

import math
import random

import pytest
from scipy import stats

from suite.stats.intervals import SINGLE_PROCESS_FLOOR
from suite.stats.resolution import admission, resolution
from tests.narrowing import present


def test_the_resolution_is_students_bound_of_the_copies_scatter_about_zero():
    found = present(resolution([0.01, -0.02, 0.02, -0.01], together=1))

    scatter = math.sqrt((1 + 4 + 4 + 1) * 1e-4 / 4)
    assert found.value == pytest.approx(math.exp(stats.t.ppf(0.975, 4) * scatter) - 1)
    assert found.processes == 4
    assert found.worst == pytest.approx(math.exp(0.02) - 1)


def test_more_processes_see_more():
    one, nine = (
        present(resolution([0.01, -0.02, 0.02, -0.01], together=count)) for count in (1, 9)
    )

    assert math.log1p(nine.value) == pytest.approx(math.log1p(one.value) / 3)


def test_copies_that_agree_by_chance_do_not_make_a_machine_exact():
    assert present(resolution([0.0, 0.0], together=1)).value == pytest.approx(
        math.expm1(SINGLE_PROCESS_FLOOR)
    )


def test_no_copies_no_resolution():
    assert resolution([], together=3) is None


def test_copies_exceed_the_resolution_in_one_of_twenty_cases():
    """Copies of a run say what a copy that was not among them, averaged over as many processes, may differ by."""
    noise = random.Random(0)
    beyond = 0
    for _ in range(2000):
        known = present(resolution([noise.gauss(0, 0.01) for _ in range(6)], together=3))
        another = sum(noise.gauss(0, 0.01) for _ in range(3)) / 3
        beyond += abs(another) > math.log1p(known.value)

    assert 0.04 <= beyond / 2000 <= 0.06


@pytest.mark.parametrize(
    ("copies", "word"),
    [
        ([0.001, -0.001] * 4, "admitted"),
        ([0.02, -0.02] * 4, "admitted with a wider floor"),
        ([0.2, -0.2] * 4, "refused"),
    ],
)
def test_a_machine_is_admitted_by_what_it_can_see(copies, word):
    assert admission(present(resolution(copies, together=1)), 0.02) == word
