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

    Args:
        call: makes one call and returns its milliseconds.
        least: bounds of the warm-up.
        clock: seconds.
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
    start, found = clock(), [call()]
    while (len(found) < _BLOCK_CALLS or clock() - start < _BLOCK_SECONDS) and clock() < end:
        found.append(call())
    return found
