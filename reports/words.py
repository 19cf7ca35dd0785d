"""How numbers are written: one way for each kind, with a true minus sign."""

import math
from collections.abc import Mapping
from typing import Literal

from suite.stats.verdict import Word

UNKNOWN = "–"
Call = Literal["better", "worse", "equal", "same"]
Mark = Literal["base", "better", "worse", "equal", "same", "bad"]
"""What a run says of a variant; every plot gives it one colour and one shape, and the shape alone is enough."""

CALLS: Mapping[Word, Call] = {
    "better": "better",
    "worse": "worse",
    "equivalent": "equal",
    "cannot tell": "same",
}
"""How a verdict is told apart in the page: the class of its colour and its name in filters."""

MARKS: Mapping[Call, str] = {"better": "▲", "worse": "▼", "equal": "=", "same": "≈"}


def number(value: float | None, digits: int = 3) -> str:
    """A value with fixed digits and thousands apart: `0.702`, `1,872,157`; a dash where there is none."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:,.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 3) -> str:
    """A difference: `+0.021`, `−0.004`."""
    return ("+" if value >= 0 else "") + number(value, digits)


def signed_percent(fraction: float, digits: int = 1) -> str:
    """A relative difference: `+12.0 %` for 0.12."""
    return f"{signed(100 * fraction, digits)} %"


def percent_apart(value: float | None, base: float | None) -> float | None:
    """How far `value` is from `base`, as a fraction of it."""
    return None if value is None or not base else value / base - 1


def counted(count: int, one: str, many: str = "") -> str:
    """`1 variant`, `2 variants`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def compact(value: float | None) -> str:
    """A large count: `448,225` up to a million, then `7.23 M`."""
    if value is None:
        return UNKNOWN
    return number(value, 0) if abs(value) < 1e6 else f"{value / 1e6:.2f} M"


def listed(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
