"""What `bench` found, as a table and as JSON: ratios, what the machine can tell apart, where the time went."""

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from suite import machine
from suite.metrics.evidence.timing import Timing
from suite.metrics.speed.kept import kept, kept_ratios
from suite.metrics.speed.latency import Settings
from suite.metrics.speed.phases import PHASES
from suite.metrics.speed.prepared import PreparedNetworks
from suite.record import Json, Measurement
from suite.stats.intervals import Estimate, ratio
from suite.stats.resolution import Admission, Resolution, admission, resolution
from suite.stats.verdict import Rule, Verdict, Word, verdicts

FLOOR = 0.02  # as the protocols have it: less does not matter
_EAGER = "latency_eager_wall_ms"
# other verdicts by their own words
_CALLS: dict[Word, str] = {"better": "faster", "worse": "slower"}
_NO_OVERHEAD = ("warming", "measuring", "energy")


@dataclass(frozen=True, slots=True)
class Timed:
    """A variant beside its baseline, measured once or more, each time with networks built anew."""

    variant: str
    baseline: str
    settings: Settings
    replicas: tuple[tuple[Measurement, ...], ...]

    def samples(self, metric: str) -> list[float]:
        """The rounds that count, of all replicas."""
        return [sample for replica in self.replicas for sample in kept(_one(replica, metric))]

    def ratio(self, role: str, clock: str) -> Estimate:
        """The ratio of the variant ("") or of the copy ("copy_") to the base, by one clock."""
        return ratio([_ratios(replica, role, clock) for replica in self.replicas])

    @property
    def to_eager(self) -> Estimate | None:
        """The ratio to the same variant in eager mode, at the same precision or beside int8 in fp32; None in eager."""
        if not all(any(m.metric == _EAGER for m in replica) for replica in self.replicas):
            return None
        return ratio(
            [kept_ratios(_one(r, "latency_wall_ms"), _one(r, _EAGER)) for r in self.replicas]
        )

    @property
    def rounds(self) -> tuple[int, int]:
        """All rounds, and those that were set aside."""
        total = sum(len(_one(replica, "latency_wall_ms").samples) for replica in self.replicas)
        return total, total - len(self.samples("latency_wall_ms"))


