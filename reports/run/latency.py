"""Timings of the run, grouped so that only like is compared with like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.model import Item, Row, Setup
from suite.record import Json, Measurement
from suite.stats.intervals import log_ratios, median_interval
from suite.stats.resolution import Resolution, resolution

CLOCKS = ("wall", "cpu")
EAGER = "eager"


@dataclass(frozen=True, slots=True)
class Process:
    """What one process timed, round by round, in milliseconds; aligned by index.

    `kept` are the positions of the rounds that count, `calls` all timed calls of those rounds, `notes` the evidence.
    """

    replica: int
    times: tuple[float, ...]
    base: tuple[float, ...]
    copy: tuple[float, ...]
    kept: tuple[int, ...]
    calls: tuple[float, ...]
    notes: Mapping[str, Json]

    def ratios(self, *, of_copy: bool = False, every: bool = False) -> tuple[float, ...]:
        """Log-ratios to the base, of the rounds that count or of `every` one; empty where the base was not timed."""
        times = self.copy if of_copy else self.times
        if not times or not self.base:
            return ()
        places = range(len(self.base)) if every else self.kept
        return log_ratios([times[i] for i in places], [self.base[i] for i in places])

    @property
    def counted(self) -> tuple[float, ...]:
        """The times of the rounds that count."""
        return tuple(self.times[place] for place in self.kept)


def clocks_of(setup: Setup) -> tuple[str, ...]:
    """The clocks whose times may stand under a setup: of a GPU's, none that is the processor's."""
    return ("wall",) if setup.gpu else CLOCKS


def setups_of(rows: Sequence[Row]) -> tuple[Setup, ...]:
    """Every way in which the run was timed: eager mode before other runtimes, CPU before GPU."""
    found = {
        setup.key: setup
        for row in rows
        for clock in CLOCKS
        for item in row.find(f"latency_{clock}_ms")
        if item.measurement.samples
        for setup in [setup_of(item)]
    }
    return tuple(
        sorted(found.values(), key=lambda s: (not s.eager, s.gpu, "fp32" not in s.key, s.key))
    )


def setup_of(item: Item) -> Setup:
    """Device, runtime, precision, threads and batch, as the measurement's settings state them."""
    settings = item.measurement.settings
    device = str(settings.get("device", "cpu"))
    gpu = not device.startswith("cpu")
    precision = str(settings.get("precision", "fp32"))
    threads = settings.get("threads", 1)
    batch = settings.get("batch", 1)
    runtime = str(settings.get("runtime", EAGER))
    other = [] if runtime == EAGER else [runtime]
    words = [str(settings.get("device_name", device)) if gpu else "CPU", *other, precision]
    key = [device, *(name.replace("+", "_") for name in other), precision]
    if settings.get("weight_bits", 8) != 8:
        words.append(f"{settings['weight_bits']}-bit weights")
        key.append(f"{settings['weight_bits']}bit")
    if not gpu:
        words.append(f"{threads} thread{'' if threads == 1 else 's'}")
        key.append(f"{threads}t")
    if batch != 1:
        words.append(f"batch {batch}")
        key.append(f"b{batch}")
    return Setup("-".join(key).replace(":", ""), ", ".join(words), gpu, not other)


def processes(row: Row, setup: Setup, clock: str) -> tuple[Process, ...]:
    """What each process that measured this variant found."""
    own = _by_replica(row, setup, f"latency_{clock}_ms")
    base = _by_replica(row, setup, f"latency_base_{clock}_ms")
    copy = _by_replica(row, setup, f"latency_copy_{clock}_ms")
    return tuple(
        _process(replica, found, base.get(replica), copy.get(replica))
        for replica, found in own.items()
    )


def milliseconds(row: Row, rows: Sequence[Row], setup: Setup, clock: str) -> tuple[float, ...]:
    """All rounds that count. A baseline has no job of its own: its rounds are those beside its variants."""
    own = [time for process in processes(row, setup, clock) for time in process.counted]
    if own:
        return tuple(own)
    below = [
        process
        for other in rows
        if other.baseline == row.name
        for process in processes(other, setup, clock)
    ]
    return tuple(process.base[place] for process in below if process.base for place in process.kept)


def resolution_of(rows: Sequence[Row], setup: Setup, clock: str) -> Resolution | None:
    """What the identical copies of a run say: those beside every variant, and baselines timed against themselves."""
    found = [(row, process) for row in rows for process in processes(row, setup, clock)]
    copies = [process.ratios(of_copy=True) for _, process in found]
    copies += [process.ratios() for row, process in found if row.role == "base"]
    together = max((len(processes(row, setup, clock)) for row in rows), default=1)
    return resolution(
        [median_interval(rounds).value for rounds in copies if rounds], together=max(together, 1)
    )


def _process(
    replica: int, own: Measurement, base: Measurement | None, copy: Measurement | None
) -> Process:
    places = own.notes.get("kept")
    kept = (
        tuple(p for p in places if isinstance(p, int))
        if isinstance(places, list)
        else range(len(own.samples))
    )
    return Process(
        replica,
        own.samples,
        base.samples if base else (),
        copy.samples if copy else (),
        tuple(kept),
        _calls(own, kept),
        own.notes,
    )


def _calls(own: Measurement, kept: Sequence[int]) -> tuple[float, ...]:
    """Every call of the rounds that count; the visits themselves where calls were not kept."""
    calls = own.notes.get("calls_ms")
    if not isinstance(calls, list):
        return tuple(own.samples[place] for place in kept)
    size = len(calls) // len(own.samples)
    numbers = [float(call) for call in calls if isinstance(call, int | float)]
    return tuple(call for place in kept for call in numbers[place * size : (place + 1) * size])


def _by_replica(row: Row, setup: Setup, metric: str) -> dict[int, Measurement]:
    return {
        item.job.replica or 0: item.measurement
        for item in row.find(metric)
        if item.measurement.samples and setup_of(item) == setup
    }
