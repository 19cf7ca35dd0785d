"""Beside a latency: how its rounds went, and why its numbers may be believed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from suite.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Outliers(Evidence):
    """The rounds that something disturbed.

    Attributes:
        rounds: how many.
        why: how many of each reason.
        rule: what makes a round one, in a sentence.
        left_out: whether the samples that count are without them; if too few others would be left, they are not.
    """

    rounds: int | None = None
    why: Mapping[str, int] | None = None
    rule: str | None = None
    left_out: bool | None = None


@dataclass(frozen=True, slots=True)
class WarmUpSpent(Evidence):
    """Calls and seconds of one network's warm-up; not `steady` means that the cap ended it."""

    calls: int
    seconds: float
    steady: bool


@dataclass(frozen=True, slots=True)
class MachineLoad(Evidence):
    """Load average of the last minute; busy and stolen shares of all cores' time, None where the system says none."""

    average: float
    busy: float | None
    steal: float | None


@dataclass(frozen=True, slots=True)
class Deviation(Evidence):
    """The largest error of an output against eager mode in fp32, and what is allowed."""

    error: float
    allowed: float


@dataclass(frozen=True, slots=True)
class EqualToEager(Evidence):
    """The proof of a session: deviations of boxes (shares of a box's diagonal) and of scores."""

    boxes: Deviation
    scores: Deviation


@dataclass(frozen=True, slots=True)
class Timing(Evidence):
    """Beside every `latency_…_ms`, alike for all networks of one process but for `calls_ms` and `seen`.

    Attributes:
        base: the baseline's name.
        stopped_by: "precision" or "cap".
        rounds: all of them.
        kept: positions, among the samples, of the rounds that count.
        outliers: the rounds that do not, or would not.
        seconds: of all rounds.
        calls_per_visit: by role ("variant", "base", "copy", "eager").
        warm_up: by role.
        involuntary_switches: how often the process was switched out.
        half_width: of the ratio's interval at which measuring stops.
        cap_seconds: after which it stops in any case.
        flush_l2: whether a GPU's second-level cache was emptied before each call.
        seed: of the order of visits, of building, and of the images.
        base_runtime: what the base ran in.
        load: of the machine, from before the first network was built to after the last round.
        weights: what the networks' weights are.
        equal_to_eager: the proof of the variant's session.
        energy: what counted the energy, or why nothing did.
        phase_seconds: where the time went (`suite.metrics.speed.phases`).
        calls_ms: every timed call of this network on this clock, visit by visit.
        seen: readings of the machine by name, one for each round; beside `latency_wall_ms` only.
        not_here: why nothing was timed, beside a measurement without samples; nothing else is recorded then.
    """

    base: str | None = None
    stopped_by: str | None = None
    rounds: int | None = None
    kept: tuple[int, ...] | None = None
    outliers: Outliers | None = field(default=None, metadata={"key": "set_aside"})
    seconds: float | None = None
    calls_per_visit: Mapping[str, int] | None = None
    warm_up: Mapping[str, WarmUpSpent] | None = None
    involuntary_switches: int | None = None
    half_width: float | None = None
    cap_seconds: float | None = None
    flush_l2: bool | None = None
    seed: int | None = None
    base_runtime: str | None = None
    load: MachineLoad | None = None
    weights: str | None = None
    equal_to_eager: EqualToEager | None = None
    energy: str | None = None
    phase_seconds: Mapping[str, float] | None = field(default=None, metadata={"key": "spent"})
    calls_ms: tuple[float, ...] | None = None
    seen: Mapping[str, tuple[float, ...]] | None = None
    not_here: str | None = None
