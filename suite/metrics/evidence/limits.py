"""Beside what bounds a latency, and beside the energy that it takes."""

from dataclasses import dataclass

from suite.evidence import Evidence


@dataclass(frozen=True, slots=True)
class TimedWork(Evidence):
    """Beside `timed_gflop`: bytes of weights and maps in the timed precision; floating-point operations a byte."""

    bytes: int | None = None
    intensity: float | None = None


@dataclass(frozen=True, slots=True)
class PeakRates(Evidence):
    """Beside `peak_gflops`: the best rate of each probe, GFLOP/s."""

    matmul: float | None = None
    convolution: float | None = None


@dataclass(frozen=True, slots=True)
class EnergySource(Evidence):
    """Beside `energy_mj` and `energy_base_mj`: the counter that was read."""

    source: str | None = None
