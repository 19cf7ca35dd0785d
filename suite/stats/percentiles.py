"""Percentiles of single calls, each with the number of samples that it needs.

A percentile far out in the tail is decided by the few samples beyond it. The floors of p90 and p99
are MLPerf's (its early-stopping rule: 64 and 662 queries); those of p5 and p95 are where the first
sample lies beyond them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST: dict[int, int] = {5: 20, 50: 1, 90: 64, 95: 20, 99: 662}
"""Samples that each percentile needs."""


@dataclass(frozen=True, slots=True)
class Percentile:
    """`value` is None where there are too few samples; `why` then says so."""

    percent: int
    value: float | None
    why: str = ""


def percentiles(samples: Sequence[float]) -> tuple[Percentile, ...]:
    """Those of `LEAST` in rising order, in the unit of the samples."""
    return tuple(_percentile(percent, samples) for percent in sorted(LEAST))


def _percentile(percent: int, samples: Sequence[float]) -> Percentile:
    least = LEAST[percent]
    if len(samples) < least:
        return Percentile(
            percent, None, f"p{percent} needs {least} calls; there are {len(samples)}"
        )
    return Percentile(percent, float(np.percentile(np.asarray(samples, dtype=float), percent)))
