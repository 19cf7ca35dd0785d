"""Equal cost: the width at which a variant costs what another one does, found while planning, before anything runs.

Costs are those of the deployed form with 80 classes at 640 x 640: multiply-adds and parameters counted on the meta
device, latency measured beside the target on this machine, once, and pinned in a file of the output folder.
"""

import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from suite import machine
from suite.record import digest
from suite.spec.library import Library
from suite.spec.records.cost import Match, Solution
from suite.spec.records.variant import Variant
from suite.yaml.errors import SpecError
from suite.yaml.mark import Mark

PINS = "matches.json"
IMAGE_SIZE = 640
MOST_TRIALS = 40
_WIDTHS = (1 / 64, 64.0)  # the narrowest and the widest that are tried
_FINEST = 1e-3  # widths that differ by less mostly give the same channels
_TIMED_SECONDS = 10.0  # at most, for each width that is timed


@dataclass(frozen=True, slots=True)
class Trial:
    """A width that was tried: what the variant costs there, and what the target costs."""

    width: float
    cost: float
    target: float

    @property
    def above(self) -> float:
        """The logarithm of the cost over the target's: 0 where it is met."""
        return math.log(self.cost / self.target)


# by fingerprint and metric: many variants have one target
_COUNTED: dict[tuple[str, str], float] = {}

Price = Callable[[Variant], tuple[float, float]]
"""What a variant costs, and what its target costs, in one unit."""


def solved(variant: Variant, library: Library, folder: Path = Path("out")) -> Variant:
    """The final form of a variant of `library`: at the width that its `match` asks for; any other as it is.

    Args:
        variant: what `library` has loaded.
        library: where it and its target are from.
        folder: keeps the widths that were found by measuring, so that they are measured once a machine.

    Raises:
        SpecError: no width meets the target, the cost does not rise with the width, or a width does not build.
    """
    match = variant.match
    if match is None or match.solution is not None:
        return variant
    target = library.load(match.to)
    if match.metric == "latency":
        solution = _pinned(
            variant,
            target,
            folder / PINS,
            lambda: _solve(variant, match, library, timed_beside(target)),
        )
    else:
        solution = _solve(variant, match, library, counted_beside(target, match.metric))
    return replace(library.scaled(variant, solution.width), match=replace(match, solution=solution))


def counted_beside(target: Variant, metric: str) -> Price:
    """Multiply-adds in 10⁹ ("flops"), or parameters ("params")."""
    key = (target.fingerprint, metric)
    if key not in _COUNTED:
        _COUNTED[key] = _count(target, metric)
    wanted = _COUNTED[key]
    return lambda variant: (_count(variant, metric), wanted)


def timed_beside(target: Variant) -> Price:
    """Milliseconds of one image on one thread of the processor, in rounds shared with the target."""
    from suite.metrics.speed.kept import kept, kept_ratios
    from suite.metrics.speed.latency import Settings, measure_latency
    from suite.stats.intervals import median_interval

    def price(variant: Variant) -> tuple[float, float]:
        measured = measure_latency(variant, target, Settings(cap_seconds=_TIMED_SECONDS))
        by_metric = {measurement.metric: measurement for measurement in measured}
        timed, base = by_metric["latency_wall_ms"], by_metric["latency_base_wall_ms"]
        middle = median_interval(kept(base)).value
        return middle * math.exp(median_interval(kept_ratios(timed, base)).value), middle

    return price


