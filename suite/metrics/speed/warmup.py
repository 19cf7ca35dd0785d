"""Warm-up: calls until they no longer become faster, which is looked for and not assumed."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

FALL = 0.02
"""A block of calls whose median is lower than the lowest before by less than this is no faster."""

_QUIET_BLOCKS = 2  # in a row that are no faster
_BLOCK_SECONDS, _BLOCK_CALLS = 0.05, 3  # a block has at least this many calls


@dataclass(frozen=True, slots=True)
class Least:
    """How long a device is warmed up in any case, and at most."""

    calls: int
    seconds: float
    cap: float  # seconds


LEAST: dict[str, Least] = {"cpu": Least(3, 0.2, 5.0), "cuda": Least(25, 0.5, 10.0)}


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What it took; not `steady` means that the cap ended it. `last_ms` is the median of the last block."""

    calls: int
    seconds: float
    steady: bool
    last_ms: float


def warm_up(call: Callable[[], float], least: Least, clock: Callable[[], float]) -> WarmUp:
    """Call until two blocks in a row are no faster than the fastest before them, or the cap is reached.

    A block is at least three calls and 50 ms, and no faster if its median is above 98 % of the
    fastest before it. How many calls a network needs depends on its runtime (kernels are chosen,
    memory is laid out, clocks rise), so that no fixed number is right.

    Args:
        call: makes one call and returns its milliseconds.
        least: how long in any case, and at most.
        clock: seconds; a fake one in tests.

    Three blocks of three calls after a first one, whose median is 90 ms:

    >>> now = [0.0]
    >>> def call():
    ...     milliseconds = 90.0 if now[0] < 0.15 else 30.0
    ...     now[0] += milliseconds / 1000
    ...     return milliseconds
    >>> spent = warm_up(call, Least(calls=3, seconds=0.2, cap=5.0), lambda: now[0])
    >>> spent.calls, round(spent.seconds, 2), spent.steady, spent.last_ms
    (12, 0.48, True, 30.0)
    """
    start, calls, fastest, quiet = clock(), 0, float("inf"), 0
    while True:
        block = _block(call, clock, start + least.cap)
        calls += len(block)
        median, passed = statistics.median(block), clock() - start
        quiet = quiet + 1 if median > (1 - FALL) * fastest else 0
        fastest = min(fastest, median)
        if quiet >= _QUIET_BLOCKS and calls >= least.calls and passed >= least.seconds:
            return WarmUp(calls, passed, steady=True, last_ms=median)
        if passed >= least.cap:
            return WarmUp(calls, passed, steady=False, last_ms=median)


def _block(call: Callable[[], float], clock: Callable[[], float], end: float) -> list[float]:
    start, times = clock(), [call()]
    while (len(times) < _BLOCK_CALLS or clock() - start < _BLOCK_SECONDS) and clock() < end:
        times.append(call())
    return times
