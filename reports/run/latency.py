"""Timings of the run, grouped so that only like is compared with like."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.model import Item, Row, Setup
from suite.metrics.evidence.timing import Timing
from suite.stats.intervals import log_ratios, median_interval
from suite.stats.resolution import Resolution, resolution

CLOCKS = ("wall", "cpu")
EAGER = "eager"


@dataclass(frozen=True, slots=True)
class Process:
    """What one process timed, round by round, in milliseconds; aligned by index.

    `kept` are the positions of the rounds that count, `calls` all timed calls of those rounds.
    """

    replica: int
    times: tuple[float, ...]
    base: tuple[float, ...]
    copy: tuple[float, ...]
    kept: tuple[int, ...]
    calls: tuple[float, ...]
    timing: Timing

    def ratios(self, *, of_copy: bool = False, every: bool = False) -> tuple[float, ...]:
        """Log-ratios to the base, of the rounds that count or of `every` one; empty where the base was not timed."""
        times = self.copy if of_copy else self.times
        if not times or not self.base:
            return ()
        rounds = range(len(self.base)) if every else self.kept
        return log_ratios([times[i] for i in rounds], [self.base[i] for i in rounds])

    @property
    def counted(self) -> tuple[float, ...]:
        """The times of the rounds that count."""
        return tuple(self.times[position] for position in self.kept)

    @property
    def counted_base(self) -> tuple[float, ...]:
        """The base's times of those rounds; empty where it was not timed."""
        return tuple(self.base[position] for position in self.kept) if self.base else ()

    def readings(self, name: str) -> tuple[float, ...]:
        """What the machine said of itself, one value for each round; empty where it said nothing."""
        return (self.timing.seen or {}).get(name, ())


def clocks_of(setup: Setup) -> tuple[str, ...]:
    """The clocks whose times may stand under a setup: of a GPU's, none that is the processor's."""
    return ("wall",) if setup.gpu else CLOCKS


def setups_of(rows: Sequence[Row]) -> tuple[Setup, ...]:
    """Every way in which the run was timed: eager mode before other runtimes, CPU before GPU."""
    items = [item for row in rows for clock in CLOCKS for item in row.find(f"latency_{clock}_ms")]
    timed = [setup_of(item) for item in items if item.measurement.samples]
    setups = {setup.key: setup for setup in timed}.values()
    return tuple(sorted(setups, key=lambda s: (not s.eager, s.gpu, "fp32" not in s.key, s.key)))


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
    title = [str(settings.get("device_name", device)) if gpu else "CPU", *other, precision]
    key = [device, *(name.replace("+", "_") for name in other), precision]
    if settings.get("weight_bits", 8) != 8:
        title.append(f"{settings['weight_bits']}-bit weights")
        key.append(f"{settings['weight_bits']}bit")
    if not gpu:
        title.append(f"{threads} thread{'' if threads == 1 else 's'}")
        key.append(f"{threads}t")
    if batch != 1:
        title.append(f"batch {batch}")
        key.append(f"b{batch}")
    return Setup("-".join(key).replace(":", ""), ", ".join(title), gpu, not other)


def processes(row: Row, setup: Setup, clock: str) -> tuple[Process, ...]:
    """What each process that measured this variant found."""
    timed = _by_replica(row, setup, f"latency_{clock}_ms")
    base = _by_replica(row, setup, f"latency_base_{clock}_ms")
    copy = _by_replica(row, setup, f"latency_copy_{clock}_ms")
    return tuple(
        _process(item, base.get(replica), copy.get(replica)) for replica, item in timed.items()
    )


def milliseconds(row: Row, rows: Sequence[Row], setup: Setup, clock: str) -> tuple[float, ...]:
    """All rounds that count. A baseline has no job of its own: its rounds are those beside its variants."""
    times = [time for process in processes(row, setup, clock) for time in process.counted]
    if times:
        return tuple(times)
    variants = [other for other in rows if other.baseline == row.name]
    beside = [process for variant in variants for process in processes(variant, setup, clock)]
    return tuple(time for process in beside for time in process.counted_base)


def resolution_of(rows: Sequence[Row], setup: Setup, clock: str) -> Resolution | None:
    """What the identical copies of a run say: those beside every variant, and baselines timed against themselves."""
    by_row = [(row, processes(row, setup, clock)) for row in rows]
    copies = [process.ratios(of_copy=True) for _, timed in by_row for process in timed]
    bases = [timed for row, timed in by_row if row.role == "base"]
    copies += [process.ratios() for timed in bases for process in timed]
    together = max((len(timed) for _, timed in by_row), default=1)
    medians = [median_interval(rounds).value for rounds in copies if rounds]
    return resolution(medians, together=max(together, 1))


def _process(item: Item, base: Item | None, copy: Item | None) -> Process:
    times, timing = item.measurement.samples, item.evidence(Timing)
    kept = timing.kept if timing.kept is not None else tuple(range(len(times)))
    return Process(
        item.job.replica or 0,
        times,
        base.measurement.samples if base else (),
        copy.measurement.samples if copy else (),
        kept,
        _calls(times, kept, timing.calls_ms),
        timing,
    )


def _calls(
    times: Sequence[float], kept: Sequence[int], calls: Sequence[float] | None
) -> tuple[float, ...]:
    """Every call of the rounds that count; the visits themselves where calls were not kept."""
    if calls is None:
        return tuple(times[position] for position in kept)
    size = len(calls) // len(times)
    return tuple(call for i in kept for call in calls[i * size : (i + 1) * size])


def _by_replica(row: Row, setup: Setup, metric: str) -> dict[int, Item]:
    timed = [item for item in row.find(metric) if item.measurement.samples]
    return {item.job.replica or 0: item for item in timed if setup_of(item) == setup}
