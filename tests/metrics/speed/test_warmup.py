"""Warm-up ends when calls stop becoming faster, on a clock that the calls themselves move."""

import itertools

import pytest

from suite.metrics.speed.warmup import Least, warm_up
from tests.metrics.speed.fake_sessions import Clock


def warmed(milliseconds, least):
    """Warm up with calls that take what `milliseconds` says, one after the other."""
    clock, calls = Clock(), iter(milliseconds)

    def call():
        took = next(calls)
        clock.now += took / 1000
        return took

    return warm_up(call, least, clock)


def test_even_calls_end_at_the_least_time():
    found = warmed(itertools.repeat(10.0), Least(3, 0.2, 5.0))

    assert found.steady
    assert found.seconds == pytest.approx(0.2, abs=0.05)  # blocks of 0.05 s


def test_calls_that_become_faster_are_waited_for():
    falling = [100.0 * 0.9**index for index in range(30)]  # to 4.7 ms, in 0.96 s
    found = warmed(itertools.chain(falling, itertools.repeat(4.5)), Least(3, 0.2, 5.0))

    assert found.steady
    assert found.calls > 30
    assert found.last_ms == 4.5


def test_one_slow_block_does_not_look_like_the_end():
    # blocks of three: 30, 60 (disturbed), then 20 and 20 ms a call
    found = warmed([30.0] * 3 + [60.0] * 3 + [20.0] * 30, Least(3, 0.0, 5.0))

    assert found.last_ms == 20.0


def test_calls_that_never_settle_end_at_the_cap_and_say_so():
    found = warmed((1000.0 * 0.97**index for index in itertools.count()), Least(3, 0.2, 5.0))

    assert not found.steady
    assert 5.0 <= found.seconds < 6.0


def test_slow_calls_end_within_one_call_of_the_cap():
    found = warmed(itertools.repeat(1500.0), Least(3, 0.2, 5.0))

    assert (found.calls, found.steady) == (4, False)


def test_at_least_so_many_calls_are_made():
    assert warmed(itertools.repeat(20.0), Least(25, 0.0, 60.0)).calls >= 25
