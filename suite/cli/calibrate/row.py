"""One line of `calibrate`'s table: what the repetitions of one condition say, by one clock."""

import math
import statistics
from collections.abc import Sequence
from typing import Any

from suite.record import Json
from suite.stats.intervals import Estimate, log_ratios, ratio
from suite.stats.simulation import LEAST, Coverage, coverage, lag_one

_HALF_WIDTH, _LENGTH = 0.01, 200  # of the simulated series


class Row:
    """What the repetitions of one condition say, by one clock."""

    def __init__(
        self,
        condition: str,
        clock: str,
        lines: Sequence[dict[str, Any]],
        planted: Sequence[float],
    ) -> None:
        self.condition, self.clock = condition, clock
        self._lines, self._planted = lines, planted
        copies = self._ratios("copy")
        self.held = sum(e.low <= 1 <= e.high for e in copies)
        self.error = statistics.mean(abs(e.value - 1) for e in copies)
        self.sequential = statistics.mean(abs(line["sequential"] - 1) for line in lines)
        self.simulated = self._simulate()

    def _ratios(self, role: str) -> list[Estimate]:
        """The estimate of each repetition, from its kept rounds."""
        return [ratio([self._kept(line, role)]) for line in self._lines]

    def _kept(self, line: dict[str, Any], role: str) -> tuple[float, ...]:
        times = line[self.clock]
        timed, base = ([times[name][index] for index in line["kept"]] for name in (role, "base"))
        return log_ratios(timed, base)

    def _simulate(self) -> Coverage | None:
        copies = [self._kept(line, "copy") for line in self._lines]
        series = [rounds for rounds in copies if len(rounds) >= LEAST]
        if not series:
            return None
        return coverage(series, half_width=_HALF_WIDTH, length=_LENGTH)

    @property
    def hits(self) -> dict[float, tuple[int, float]]:
        """For each planted slow-down how often it was found, and its mean estimate."""
        outcomes = {}
        for share in self._planted:
            estimates = self._ratios(f"planted {share:g}")
            hits = sum(estimate.low > 1 for estimate in estimates)
            mean = statistics.mean(math.log(estimate.value) for estimate in estimates)
            outcomes[share] = (hits, math.exp(mean) - 1)
        return outcomes

    @property
    def cells(self) -> tuple[object, ...]:
        """The line of the table."""
        count = len(self._lines)
        planted = ", ".join(
            f"{100 * share:g} %: {times} of {count} ({100 * mean:.1f} %)"
            for share, (times, mean) in self.hits.items()
        )
        factor = self.sequential / self.error if self.error else math.inf
        error, sequential = (f"{100 * value:.2f} %" for value in (self.error, self.sequential))
        held = f"{self.held} of {count}"
        return (
            self.condition,
            self.clock,
            count,
            held,
            error,
            sequential,
            round(factor, 1),
            planted,
        )

    @property
    def simulated_sentence(self) -> str:
        """The coverage of the simulated series, for a reader."""
        if self.simulated is None:
            return f"{self.condition}, {self.clock}: too few rounds for a simulation"
        low, high = self.simulated.bounds
        alike = statistics.mean(lag_one(self._kept(line, "copy")) for line in self._lines)
        return (
            f"{self.condition}, {self.clock}: of {self.simulated.series} simulated series "
            f"{100 * self.simulated.share:.1f} % hold the truth ({100 * low:.1f} to {100 * high:.1f} %), "
            f"after {self.simulated.rounds:.0f} rounds; correlation of neighbouring rounds {alike:+.2f}"
        )

    @property
    def as_json(self) -> dict[str, Json]:
        """The line as JSON."""
        simulated: dict[str, Json] | None = None
        if self.simulated is not None:
            simulated = {
                "series": self.simulated.series,
                "share": self.simulated.share,
                "bounds": list(self.simulated.bounds),
            }
        return {
            "condition": self.condition,
            "clock": self.clock,
            "repetitions": len(self._lines),
            "held": self.held,
            "mean_error": self.error,
            "sequential_mean_error": self.sequential,
            "found": {
                f"{share:g}": {"times": times, "mean": mean}
                for share, (times, mean) in self.hits.items()
            },
            "simulated": simulated,
        }
