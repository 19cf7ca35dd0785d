"""Timings without the outliers. A measurement keeps all rounds; beside it stands which of them count."""

from suite.metrics.evidence.timing import Timing
from suite.record import Measurement
from suite.stats.intervals import log_ratios


def kept(measurement: Measurement) -> tuple[float, ...]:
    """The samples of the rounds that count; all of them where nothing says which."""
    positions = Timing.from_json(measurement.notes).kept
    if positions is None:
        return measurement.samples
    return tuple(measurement.samples[position] for position in positions)


def kept_ratios(measurement: Measurement, base: Measurement) -> tuple[float, ...]:
    """Log-ratios of the paired rounds that count; both are of one process."""
    return log_ratios(kept(measurement), kept(base))
