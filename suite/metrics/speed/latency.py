"""How long a forward pass takes, beside the same pass of the base: interleaved rounds in one process.

The unit is a *visit*: one untimed call, then as many timed calls as fill `visit_ms`, reduced to their medians. A
*round* visits the variant, its base and an identical copy of the base in shuffled order, so that whatever disturbs the
machine disturbs all three; the ratio is read from the paired rounds. The copy shows what a ratio of 1 looks like here.
How that is done: docs/latency.md.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from suite import machine
from suite.metrics.speed.conditions import (
    ENERGY_SECONDS,
    flusher,
    measure_energy,
    meter_of,
    sensor_of,
)
from suite.metrics.speed.phases import PhaseTimes
from suite.metrics.speed.prepared import Opener
from suite.metrics.speed.rounds import RULES, Rounds, Settings, Watch, columns, interleave
from suite.protocols.setups import EAGER, offers
from suite.record import Json, Measurement, Metric
from suite.runtimes import Session
from suite.spec.records.variant import Variant

if TYPE_CHECKING:
    from torch import Tensor

    from suite.runtimes.common.proof import Proved

__all__ = [
    "METRICS",
    "VERSION",
    "LatencyError",
    "Settings",
    "check_device",
    "measure_latency",
    "noise",
]

VERSION = 2
_ROLES = {"variant": "", "base": "base_", "copy": "copy_", "eager": "eager_"}
_TITLES = {
    "variant": "latency",
    "base": "latency of the base",
    "copy": "latency of a copy of the base",
    "eager": "latency in eager mode",
}
_CLOCKS = {"wall": "wall clock", "cpu": "processor time"}
_ENERGY = {"variant": "energy_mj", "base": "energy_base_mj"}
METRICS: tuple[Metric, ...] = (
    *(
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
    ),
    Metric("energy_mj", "energy of an image", "mJ", "lower", 1, 1, "latency"),
    Metric("energy_base_mj", "energy of an image, the base", "mJ", "", 1, 1, "latency"),
)


class LatencyError(RuntimeError):
    """A model that cannot be timed honestly."""


def measure_latency(
    variant: Variant,
    base: Variant,
    settings: Settings,
    *,
    classes: int = 80,
    images: "Tensor | None" = None,
    opener: Opener | None = None,
) -> tuple[Measurement, ...]:
    """Wall and processor time of `variant`, of `base` and of a second copy of `base`, deployed and untrained.

    In another runtime than eager the variant in eager mode, at the same precision or in fp32 where eager mode has no
    such precision, takes part too. Every session has been proved equal to eager mode in fp32, with values on which
    mistakes show.
    Every measurement holds one sample for each round, and samples of one position belong to one round; the note
    `kept` lists the rounds that count, `calls_ms` every timed call. `images` (B, 3, H, W) in 0..1 replace the noise
    that is used otherwise. Where the machine counts energy, that of an image is measured after the rounds. `opener`
    keeps what it has built and proved for the next call.

    Raises:
        MismatchError: a session's predictions are not those of eager mode, or not finite.
        LatencyError: a model ran on another device than was asked for.
        RuntimeUnfitError: the runtime, device or precision is not to be had here.
        SpecError: a variant does not build.
    """
    ledger = PhaseTimes()
    before = machine.cpu_times()
    images = noise(settings) if images is None else images
    roles = {"variant": variant, "base": base, "copy": base}
    roles |= {} if settings.runtime.partition("+")[0] == EAGER else {"eager": variant}
    opened = _open_all(roles, settings, classes, images, opener=opener or Opener(), ledger=ledger)
    with ledger.phase("checking"):
        sessions = {role: found.session for role, found in opened.items()}
        prepared = {role: found.prepared for role, found in opened.items()}
        for role, session in sessions.items():
            check_device(roles[role].name, session.settings, settings)
    watch = Watch(sensor_of(settings), flusher(settings))
    rounds = interleave(sessions, prepared, settings, watch)
    ledger.book("warming", sum(warm.seconds for warm in rounds.warm.values()))
    ledger.book("measuring", rounds.measuring)
    ledger.book("watching", rounds.seconds - rounds.measuring)
    stated: dict[str, Json] = {
        "image_size": images.shape[-1],
        "batch": images.shape[0],
        **sessions["variant"].settings,
    }
    with ledger.phase("energy"):
        energy, energy_note = _energy(sessions, prepared, settings, stated)
    notes: dict[str, Json] = {
        "base": base.name,
        **_notes(rounds, settings),
        "base_runtime": str(sessions["base"].settings.get("runtime", "")),
        "load": asdict(machine.load_since(before)),
        "weights": "untrained, norms from the images",
        "equal_to_eager": opened["variant"].as_json,
        "energy": energy_note,
        "spent": {phase: round(seconds, 4) for phase, seconds in ledger.seconds.items()},
    }
    for session in sessions.values():
        session.close()
    return (*_measurements(rounds, stated, notes), *energy)


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
    images: "Tensor",
    *,
    opener: Opener,
    ledger: PhaseTimes,
) -> dict[str, "Proved"]:
    """Open in an order that the seed shuffles: a place in memory has a speed of its own."""
    order = sorted(roles)
    random.Random(settings.seed).shuffle(order)  # noqa: S311
    runtimes = {"variant": settings.runtime, "eager": EAGER}
    found: dict[str, Proved] = {}
    for role in order:
        runtime = runtimes.get(role) or settings.base_runtime or settings.runtime
        how = as_eager(settings) if role == "eager" else settings
        found[role] = opener.open(
            roles[role], runtime, how, classes=classes, images=images, ledger=ledger
        )
    return found


def as_eager(settings: Settings) -> Settings:
    """How eager mode takes part: at the same precision, or in fp32 where it has no such precision."""
    offered = settings.precision in offers()[EAGER].precisions[settings.kind]
    return settings if offered else replace(settings, precision="fp32")


def _energy(
    sessions: Mapping[str, Session],
    prepared: Mapping[str, "Tensor"],
    settings: Settings,
    stated: Mapping[str, Json],
) -> tuple[tuple[Measurement, ...], str]:
    """Millijoules an image of variant and base, and where they are from; or nothing, and why."""
    meter = meter_of(settings)
    if isinstance(meter, str):
        return (), meter
    found = []
    for role, metric in _ENERGY.items():
        joules = measure_energy(
            sessions[role], prepared[role], meter, seconds=ENERGY_SECONDS[settings.kind]
        )
        if joules is None:
            return (), "not here: this device does not count energy"
        samples = tuple(1000 * joule / settings.batch for joule in joules)
        found.append(
            Measurement(metric, 1, "mJ", "deployed", samples, stated, {"source": meter.source})
        )
    return tuple(found), meter.source


def _notes(rounds: Rounds, settings: Settings) -> dict[str, Json]:
    """How the rounds went, for all measurements alike."""
    kept, aside = rounds.kept, Counter(found.aside for found in rounds.rounds if found.aside)
    warm: dict[str, Json] = {
        role: {"calls": w.calls, "seconds": round(w.seconds, 3), "steady": w.steady}
        for role, w in rounds.warm.items()
    }
    return {
        "stopped_by": rounds.stopped_by,
        "rounds": len(rounds.rounds),
        "kept": list(kept),
        "set_aside": {
            "rounds": sum(aside.values()),
            "why": dict(aside),
            "rule": RULES[settings.kind],
            "left_out": len(kept) < len(rounds.rounds),
        },
        "seconds": round(rounds.seconds, 3),
        "calls_per_visit": dict(rounds.calls),
        "warm_up": warm,
        "involuntary_switches": sum(
            v.switches for found in rounds.rounds for v in found.visits.values()
        ),
        "half_width": settings.half_width,
        "cap_seconds": settings.cap_seconds,
        "flush_l2": settings.flush_l2,
        "seed": settings.seed,
    }


def _measurements(
    rounds: Rounds, stated: Mapping[str, Json], notes: Mapping[str, Json]
) -> tuple[Measurement, ...]:
    """One for each role and clock; the machine's readings stand with the first, every call with its own."""
    found = []
    for role, infix in _ROLES.items():
        if role not in rounds.warm:
            continue
        visits = [one.visits[role] for one in rounds.rounds]
        for clock in _CLOCKS:
            calls = [v.wall_calls if clock == "wall" else v.cpu_calls for v in visits]
            flat: list[Json] = [round(call, 4) for visit in calls for call in visit]
            own: dict[str, Json] = {**notes, "calls_ms": flat}
            if (role, clock) == ("variant", "wall"):
                own["seen"] = {
                    name: list(values) for name, values in columns(rounds.rounds).items()
                }
            samples = rounds.wall(role) if clock == "wall" else rounds.cpu(role)
            found.append(
                Measurement(
                    f"latency_{infix}{clock}_ms", VERSION, "ms", "deployed", samples, stated, own
                )
            )
    return tuple(found)
