"""Beside what public counters say: by how much they differ from torch's count, and because of what."""

from dataclasses import dataclass, field

from suite.evidence import Evidence


@dataclass(frozen=True, slots=True)
class CounterCause(Evidence):
    """One reason of a difference.

    Attributes:
        reason: such as "F.conv2d with computed weights".
        gmacs: multiply-adds that the counter missed (negative) or counted beyond torch's (positive), 10⁹.
        layers: the number of modules in which it did.
        where: paths of some of them, the largest difference first.
    """

    reason: str = field(metadata={"key": "cause"})
    gmacs: float
    layers: int
    where: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CounterCauses(Evidence):
    """Beside `gmacs_fvcore` and `gmacs_thop`. A counter that broke has no samples, and a sentence only.

    Attributes:
        ratio: counted over true multiply-adds.
        sentence: whether the counter agrees, or what it misses or adds.
        causes: the largest first.
    """

    ratio: float | None = None
    sentence: str | None = None
    causes: tuple[CounterCause, ...] | None = None
