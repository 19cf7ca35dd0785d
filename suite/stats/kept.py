"""Timings without the rounds that were set aside. What is kept raw is told apart by the note `kept`."""

from suite.record import Measurement
from suite.stats.intervals import log_ratios


def kept(measurement: Measurement) -> tuple[float, ...]:
    """The samples that count: those whose positions the note `kept` lists; all where there is no such note."""
    places = measurement.notes.get("kept")
    if not isinstance(places, list):
        return measurement.samples
    return tuple(measurement.samples[place] for place in places if isinstance(place, int))


def kept_ratios(measurement: Measurement, base: Measurement) -> tuple[float, ...]:
    """Log-ratios of the paired rounds that count; both are of one process."""
    return log_ratios(kept(measurement), kept(base))
