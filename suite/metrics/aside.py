"""Which rounds were disturbed from outside, by rules that are stated with the result."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from suite.machine.nvml import throttled
from suite.machine.sensors import Readings

if TYPE_CHECKING:
    from suite.metrics.rounds import Visit

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


def why_aside(visits: Mapping[str, "Visit"], seen: Readings, *, device: str, threads: int) -> str:
    """What disturbed a round, the first rule that applies; "" where nothing did.

    A round is kept or set aside as a whole, whichever of its models was disturbed, so that none is favoured.
    """
    if device != "cpu":
        causes = throttled(seen.get("throttle", 0))
        return f"GPU slowed down: {', '.join(causes)}" if causes else ""
    if threads == 1 and any(visit.wall > WAITED * visit.cpu for visit in visits.values()):
        return "waited for a core"
    if seen.get("others", 0.0) > OTHERS:
        return "others at work"
    return "host took time" if seen.get("steal", 0.0) > STOLEN else ""
