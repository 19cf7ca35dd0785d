"""Better, worse, equivalent, or cannot tell, and how sure.

A difference counts only if it is both certain (Holm-adjusted p, Holm 1979) and large enough to
matter (the floor). Two variants are equivalent if both one-sided tests say that the difference is
within the floor (Schuirmann 1987).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from scipy import stats

from suite.stats.intervals import Estimate
from suite.stats.power import MOST_UNITS, SIGNIFICANCE, Power, needed_units, power

Word = Literal["better", "worse", "equivalent", "cannot tell"]
MIN_SEEDS = 3
_BOTH_QUANTILES = 2.8  # of the normal distribution: 1.96 for the significance, 0.84 for the power


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, the sentence that justifies it, and how many seeds (or processes) a side would settle it.

    `needed` is None where the verdict is settled or where the spread is unknown; `MOST_UNITS` means
    that or more. `p_equivalent` is the larger p of the two one-sided tests against the floor;
    `power` is None where nothing could be tested. `low` and `high` bound the interval that decides: adjusted like p, so
    that it leaves "no change" out exactly where p is below 0.05.
    """

    word: Word
    sentence: str
    needed: int | None = None
    p_equivalent: float = 1.0
    power: Power | None = None
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, slots=True)
class Rule:
    """How a metric is judged: which direction is better, the least difference that matters, the value of no change.

    `show` writes a difference for a reader ("+1.2 points"); `unit` is what is repeated ("seed",
    "process"). `neutral` is 0 for differences and 1 for ratios, whose errors are of the logarithm.
    """

    better: Literal["lower", "higher"]
    floor: float
    show: Callable[[float], str]
    neutral: float = 0.0
    unit: str = "seed"
    least: int = MIN_SEEDS

    def apart(self, value: float) -> float:
        """How far a value is from no change, on the scale of the standard error."""
        return value if self.neutral == 0 else math.log(value / self.neutral)

    @property
    def reach(self) -> float:
        """The floor on the scale of the standard error."""
        return self.apart(self.neutral + self.floor)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjustment, in the order given: compare each with the significance wanted for all."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for position, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - position) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def verdicts(estimates: Sequence[Estimate], rule: Rule) -> tuple[tuple[float, Verdict], ...]:
    """Judge all differences that a reader sees together: the Holm-adjusted p of each, and the verdict.

    Better or worse needs both: p below 0.05 after Holm's adjustment over all of them (1979), and a
    difference beyond the rule's floor. Equivalent are two whose difference is shown to be within
    the floor by both one-sided t tests (Schuirmann 1987). Everything else cannot be told, with the
    number of seeds that would tell.

    Args:
        estimates: differences to one base (no change is 0) or ratios to it (no change is 1).
        rule: how the metric is judged, the floor in the metric's unit.

    >>> from dataclasses import replace
    >>> points = Rule("higher", 0.004, lambda value: f"{100 * value:+.1f} points")
    >>> sure = Estimate(0.03, 0.02, 0.04, 5, 0.001, (0.005, 0.005), 0.003, 8.0, basis="seeds")
    >>> [(p, judged.word) for p, judged in verdicts([sure, replace(sure, p=0.03)], points)]
    [(0.002, 'better'), (0.03, 'better')]

    Source: the module's first lines; which p is adjusted by what is in `holm`.
    """
    adjusted = holm([estimate.p for estimate in estimates])
    return tuple(
        (p, verdict(estimate, p_adjusted=p, rule=rule, comparisons=len(adjusted)))
        for estimate, p in zip(estimates, adjusted, strict=True)
    )


def deciding(estimate: Estimate, p_adjusted: float, rule: Rule) -> tuple[float, float]:
    """The bounds of the interval that decides: of the level that Holm's adjustment asks of this comparison.

    The plain interval has the level 1 - 0.05, this one 1 - 0.05 · p / p_adjusted. It holds "no change" exactly where
    the adjusted p is 0.05 or more, so that what is drawn and what is said cannot differ.
    """
    if not 0 < estimate.p < p_adjusted or not math.isfinite(estimate.error + estimate.high):
        return estimate.low, estimate.high
    level = SIGNIFICANCE * estimate.p / p_adjusted
    half = float(stats.t.isf(level / 2, estimate.freedom)) * estimate.error
    if rule.neutral == 0:
        return estimate.value - half, estimate.value + half
    return estimate.value * math.exp(-half), estimate.value * math.exp(half)


