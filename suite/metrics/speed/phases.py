"""Where the time of a measurement went, by phase."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PHASES = ("building", "opening", "checking", "warming", "measuring", "energy", "watching")
"""Building networks, opening runtimes, first runs and images, warm-up, inside visits, energy, between the visits."""


class PhaseTimes:
    """Seconds by phase; what no phase claims is counted by whoever knows the whole."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.seconds: dict[str, float] = dict.fromkeys(PHASES, 0.0)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Book the time of the `with` block on a phase."""
        start = self._clock()
        try:
            yield
        finally:
            self.book(name, self._clock() - start)

    def book(self, name: str, seconds: float) -> None:
        """Add seconds to a phase."""
        self.seconds[name] += seconds
