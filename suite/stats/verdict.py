"""Better, worse, or cannot tell, and how sure.

A difference counts only if it is both certain (Holm-adjusted p, Holm 1979) and large enough to matter (the floor).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy import stats

from suite.stats.intervals import Estimate

Word = Literal["better", "worse", "cannot tell"]
MIN_SEEDS = 3
SIGNIFICANCE = 0.05
POWER = 0.8
MOST_SEEDS = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, the sentence that justifies it, and how many seeds (or replicas) a side would settle it.

    `needed` is None where the verdict is settled or where the spread is unknown; `MOST_SEEDS` means that or more.
    """

    word: Word
    sentence: str
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """How a metric is judged: which direction is better, the least difference that matters, the value of no change.

    `show` writes a difference for a reader ("+1.2 points"); `unit` is what is repeated ("seed", "replica").
    """

    better: Literal["lower", "higher"]
    floor: float
    show: Callable[[float], str]
    neutral: float = 0.0
    unit: str = "seed"
    least: int = MIN_SEEDS


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjustment, in the order given: compare each with the significance wanted for all."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for position, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - position) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def verdict(estimate: Estimate, *, p_adjusted: float, rule: Rule) -> Verdict:
    """Judge one difference. `p_adjusted` comes from `holm` over all differences that the reader sees together."""
    difference = estimate.value - rule.neutral
    needed = needed_units(estimate, rule)
    if estimate.n < rule.least:
        have = _count(estimate.n, rule.unit)
        return Verdict("cannot tell", f"{have}; a verdict needs {rule.least}", max(needed or 0, rule.least))
    shown = f"{rule.show(difference)} ({_bounds(estimate, rule)})"
    if p_adjusted >= SIGNIFICANCE:
        return Verdict("cannot tell", f"{shown} is within chance{_advice(needed, estimate, rule)}", needed)
    if abs(difference) <= rule.floor:
        size = rule.show(rule.floor).lstrip("+")
        return Verdict("cannot tell", f"{shown} is no more than the {size} that matter")
    word: Word = "better" if (difference > 0) == (rule.better == "higher") else "worse"
    return Verdict(word, f"{shown}, p {_p_text(p_adjusted)}")


def needed_units(estimate: Estimate, rule: Rule) -> int | None:
    """Seeds a side (replicas, for a ratio) that would show the estimate, or the floor where that is larger.

    For the spread seen: the least number whose two-sided test at `SIGNIFICANCE` finds such a difference with
    probability `POWER`. None where no spread was estimated or it is zero.
    """
    variance = sum(deviation**2 for deviation in estimate.spread)
    if variance == 0:
        return None
    target = max(abs(estimate.value - rule.neutral), rule.floor)
    sides = len(estimate.spread)
    for count in range(2, MOST_SEEDS):
        freedom = sides * (count - 1)
        quantiles = float(stats.t.ppf(1 - SIGNIFICANCE / 2, freedom) + stats.t.ppf(POWER, freedom))
        if quantiles * math.sqrt(variance / count) <= target:
            return max(count, rule.least)
    return MOST_SEEDS


def _bounds(estimate: Estimate, rule: Rule) -> str:
    return f"{rule.show(estimate.low - rule.neutral)} to {rule.show(estimate.high - rule.neutral)}"


def _advice(needed: int | None, estimate: Estimate, rule: Rule) -> str:
    if needed is None:
        return ""
    units = _count(needed, rule.unit)
    count = f"{units} or more" if needed == MOST_SEEDS else f"about {units}"
    return f"; {count}{' a side' if len(estimate.spread) > 1 else ''} would settle it"


def _count(number: int, unit: str) -> str:
    plural = f"{unit}es" if unit.endswith("s") else f"{unit}s"
    return f"{number} {unit if number == 1 else plural}"


def _p_text(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.3f}"