def nearest(price: Callable[[float], Trial], precision: float, *, exact: bool = True) -> Trial:
    """The width whose cost comes nearest to the target, by bisection, every other time at the interpolated point.

    Args:
        price: tries a width.
        precision: how near, as a share of the target, is near enough to stop.
        exact: whether the costs are counted; measured ones may waver, so that they need not rise with the width.

    Raises:
        ValueError: no width within reach costs more, or less, than the target; or the cost falls as the width rises.
    """
    trials = [price(1.0)]
    low, high = _bracket(price, trials, precision)
    share = 0.0
    while (
        _far(trials, precision)
        and high.width / low.width > 1 + _FINEST
        and len(trials) < MOST_TRIALS
    ):
        # the point where a straight line meets the target, in turn with the middle: one end may stand still for long
        straight = min(max(-low.above / (high.above - low.above), 0.02), 0.98)
        share = straight if share in {0.0, 0.5} else 0.5
        middle = price(_written(low.width ** (1 - share) * high.width**share))
        if exact and not low.cost <= middle.cost <= high.cost:
            raise ValueError(
                f"the cost does not rise with the width between {low.width:.4g} and {high.width:.4g}"
            )
        trials.append(middle)
        low, high = (middle, high) if middle.above < 0 else (low, middle)
    return min(trials, key=lambda trial: abs(trial.above))


def _bracket(
    price: Callable[[float], Trial], trials: list[Trial], precision: float
) -> tuple[Trial, Trial]:
    """A width that costs less and one that costs more; what is tried on the way joins `trials`."""
    last, slope = trials[0], 2.0  # of log cost over log width: a convolution's
    while _far(trials, precision) and (last.above < 0) == (trials[0].above < 0):
        if last.width in _WIDTHS:
            word = "more" if last.above < 0 else "less"
            raise ValueError(
                f"no width costs {word}: at width {last.width:g} it is still {last.cost:,.4g}"
            )
        width = math.exp(math.log(last.width) - 1.1 * last.above / slope)
        before, last = last, price(_written(min(max(width, _WIDTHS[0]), _WIDTHS[1])))
        trials.append(last)
        slope = max((last.above - before.above) / math.log(last.width / before.width), 0.2)
    if len(trials) == 1:
        return last, last
    return (before, last) if before.width < last.width else (last, before)


def _written(width: float) -> float:
    """The width with as many digits as are shown and kept."""
    return float(f"{width:.6g}")


def _far(trials: list[Trial], precision: float) -> bool:
    return all(abs(trial.above) > precision for trial in trials)


def _solve(variant: Variant, match: Match, library: Library, price: Price) -> Solution:
    counted = match.metric != "latency"

    def trial(width: float) -> Trial:
        try:
            cost, target = price(replace(library.scaled(variant, width), match=None))
        except SpecError as error:
            raise SpecError.single(
                match.mark, "E312", f"{variant.name} at width {width:.4g}: {error}"
            ) from error
        return Trial(width, cost, target)

    try:
        precision = match.tolerance / (10 if counted else 2)
        solution = nearest(trial, precision, exact=counted)
    except ValueError as error:
        if isinstance(error, SpecError):
            raise
        message = f"{variant.name} cannot be matched to the {match.metric} of {match.to}: {error}"
        raise SpecError.single(match.mark, "E312", message) from error
    unit = {"flops": "GMACs", "params": "parameters", "latency": "ms"}[match.metric]
    where = "" if counted else str(machine.describe()["class"])
    return Solution(solution.width, solution.cost, solution.target, unit, where)


def _count(variant: Variant, metric: str) -> float:
    from suite.metrics.cost.flops import count
    from suite.metrics.cost.forms import build_forms, parameter_total

    model = build_forms(variant).deployed
    if metric == "params":
        return float(parameter_total(model))
    return count(model, "deployed", IMAGE_SIZE).samples[0]


def _pinned(
    variant: Variant, target: Variant, path: Path, solve: Callable[[], Solution]
) -> Solution:
    """What the file at `path` has for this pair of networks on this machine; else what `solve` finds, kept there."""
    here = machine.describe()["class"]
    key = digest({"variant": variant.architecture, "target": target.fingerprint, "machine": here})
    pins = _read(path)
    if key not in pins:
        pins[key] = {"variant": variant.name, "to": target.name, **asdict(solve())}
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(json.dumps(pins, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        temporary.replace(path)
    return Solution(**{field.name: pins[key][field.name] for field in fields(Solution)})


def _read(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    try:
        pins: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        hint = "delete it, and the widths are measured again"
        raise SpecError.single(
            Mark(str(path), 1, 1), "E312", f"holds no widths: {error}", hint=hint
        ) from error
    return pins
