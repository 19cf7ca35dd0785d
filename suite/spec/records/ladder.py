"""Where on a ladder a variant stands: what its design says of it, beside what it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a `design: ladder`: on the step that is its baseline, or, as a `side` branch, beside the next one."""

    ladder: str  # the name of its file
    title: str  # of the ladder
    step: str
    side: bool = False