@dataclass(slots=True)
class Bench:
    """Everything of one call: the base against itself, then the variants. `started` is when the process began."""

    replicas: int
    started: float
    opening: tuple[tuple[Measurement, ...], ...] = ()
    timed: list[Timed] = field(default_factory=list)
    networks: PreparedNetworks = field(default_factory=PreparedNetworks)
    not_here: dict[str, str] = field(default_factory=dict)  # by runtime, what is missing

    @property
    def resolution(self) -> Resolution:
        """What the copies say that were timed until now."""
        copies = [
            _ratios(replica, role, "wall") for replica in self.opening for role in ("", "copy_")
        ]
        copies += [
            _ratios(replica, "copy_", "wall") for timed in self.timed for replica in timed.replicas
        ]
        medians = [statistics.median(rounds) for rounds in copies]
        seen = resolution(medians, together=self.replicas)
        assert seen is not None, "the opening has copies"
        return seen

    @property
    def admission(self) -> Admission:
        """Whether this machine is fit to measure."""
        return admission(self.resolution, FLOOR)

    @property
    def machine_sentence(self) -> str:
        """What the copies say, for a reader."""
        least = f"{100 * self.resolution.value:.1f} %"
        return f"differences under {least} cannot be seen here now: the machine is {self.admission}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The headings of `rows`."""
        return (
            *("NAME", "BASELINE", "RUNTIME", "SIZE", "BATCH"),
            *("MS", "BASE MS", "RATIO", "95 %", "CALL"),
            *("CPU MS", "CPU RATIO", "CPU 95 %", "COPY", "TO EAGER"),
            *("ROUNDS", "SET ASIDE", "ENDED BY"),
        )

    @property
    def rows(self) -> list[list[object]]:
        """One row for each variant and setting."""
        return [
            self._row(timed, judged) for timed, judged in zip(self.timed, self._judged, strict=True)
        ]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is said after the table."""
        spent = self.seconds
        total = sum(spent.values())
        overhead = total - sum(spent[phase] for phase in _NO_OVERHEAD)
        where = ", ".join(
            f"{phase} {seconds:.1f}" for phase, seconds in spent.items() if seconds >= 0.05
        )
        return (
            self.machine_sentence,
            f"{total:.1f} s, {overhead / total:.0%} outside of measuring and warm-up: {where}",
        )

    @property
    def seconds(self) -> dict[str, float]:
        """Where the time went since the process began: phases of measuring, and all else as "starting and rest"."""
        every = [replica for timed in self.timed for replica in timed.replicas]
        timings = [Timing.from_json(first.notes) for (first, *_) in (*self.opening, *every)]
        spent = [timing.phase_seconds or {} for timing in timings]
        booked = {phase: sum(each.get(phase, 0.0) for each in spent) for phase in PHASES}
        return {
            **booked,
            "starting and rest": time.perf_counter() - self.started - sum(booked.values()),
        }

    @property
    def as_json(self) -> Json:
        """The document."""
        spent = self.seconds
        total = sum(spent.values())
        return {
            "machine": machine.describe()["class"],
            "resolution": {**asdict(self.resolution), "floor": FLOOR, "admission": self.admission},
            "seconds": {phase: round(seconds, 3) for phase, seconds in spent.items()},
            "overhead": round(1 - sum(spent[phase] for phase in _NO_OVERHEAD) / total, 4),
            "not_here": dict(self.not_here),
            "opening": [[_measurement_json(m) for m in replica] for replica in self.opening],
            "timed": [
                self._timed_json(timed, judged)
                for timed, judged in zip(self.timed, self._judged, strict=True)
            ],
        }

    @property
    def _judged(self) -> list[Verdict]:
        """The report's verdicts, over all that is seen together; what counts is more than can be told apart here."""
        floor = max(FLOOR, self.resolution.value)
        rule = Rule("lower", floor, _percent, neutral=1.0, unit="process", least=1)
        ratios = [timed.ratio("", "wall") for timed in self.timed]
        return [judged for _, judged in verdicts(ratios, rule)]

    def _row(self, timed: Timed, judged: Verdict) -> list[object]:
        wall, cpu, copy = (
            timed.ratio("", "wall"),
            timed.ratio("", "cpu"),
            timed.ratio("copy_", "wall"),
        )
        rounds, aside = timed.rounds
        ended = {Timing.from_json(replica[0].notes).stopped_by or "" for replica in timed.replicas}
        return [
            timed.variant,
            timed.baseline,
            timed.settings.runtime,
            timed.settings.image_size,
            timed.settings.batch,
            round(statistics.median(timed.samples("latency_wall_ms")), 2),
            round(statistics.median(timed.samples("latency_base_wall_ms")), 2),
            round(wall.value, 3),
            _bounds(replace(wall, low=judged.low, high=judged.high)),
            _call(judged),
            round(statistics.median(timed.samples("latency_cpu_ms")), 2),
            round(cpu.value, 3),
            _bounds(cpu),
            round(copy.value, 3),
            round(timed.to_eager.value, 3) if timed.to_eager else "",
            rounds,
            aside,
            ", ".join(sorted(ended)),
        ]

    def _timed_json(self, timed: Timed, judged: Verdict) -> Json:
        ratios: dict[str, Json] = {
            name: _estimate_json(timed.ratio(role, clock))
            for name, role, clock in (
                ("wall", "", "wall"),
                ("cpu", "", "cpu"),
                ("copy", "copy_", "wall"),
            )
        }
        return {
            "name": timed.variant,
            "baseline": timed.baseline,
            "runtime": timed.settings.runtime,
            "precision": timed.settings.precision,
            "image_size": timed.settings.image_size,
            "batch": timed.settings.batch,
            "ratio": ratios,
            "to_eager": _estimate_json(timed.to_eager) if timed.to_eager else None,
            "call": _call(judged),
            "decides": None if math.isinf(judged.high) else [judged.low, judged.high],
            "replicas": [[_measurement_json(m) for m in replica] for replica in timed.replicas],
        }


def _call(judged: Verdict) -> str:
    return _CALLS.get(judged.word, judged.word)


def _one(measurements: Sequence[Measurement], metric: str) -> Measurement:
    return next(m for m in measurements if m.metric == metric)


def _ratios(replica: Sequence[Measurement], role: str, clock: str) -> tuple[float, ...]:
    return kept_ratios(
        _one(replica, f"latency_{role}{clock}_ms"), _one(replica, f"latency_base_{clock}_ms")
    )


def _percent(share: float) -> str:
    return f"{100 * share:+.1f} %"


def _bounds(estimate: Estimate) -> str:
    if math.isinf(estimate.high):
        return "too few rounds"
    return f"{estimate.low:.3f} to {estimate.high:.3f}"


def _measurement_json(measurement: Measurement) -> Json:
    fields: dict[str, Json] = asdict(measurement)
    return {**fields, "samples": list(measurement.samples)}


def _estimate_json(estimate: Estimate) -> Json:
    return {
        "value": estimate.value,
        "low": None if math.isinf(estimate.high) else estimate.low,
        "high": None if math.isinf(estimate.high) else estimate.high,
        "replicas": estimate.n,
    }
