"""How long a forward pass takes, beside the same pass of the base: interleaved rounds in one process.

The unit is a *visit*: one untimed call, then as many timed calls as fill `visit_ms`, reduced to
their medians. A *round* visits the variant, its base and an identical copy of the base in shuffled
order, so that whatever disturbs the machine disturbs all three; the ratio is read from the paired
rounds. The copy shows what a ratio of 1 looks like here. How that is done: docs/latency.md.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from suite import machine
from suite.metrics.definitions import (
    ENERGY_OF_BASE,
    ENERGY_OF_VARIANT,
    LATENCY,
    LATENCY_CLOCKS,
    LATENCY_ROLES,
)
from suite.metrics.evidence.limits import EnergySource
from suite.metrics.evidence.timing import (
    Deviation,
    EqualToEager,
    MachineLoad,
    Outliers,
    Timing,
    WarmUpSpent,
)
from suite.metrics.speed.conditions import (
    ENERGY_SECONDS,
    flusher,
    measure_energy,
    meter_of,
    sensor_of,
)
from suite.metrics.speed.phases import PhaseTimes
from suite.metrics.speed.prepared import PreparedNetworks
from suite.metrics.speed.rounds import RULES, Rounds, Settings, Watch, columns, interleave
from suite.protocols.setups import EAGER, offers
from suite.record import Json, Measurement
from suite.runtimes import Session
from suite.runtimes.common.proof import Proved
from suite.spec.records.variant import Variant

__all__ = [
    "LatencyError",
    "Settings",
    "check_device",
    "measure_latency",
    "noise",
]

_ENERGY = {"variant": ENERGY_OF_VARIANT, "base": ENERGY_OF_BASE}


class LatencyError(RuntimeError):
    """A model that cannot be timed honestly."""


def measure_latency(
    variant: Variant,
    base: Variant,
    settings: Settings,
    *,
    classes: int = 80,
    images: Tensor | None = None,
    networks: PreparedNetworks | None = None,
) -> tuple[Measurement, ...]:
    """Wall and processor time of `variant`, of `base` and of a second copy of `base`, deployed and untrained.

    In another runtime than eager the variant in eager mode takes part too, at the same precision or
    in fp32. Every session has been proved equal to eager mode in fp32, with values on which mistakes
    show. Where the machine counts energy, that of an image is measured after the rounds.

    Args:
        variant: what is compared.
        base: what it is compared with; the copy shows what a ratio of 1 looks like here.
        settings: what is timed, and how surely.
        classes: of the heads.
        images: (B, 3, H, W) in 0..1, in the place of the noise that is used otherwise.
        networks: keeps what it has built and proved for the next call.

    Returns:
        One measurement for each network and clock, in milliseconds of a batch. A sample is the
        median of a visit, one for each round, and samples of one position belong to one round;
        beside them stands which rounds count, and every timed call
        (`suite.metrics.evidence.timing.Timing`). Such as, for two seconds on the processor:

            ours = measure_latency(variant, base, Settings(image_size=128, cap_seconds=2))
            time = next(m for m in ours if m.metric == "latency_wall_ms")
            base_time = next(m for m in ours if m.metric == "latency_base_wall_ms")
            ratio([kept_ratios(time, base_time)])  # suite.stats.intervals, suite.metrics.speed.kept

    Raises:
        MismatchError: a session's predictions are not those of eager mode, or not finite.
        LatencyError: a model ran on another device than was asked for.
        RuntimeUnfitError: the runtime, device or precision is not to be had here.
        SpecError: a variant does not build.
    """
    phase_times = PhaseTimes()
    before = machine.cpu_times()
    if images is None:
        images = noise(settings)
    roles = {"variant": variant, "base": base, "copy": base}
    if settings.runtime.partition("+")[0] != EAGER:
        roles["eager"] = variant
    networks = networks or PreparedNetworks()
    opened = _open_all(roles, settings, classes, images, networks=networks, phase_times=phase_times)
    sessions = {role: proved.session for role, proved in opened.items()}
    prepared = {role: proved.prepared for role, proved in opened.items()}
    with phase_times.phase("checking"):
        for role, session in sessions.items():
            check_device(roles[role].name, session.settings, settings)
    watch = Watch(sensor_of(settings), flusher(settings))
    rounds = interleave(sessions, prepared, settings, watch)
    _book(phase_times, rounds)
    stated: dict[str, Json] = {
        "image_size": images.shape[-1],
        "batch": images.shape[0],
        **sessions["variant"].settings,
    }
    with phase_times.phase("energy"):
        energy, energy_source = _energy(sessions, prepared, settings, stated)
    load = machine.load_since(before)
    evidence = replace(
        _timing(rounds, settings),
        base=base.name,
        base_runtime=str(sessions["base"].settings.get("runtime", "")),
        load=MachineLoad(load.average, load.busy, load.steal),
        weights="untrained, norms from the images",
        equal_to_eager=_equal_to_eager(opened["variant"]),
        energy=energy_source,
        phase_seconds={phase: round(spent, 4) for phase, spent in phase_times.seconds.items()},
    )
    for session in sessions.values():
        session.close()
    return (*_measurements(rounds, stated, evidence), *energy)


def noise(settings: Settings) -> Tensor:
    """Images (batch, 3, size, size) in 0..1 with large and small structure, from the seed."""
    generator = torch.Generator().manual_seed(settings.seed)
    size, shape = settings.image_size, (settings.batch, 3)
    coarse = torch.rand(*shape, 8, 8, generator=generator)
    fine = torch.rand(*shape, size, size, generator=generator)
    smooth = F.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=False)
    return 0.8 * smooth + 0.2 * fine


def check_device(name: str, stated: Mapping[str, Json], settings: Settings) -> None:
    """Raise LatencyError if a session says that it runs elsewhere: a runtime may fall back to the CPU in silence."""
    device = str(stated.get("device", settings.device))
    if device.partition(":")[0] != settings.kind:
        raise LatencyError(
            f"{name}: ran on {device} instead of {settings.device}; such a time is not reported"
        )


def _open_all(
    roles: Mapping[str, Variant],
    settings: Settings,
    classes: int,
    images: Tensor,
    *,
    networks: PreparedNetworks,
    phase_times: PhaseTimes,
) -> dict[str, Proved]:
    """Open in an order that the seed shuffles: a place in memory has a speed of its own."""
    order = sorted(roles)
    random.Random(settings.seed).shuffle(order)  # noqa: S311
    runtimes = {"variant": settings.runtime, "eager": EAGER}
    opened: dict[str, Proved] = {}
    for role in order:
        opened[role] = networks.open(
            roles[role],
            runtimes.get(role) or settings.base_runtime or settings.runtime,
            as_eager(settings) if role == "eager" else settings,
            classes=classes,
            images=images,
            phase_times=phase_times,
        )
    return opened


def as_eager(settings: Settings) -> Settings:
    """How eager mode takes part: at the same precision, or in fp32 where it has no such precision."""
    offered = settings.precision in offers()[EAGER].precisions[settings.kind]
    return settings if offered else replace(settings, precision="fp32")


def _energy(
    sessions: Mapping[str, Session],
    prepared: Mapping[str, Tensor],
    settings: Settings,
    stated: Mapping[str, Json],
) -> tuple[tuple[Measurement, ...], str]:
    """Millijoules an image of variant and base, and where they are from; or nothing, and why."""
    meter = meter_of(settings)
    if isinstance(meter, str):
        return (), meter
    measurements = []
    for role, metric in _ENERGY.items():
        joules = measure_energy(
            sessions[role], prepared[role], meter, seconds=ENERGY_SECONDS[settings.kind]
        )
        if joules is None:
            return (), "not here: this device does not count energy"
        samples = tuple(1000 * joule / settings.batch for joule in joules)
        source = EnergySource(meter.source)
        measurements.append(
            metric.measured(samples, form="deployed", settings=stated, notes=source.as_json)
        )
    return tuple(measurements), meter.source


def _book(phase_times: PhaseTimes, rounds: Rounds) -> None:
    phase_times.book("warming", sum(warm.seconds for warm in rounds.warm.values()))
    phase_times.book("measuring", rounds.measuring)
    phase_times.book("watching", rounds.seconds - rounds.measuring)


def _equal_to_eager(proved: Proved) -> EqualToEager:
    return EqualToEager(
        boxes=Deviation(proved.found.boxes, proved.allowed.boxes),
        scores=Deviation(proved.found.scores, proved.allowed.scores),
    )


def _timing(rounds: Rounds, settings: Settings) -> Timing:
    """How the rounds went, for all measurements alike."""
    reasons = Counter(one.outlier for one in rounds.rounds if one.outlier)
    switches = [visit.switches for one in rounds.rounds for visit in one.visits.values()]
    return Timing(
        stopped_by=rounds.stopped_by,
        rounds=len(rounds.rounds),
        kept=rounds.kept,
        outliers=Outliers(
            rounds=reasons.total(),
            why=dict(reasons),
            rule=RULES[settings.kind],
            left_out=len(rounds.kept) < len(rounds.rounds),
        ),
        seconds=round(rounds.seconds, 3),
        calls_per_visit=dict(rounds.calls),
        warm_up={
            role: WarmUpSpent(warm.calls, round(warm.seconds, 3), warm.steady)
            for role, warm in rounds.warm.items()
        },
        involuntary_switches=sum(switches),
        half_width=settings.half_width,
        cap_seconds=settings.cap_seconds,
        flush_l2=settings.flush_l2,
        seed=settings.seed,
    )


def _measurements(
    rounds: Rounds, stated: Mapping[str, Json], evidence: Timing
) -> tuple[Measurement, ...]:
    """One for each role and clock; the machine's readings stand with the first, every call with its own."""
    seen = {name: tuple(values) for name, values in columns(rounds.rounds).items()}
    pairs = [(role, clock) for role in LATENCY_ROLES for clock in LATENCY_CLOCKS]
    measurements = []
    for metric, (role, clock) in zip(LATENCY, pairs, strict=True):
        if role not in rounds.warm:
            continue
        noted = replace(evidence, calls_ms=_calls_ms(rounds, role, clock))
        if metric is LATENCY[0]:
            noted = replace(noted, seen=seen)
        samples = rounds.wall(role) if clock == "wall" else rounds.cpu(role)
        measurements.append(
            metric.measured(samples, form="deployed", settings=stated, notes=noted.as_json)
        )
    return tuple(measurements)


def _calls_ms(rounds: Rounds, role: str, clock: str) -> tuple[float, ...]:
    """Milliseconds of every timed call of one network, visit by visit."""
    visits = [one.visits[role] for one in rounds.rounds]
    calls = [visit.wall_calls if clock == "wall" else visit.cpu_calls for visit in visits]
    return tuple(round(call, 4) for visit in calls for call in visit)
