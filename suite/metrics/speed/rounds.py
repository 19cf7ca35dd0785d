"""Interleaved rounds: the visits of all models in shuffled order, watched, until the ratio is known or time is up."""

import random
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from suite.machine.nvml import throttled
from suite.machine.sensors import Readings, Sensor, Sensors
from suite.metrics.speed.warmup import LEAST, WarmUp, warm_up
from suite.runtimes import Options, Session
from suite.stats.intervals import log_ratios
from suite.stats.stopping import is_precise, next_look

Clock = Callable[[], float]
_MOST_CALLS = 25  # in a visit

WAITED = 1.05
"""Wall over processor time of a visit on one thread: more, and the process waited for a core."""
OTHERS = 0.25
"""Cores that other processes may keep busy during a round; a tick of the kernel's counters is about a tenth."""
STOLEN = 0.01
"""Share of the cores' time that the host may take."""

RULES: dict[str, str] = {
    "cpu": (
        f"a round is set aside if a visit's wall time exceeds {WAITED:g} times its processor time (one thread), "
        f"if other processes kept more than {OTHERS:g} of a core busy, or if the host took more than {STOLEN:.0%}"
    ),
    "cuda": "a round is set aside if the driver says that the GPU was slowed down when it ended",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What is timed, and how surely.

    Measuring stops when the 95 % interval of the ratio to the base reaches no further than
    `half_width` to either side, but not before `min_rounds`, and in any case after `cap_seconds`.
    `seed` decides the order of the visits, the order in which the models are built (their place in
    memory) and the images. `base_runtime` is the base's (and its copy's) where it is not `runtime`;
    `flush_l2` empties a GPU's second-level cache before each timed call.
    """

    image_size: int = 640
    batch: int = 1
    threads: int = 1
    precision: str = "fp32"
    runtime: str = "eager"
    base_runtime: str = ""
    device: str = "cpu"
    half_width: float = 0.01
    cap_seconds: float = 30.0
    visit_ms: float = 30.0
    min_rounds: int = 12
    seed: int = 0
    flush_l2: bool = False

    @property
    def options(self) -> Options:
        """The part that the runtime decides on."""
        return Options(self.device, self.precision, self.threads)

    @property
    def kind(self) -> str:
        """The kind of device: "cpu" or "cuda"."""
        return self.device.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Visit:
    """Milliseconds of the timed calls of one visit on both clocks, and how often the process was switched out."""

    wall_calls: tuple[float, ...]
    cpu_calls: tuple[float, ...]
    switches: int

    @property
    def wall(self) -> float:
        """The median on the wall clock."""
        return statistics.median(self.wall_calls)

    @property
    def cpu(self) -> float:
        """The median of processor time."""
        return statistics.median(self.cpu_calls)


@dataclass(frozen=True, slots=True)
class Round:
    """One visit to every model, what was seen meanwhile, and why the round is set aside ("" if it is not)."""

    visits: Mapping[str, Visit]
    seen: Readings
    outlier: str


@dataclass(frozen=True, slots=True)
class Rounds:
    """All rounds in their order, those that are set aside included; `measuring` are the seconds inside visits."""

    rounds: tuple[Round, ...]
    calls: Mapping[str, int]
    warm: Mapping[str, WarmUp]
    stopped_by: Literal["precision", "cap"]
    seconds: float
    measuring: float
    least: int

    def wall(self, role: str) -> tuple[float, ...]:
        """Medians of every visit to a model in milliseconds, by the wall clock."""
        return tuple(one.visits[role].wall for one in self.rounds)

    def cpu(self, role: str) -> tuple[float, ...]:
        """The same in processor time."""
        return tuple(one.visits[role].cpu for one in self.rounds)

    @property
    def kept(self) -> tuple[int, ...]:
        """The rounds that count: those not set aside, or all where fewer than `least` would be left."""
        quiet = tuple(index for index, one in enumerate(self.rounds) if not one.outlier)
        return quiet if len(quiet) >= self.least else tuple(range(len(self.rounds)))


@dataclass(frozen=True, slots=True)
class Watch:
    """What stands around the visits: what is read in every round, what happens before every timed call, the clock."""

    sensor: Sensor = field(default_factory=lambda: Sensors(()))
    before_call: Callable[[], None] = lambda: None
    clock: Clock = time.perf_counter


def interleave(
    sessions: Mapping[str, Session],
    prepared: Mapping[str, Tensor],
    settings: Settings,
    watch: Watch | None = None,
    *,
    of: str = "variant",
) -> Rounds:
    """Warm up, then visit every session once a round until the ratio of `of` to "base" is known well enough.

    A visit is one untimed call, which brings the network's weights back into the caches, and then
    as many timed calls as fill `settings.visit_ms`. A round visits all in shuffled order, so that
    what disturbs the machine for longer than a visit disturbs all of them, and the ratio of a round
    is free of it. Rounds in which something disturbed a single visit are outliers: kept, but not
    part of the samples that count.

    Args:
        sessions: by role; "base" and `of` are among them.
        prepared: for each role the images (B, 3, H, W) as its session wants them.
        settings: when to stop (`half_width`, `min_rounds`, `cap_seconds`), and the seed of the order.
        watch: the machine's sensors, what happens before each call, and the clock in seconds; a fake one in tests.
        of: the role whose ratio to the base decides when to stop.

    A session is anything with `run`, `time` and `synchronize`; these two never differ, and are
    measured on a clock that a call moves on by 10 ms:

    >>> from suite.runtimes import Timing
    >>> class Fake:
    ...     now = 0.0
    ...     def run(self, prepared): Fake.now += 0.01
    ...     def synchronize(self): pass
    ...     def time(self, prepared): self.run(prepared); return Timing(10.0, 10.0)
    >>> class Quiet:
    ...     def start(self): pass
    ...     def stop(self): return {}
    >>> watch = Watch(Quiet(), clock=lambda: Fake.now)
    >>> done = interleave(dict.fromkeys(("base", "variant"), Fake()), {"base": 0, "variant": 0}, Settings(), watch)
    >>> len(done.rounds), done.calls["base"], done.wall("variant")[0], done.stopped_by
    (12, 3, 10.0, 'precision')

    Source: docs/latency.md; when the looks at the interval are taken: `suite.stats.stopping`.
    """
    watch = watch or Watch()
    order = sorted(sessions)
    shuffle = random.Random(settings.seed).shuffle  # noqa: S311  (an order, not a secret)
    warm = {role: _warm(sessions[role], prepared[role], settings, watch.clock) for role in order}
    calls = {role: _calls(spent, settings) for role, spent in warm.items()}
    rounds: list[Round] = []
    stop = _Stop(settings, of)
    start, measuring, precise = watch.clock(), 0.0, False
    while not precise and watch.clock() - start < settings.cap_seconds:
        shuffle(order)
        watch.sensor.start()
        began = watch.clock()
        visits = {
            role: _visit(sessions[role], prepared[role], calls[role], watch.before_call)
            for role in order
        }
        measuring += watch.clock() - began
        readings = watch.sensor.stop()
        outlier = outlier_reason(visits, readings, device=settings.kind, threads=settings.threads)
        rounds.append(Round(visits, readings, outlier))
        precise = not outlier and stop.reached(visits)
    return Rounds(
        rounds=tuple(rounds),
        calls=calls,
        warm=warm,
        stopped_by="precision" if precise else "cap",
        seconds=watch.clock() - start,
        measuring=measuring,
        least=settings.min_rounds,
    )


def _visit(
    session: Session, prepared: Tensor, calls: int, before_call: Callable[[], None] = lambda: None
) -> Visit:
    """`calls` timed calls, after one untimed call that warms the caches again."""
    switched = _switches()
    session.run(prepared)
    session.synchronize()
    timings = []
    for _ in range(calls):
        before_call()
        timings.append(session.time(prepared))
    return Visit(
        tuple(t.wall_ms for t in timings), tuple(t.cpu_ms for t in timings), _switches() - switched
    )


class _Stop:
    """Looks at the ratio of the rounds that are kept, seldom enough (`suite.stats.stopping`)."""

    def __init__(self, settings: Settings, of: str) -> None:
        self._of, self._half_width, self._look = of, settings.half_width, settings.min_rounds
        self._times: tuple[list[float], list[float]] = ([], [])

    def reached(self, visits: Mapping[str, Visit]) -> bool:
        """Take note of a round; whether it was the last one needed."""
        times, base_times = self._times
        times.append(visits[self._of].wall)
        base_times.append(visits["base"].wall)
        if len(base_times) < self._look:
            return False
        self._look = next_look(self._look)
        return is_precise(log_ratios(times, base_times), self._half_width)


def _warm(session: Session, prepared: Tensor, settings: Settings, clock: Clock) -> WarmUp:
    return warm_up(lambda: session.time(prepared).wall_ms, LEAST[settings.kind], clock)


def _calls(warm: WarmUp, settings: Settings) -> int:
    """The number of timed calls that fill a visit."""
    return max(1, min(_MOST_CALLS, round(settings.visit_ms / warm.last_ms)))


def _switches() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def columns(rounds: Sequence[Round]) -> dict[str, list[float]]:
    """What was seen of the machine in each round, by name, with the waits and switches of its visits.

    `waited` is the largest wall over processor time of the round's visits. A reading that a round
    lacks (its ticks were too few) is that of the round before, so that columns stay aligned.
    """
    names = dict.fromkeys(name for one in rounds for name in one.seen)
    table = {name: _filled([one.seen.get(name) for one in rounds]) for name in names}
    table["switches"] = [float(_switches_in(one)) for one in rounds]
    table["waited"] = [_longest_wait(one) for one in rounds]
    return {name: [round(value, 4) for value in values] for name, values in table.items()}


def _switches_in(one: Round) -> int:
    return sum(visit.switches for visit in one.visits.values())


def _longest_wait(one: Round) -> float:
    """The largest wall over processor time of a round's visits; 0 for a visit that used no processor."""
    return max(visit.wall / visit.cpu if visit.cpu else 0.0 for visit in one.visits.values())


def _filled(values: Sequence[float | None]) -> list[float]:
    """Each missing value replaced by the one before it, the first ones by the first there is; 0 for none at all."""
    last = next((value for value in values if value is not None), 0.0)
    filled = []
    for value in values:
        last = last if value is None else value
        filled.append(last)
    return filled


def outlier_reason(
    visits: Mapping[str, Visit], seen: Readings, *, device: str, threads: int
) -> str:
    """What disturbed a round, the first rule that applies; "" where nothing did.

    A round is kept or set aside as a whole, whichever of its models was disturbed, so that none is
    favoured.
    """
    if device != "cpu":
        causes = throttled(seen.get("throttle", 0))
        return f"GPU slowed down: {', '.join(causes)}" if causes else ""
    if threads == 1 and any(visit.wall > WAITED * visit.cpu for visit in visits.values()):
        return "waited for a core"
    if seen.get("others", 0.0) > OTHERS:
        return "others at work"
    return "host took time" if seen.get("steal", 0.0) > STOLEN else ""
