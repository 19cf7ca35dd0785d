"""How long a forward pass takes, beside the same pass of the base: interleaved rounds in one process.

The unit is a *visit*: one untimed call, then as many timed calls as fill `visit_ms`, reduced to their medians. A
*round* visits the variant, its base and an identical copy of the base in shuffled order, so that whatever disturbs the
machine disturbs all three; the ratio is read from the paired rounds. The copy shows what a ratio of 1 looks like here.
"""

import math
import random
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from suite import machine
from suite.record import Json, Measurement, Metric
from suite.runtimes import Options, Session, open_session
from suite.spec.variant import Variant

if TYPE_CHECKING:
    from torch import Tensor

VERSION = 1
_ROLES = {"variant": "", "base": "base_", "copy": "copy_"}
_TITLES = {"variant": "latency", "base": "latency of the base", "copy": "latency of a copy of the base"}
_CLOCKS = {"wall": "wall clock", "cpu": "processor time"}
METRICS: tuple[Metric, ...] = tuple(
    Metric(
        name=f"latency_{infix}{clock}_ms",
        title=f"{_TITLES[role]}, {words}",
        unit="ms",
        better="lower" if role == "variant" else "",
        version=VERSION,
        digits=2,
        group="latency",
    )
    for role, infix in _ROLES.items()
    for clock, words in _CLOCKS.items()
)
_MOST_CALLS = 25  # in a visit
_BETWEEN_LOOKS = 1.2  # looking after every round would stop at intervals that are narrow by chance
_WARM_UP = {"cpu": (3, 0.2), "cuda": (25, 0.5)}  # at least this many calls, and at least this many seconds


class LatencyError(RuntimeError):
    """A model that cannot be timed honestly."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is timed, and how surely.

    Measuring stops when the 95 % interval of the ratio to the base reaches no further than `half_width` to either
    side, but not before `min_rounds`, and in any case after `cap_seconds`. `seed` decides the order of the visits,
    the order in which the models are built (their place in memory) and the images.
    """

    image_size: int = 640
    batch: int = 1
    threads: int = 1
    precision: str = "fp32"
    channels_last: bool = True
    runtime: str = "eager"
    device: str = "cpu"
    half_width: float = 0.01
    cap_seconds: float = 30.0
    visit_ms: float = 30.0
    min_rounds: int = 12
    seed: int = 0

    @property
    def options(self) -> Options:
        """The part that the runtime decides on."""
        return Options(self.device, self.precision, self.threads, self.channels_last)


@dataclass(frozen=True, slots=True)
class Rounds:
    """Medians of every visit in milliseconds, by role; position is the round."""

    wall: Mapping[str, tuple[float, ...]]
    cpu: Mapping[str, tuple[float, ...]]
    calls: Mapping[str, int]
    stopped_by: Literal["precision", "cap"]
    seconds: float


def measure_latency(
    variant: Variant,
    base: Variant,
    settings: Settings,
    *,
    classes: int = 80,
    images: "Tensor | None" = None,
) -> tuple[Measurement, ...]:
    """Wall and processor time of `variant`, of `base` and of a second copy of `base`, deployed and untrained.

    Every measurement holds one sample for each round, and samples of one position belong to one round. `images`
    (B, 3, H, W) in 0..1 replace the noise that is used otherwise.

    Raises:
        LatencyError: a model's output is not finite.
        RuntimeUnfitError: the runtime, device or precision is not to be had here.
        SpecError: a variant does not build.
    """
    images = noise(settings) if images is None else images
    sessions = _open_all({"variant": variant, "base": base, "copy": base}, settings, classes)
    prepared = {role: session.prepare(images) for role, session in sessions.items()}
    for role, session in sessions.items():
        check_finite(base.name if role != "variant" else variant.name, session.run(prepared[role]), settings)
    before, switches = machine.cpu_times(), _switches()
    rounds = interleave(sessions, prepared, settings)
    load = machine.load_since(before)
    stated: dict[str, Json] = {
        "image_size": images.shape[-1],
        "batch": images.shape[0],
        **sessions["variant"].settings,
    }
    for session in sessions.values():
        session.close()
    notes: dict[str, Json] = {
        "base": base.name,
        "stopped_by": rounds.stopped_by,
        "rounds": len(rounds.wall["variant"]),
        "seconds": round(rounds.seconds, 3),
        "calls_per_visit": dict(rounds.calls),
        "involuntary_switches": _switches() - switches,
        "load": asdict(load),
        "half_width": settings.half_width,
        "cap_seconds": settings.cap_seconds,
        "seed": settings.seed,
        "weights": "untrained",
    }
    return _measurements(rounds, stated, notes)