def verdict(estimate: Estimate, *, p_adjusted: float, rule: Rule, comparisons: int = 1) -> Verdict:
    """Judge one difference.

    `p_adjusted` comes from `holm` over all `comparisons` that the reader sees together. Power and
    needed units are those of the strictest of Holm's steps.
    """
    low, high = deciding(estimate, p_adjusted, rule)
    judged = _judged(replace(estimate, low=low, high=high), p_adjusted, rule, comparisons)
    return replace(judged, low=low, high=high)


def _judged(estimate: Estimate, p_adjusted: float, rule: Rule, comparisons: int) -> Verdict:
    """The verdict on an estimate whose interval is the one that decides."""
    significance = SIGNIFICANCE / comparisons
    target = max(abs(rule.apart(estimate.value)), rule.reach)
    needed = needed_units(estimate, target, significance)
    if needed is not None:
        needed = max(needed, rule.least)
    if estimate.n < rule.least:
        return Verdict("cannot tell", _too_few(estimate, rule), max(needed or 0, rule.least))
    chances = Power(
        floor=power(estimate, rule.reach, significance),
        seen=power(estimate, rule.apart(estimate.value), significance),
    )
    p_equivalent = _equivalence(estimate, rule)
    word = _word(estimate, p_adjusted, p_equivalent, rule)
    shown = f"{rule.show(estimate.value - rule.neutral)} ({_bounds(estimate, rule)})"
    floor = rule.show(rule.floor).lstrip("+")
    if word == "equivalent":
        sentence = f"{shown} differs by less than the {floor} that matter, p {p_text(p_equivalent)}"
        return Verdict(word, sentence, None, p_equivalent, chances)
    if word != "cannot tell":
        sentence = f"{shown}, p {p_text(p_adjusted)}"
        return Verdict(word, sentence, None, p_equivalent, chances)
    if p_adjusted < SIGNIFICANCE:
        sentence = f"{shown} is no more than the {floor} that matter"
        return Verdict(word, sentence, None, p_equivalent, chances)
    among = f" among {comparisons} comparisons" if estimate.p < SIGNIFICANCE else ""
    sentence = f"{shown} is within chance{among}{_advice(needed, estimate, rule, target)}"
    return Verdict(word, sentence, needed, p_equivalent, chances)


def p_text(p: float) -> str:
    """A p as it is written."""
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def _word(estimate: Estimate, p_adjusted: float, p_equivalent: float, rule: Rule) -> Word:
    difference = estimate.value - rule.neutral
    if p_adjusted < SIGNIFICANCE and abs(difference) > rule.floor:
        return "better" if (difference > 0) == (rule.better == "higher") else "worse"
    return "equivalent" if p_equivalent < SIGNIFICANCE else "cannot tell"


def _equivalence(estimate: Estimate, rule: Rule) -> float:
    """The p of "the difference is at least the floor": the larger of the two one-sided t tests; 1 if not testable."""
    apart, reach = rule.apart(estimate.value), rule.reach
    if not math.isfinite(estimate.error):
        return 1.0
    if estimate.error == 0:
        return 0.0 if abs(apart) < reach else 1.0
    return float(stats.t.sf((reach - abs(apart)) / estimate.error, estimate.freedom))


def _too_few(estimate: Estimate, rule: Rule) -> str:
    too_few = (
        f"{_count(estimate.n, rule.unit)}: ranking not supported; a verdict needs {rule.least}"
    )
    if estimate.basis != "pictures":
        return too_few
    return f"{too_few}; {rule.show(estimate.value)} ({_bounds(estimate, rule)}) as far as the test pictures go"


def _bounds(estimate: Estimate, rule: Rule) -> str:
    return f"{rule.show(estimate.low - rule.neutral)} to {rule.show(estimate.high - rule.neutral)}"


def _advice(needed: int | None, estimate: Estimate, rule: Rule, target: float) -> str:
    if needed is None:
        return ""
    least_seen = _BOTH_QUANTILES * math.sqrt(estimate.pictures)
    if needed >= MOST_UNITS and least_seen > target:
        units = _plural(rule.unit)
        return f"; no number of {units} would settle it: these test pictures are too few"
    units = _count(needed, rule.unit)
    count = f"{units} or more" if needed == MOST_UNITS else f"about {units}"
    side = " a side" if len(estimate.spread) > 1 else ""
    return f"; {count}{side} would settle it"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit if number == 1 else _plural(unit)}"


def _plural(unit: str) -> str:
    return f"{unit}es" if unit.endswith("s") else f"{unit}s"
