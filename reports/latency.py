"""Timings of the run, grouped so that only like is compared with like."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.model import Item, Row, Setup

CLOCKS = ("wall", "cpu")


@dataclass(frozen=True, slots=True)
class Process:
    """What one process timed, round by round, in milliseconds; aligned by index."""

    replica: int
    times: tuple[float, ...]
    base: tuple[float, ...]
    copy: tuple[float, ...]


def setups_of(rows: Sequence[Row]) -> tuple[Setup, ...]:
    """Every way in which the run was timed, CPU before GPU."""
    found = {
        setup.key: setup
        for row in rows
        for clock in CLOCKS
        for item in row.find(f"latency_{clock}_ms")
        for setup in [setup_of(item)]
    }
    return tuple(sorted(found.values(), key=lambda setup: (setup.gpu, "fp32" not in setup.key, setup.key)))


def setup_of(item: Item) -> Setup:
    """Device, precision, threads and batch, as the measurement's settings state them."""
    settings = item.measurement.settings
    device = str(settings.get("device", "cpu"))
    gpu = not device.startswith("cpu")
    precision = str(settings.get("precision", "fp32"))
    threads = settings.get("threads", 1)
    batch = settings.get("batch", 1)
    words = [str(settings.get("device_name", device)) if gpu else "CPU", precision]
    key = [device, precision]
    if not gpu:
        words.append(f"{threads} thread{'' if threads == 1 else 's'}")
        key.append(f"{threads}t")
    if batch != 1:
        words.append(f"batch {batch}")
        key.append(f"b{batch}")
    return Setup("-".join(key).replace(":", ""), ", ".join(words), gpu)


def processes(row: Row, setup: Setup, clock: str) -> tuple[Process, ...]:
    """What each process that measured this variant found."""
    own = _by_replica(row, setup, f"latency_{clock}_ms")
    base = _by_replica(row, setup, f"latency_base_{clock}_ms")
    copy = _by_replica(row, setup, f"latency_copy_{clock}_ms")
    return tuple(
        Process(replica, times, base.get(replica, ()), copy.get(replica, ())) for replica, times in own.items()
    )


def milliseconds(row: Row, rows: Sequence[Row], setup: Setup, clock: str) -> tuple[float, ...]:
    """All rounds of a variant. A baseline has no job of its own: its rounds are those beside its variants."""
    own = [time for process in processes(row, setup, clock) for time in process.times]
    if own:
        return tuple(own)
    below = [other for other in rows if other.baseline == row.name]
    return tuple(time for other in below for process in processes(other, setup, clock) for time in process.base)


def _by_replica(row: Row, setup: Setup, metric: str) -> dict[int, tuple[float, ...]]:
    return {
        item.job.replica or 0: item.measurement.samples
        for item in row.find(metric)
        if item.measurement.samples and setup_of(item) == setup
    }