def interleave(
    sessions: Mapping[str, Session],
    prepared: Mapping[str, "Tensor"],
    settings: Settings,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Rounds:
    """Warm up, then visit every session once a round until the ratio of "variant" to "base" is known well enough."""
    order = sorted(sessions)
    shuffle = random.Random(settings.seed).shuffle  # noqa: S311  (an order, not a secret)
    calls = {role: _warm_up(sessions[role], prepared[role], settings, clock) for role in order}
    wall: dict[str, list[float]] = {role: [] for role in order}
    cpu: dict[str, list[float]] = {role: [] for role in order}
    start, look = clock(), settings.min_rounds
    precise = False
    while not precise and clock() - start < settings.cap_seconds:
        shuffle(order)
        for role in order:
            wall_ms, cpu_ms = visit(sessions[role], prepared[role], calls[role])
            wall[role].append(wall_ms)
            cpu[role].append(cpu_ms)
        if len(wall["base"]) >= look:
            precise = _is_precise(wall, settings.half_width)
            look = math.ceil(_BETWEEN_LOOKS * look)
    return Rounds(
        wall={role: tuple(samples) for role, samples in wall.items()},
        cpu={role: tuple(samples) for role, samples in cpu.items()},
        calls=calls,
        stopped_by="precision" if precise else "cap",
        seconds=clock() - start,
    )


def visit(session: Session, prepared: "Tensor", calls: int) -> tuple[float, float]:
    """Median wall and processor milliseconds of `calls` calls, after one untimed call that warms the caches again."""
    session.run(prepared)
    session.synchronize()
    timings = [session.time(prepared) for _ in range(calls)]
    return statistics.median(t.wall_ms for t in timings), statistics.median(t.cpu_ms for t in timings)


def noise(settings: Settings) -> "Tensor":
    """Images (batch, 3, size, size) in 0..1 with large and small structure, from the seed."""
    import torch
    from torch.nn import functional as F

    generator = torch.Generator().manual_seed(settings.seed)
    size, shape = settings.image_size, (settings.batch, 3)
    coarse = torch.rand(*shape, 8, 8, generator=generator)
    fine = torch.rand(*shape, size, size, generator=generator)
    smooth = F.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=False)
    return 0.8 * smooth + 0.2 * fine


def check_finite(name: str, output: "Tensor", settings: Settings) -> None:
    """Raise LatencyError unless every output is finite: arithmetic on infinities and NaN has its own speed."""
    bad = int((~output.isfinite()).sum())
    if bad:
        raise LatencyError(
            f"{name}: {bad} of {output.numel()} outputs are not finite in {settings.precision}; "
            "time it in fp32 or with trained weights"
        )


def _open_all(variants: Mapping[str, Variant], settings: Settings, classes: int) -> dict[str, Session]:
    """Build, deploy and open in an order that the seed shuffles: a place in memory has a speed of its own."""
    from suite.nn.deploy import deploy
    from suite.nn.detector import build

    order = sorted(variants)
    random.Random(settings.seed).shuffle(order)  # noqa: S311
    return {
        role: open_session(settings.runtime, deploy(build(variants[role], classes, seed=0)), settings.options)
        for role in order
    }


def _warm_up(session: Session, prepared: "Tensor", settings: Settings, clock: Callable[[], float]) -> int:
    """Call until warm; the number of timed calls that fill a visit, from the last call's time."""
    least, seconds = _WARM_UP[settings.device.partition(":")[0]]
    start, done = clock(), 0
    while done < least or clock() - start < seconds:
        last = session.time(prepared).wall_ms
        done += 1
    return max(1, min(_MOST_CALLS, round(settings.visit_ms / last)))


def _is_precise(wall: Mapping[str, Sequence[float]], half_width: float) -> bool:
    from suite.stats.intervals import log_ratios, median_interval  # scipy takes a while to load

    interval = median_interval(log_ratios(wall["variant"], wall["base"]))
    return max(interval.high - interval.value, interval.value - interval.low) <= half_width


def _switches() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _measurements(rounds: Rounds, stated: Mapping[str, Json], notes: Mapping[str, Json]) -> tuple[Measurement, ...]:
    samples = {"wall": rounds.wall, "cpu": rounds.cpu}
    return tuple(
        Measurement(
            metric=f"latency_{infix}{clock}_ms",
            metric_version=VERSION,
            unit="ms",
            form="deployed",
            samples=samples[clock][role],
            settings=stated,
            notes=notes,
        )
        for role, infix in _ROLES.items()
        for clock in _CLOCKS
    )
