"""Ladders: what each step adds to the one below it, and what it costs."""

from dataclasses import dataclass

from markupsafe import Markup

from reports.figures.steps import Rung, draw
from reports.model import Judged, Report
from reports.run.calls import PRIMARY, accuracy_mark
from reports.run.ladder import Ladder, Step, ladders
from reports.section import Section
from reports.table import interval
from reports.words import CALLS, MARKS, UNKNOWN, counted, number, signed, signed_percent

_ID, _TITLE = "ladders", "Step by step"


@dataclass(frozen=True, slots=True)
class Line:
    """One step as the table shows it."""

    step: Step
    below: str
    ap: str
    change: str
    interval: str
    call: str
    gflops: str
    apart: str


def build(report: Report) -> Section:
    """A figure and a table for each ladder."""
    every = ladders(report)
    if not every:
        missing = "This run holds no ladder (a file with `design: ladder`)."
        return Section(_ID, _TITLE, "Ladders", missing=missing)
    return Section(
        _ID,
        _TITLE,
        "Ladders",
        "From top to bottom, each step on the one above it. A bar is what the step alone changes, its line the "
        "interval of that change that decides, thicker as far as the plain 95 % one goes (the seeds, where they are "
        "too few for one). Hatched and hollow: side branches, "
        "on which nothing stands. ▲ better, ▼ worse, = equivalent, ≈ cannot tell.",
        {"ladders": [_content(ladder, position) for position, ladder in enumerate(every)]},
    )


def _content(ladder: Ladder, position: int) -> dict[str, object]:
    return {
        "title": ladder.title or ladder.name,
        "figure": _figure(ladder, position),
        "lines": [_line(step) for step in ladder.steps],
    }


def _figure(ladder: Ladder, position: int) -> Markup:
    return draw(
        [_rung(step) for step in ladder.steps],
        name=f"l-{position}",
        titles=("AP, mean of the seeds", "GFLOPs as deployed"),
        label=_label(ladder),
    )


def _label(ladder: Ladder) -> str:
    means = [step.row.mean(PRIMARY) for step in ladder.steps if not step.side]
    values = [value for value in means if value is not None]
    reach = "no AP was measured"
    if values:
        reach = f"AP from {number(values[0])} at the bottom to {number(values[-1])}"
    steps = counted(len(ladder.steps), "step")
    return f"Ladder of {steps}: {reach}; every number is in the table below it"


def _judged(step: Step) -> Judged | None:
    return step.row.judged.get(PRIMARY) if step.below else None


def _rung(step: Step) -> Rung:
    row = step.row
    value, below = row.mean(PRIMARY), _mean_below(step)
    low, high, core = _bounds(step, below)
    reached = number(value) if value is not None else row.state
    cost = _gflops(step)
    cost_text = ""
    if cost is not None:
        cost_text = number(cost, 3 if cost < 10 else 1)
    return Rung(
        label=step.name,
        variant=row.name,
        value=value,
        below=below,
        low=low,
        high=high,
        core=core,
        mark="base" if step.below is None else accuracy_mark(row),
        text="  ".join(part for part in (reached, _change(step)) if part),
        cost=cost,
        cost_text=cost_text,
        tip=_tip(step),
        side=step.side,
    )


def _mean_below(step: Step) -> float | None:
    """The AP of what a step stands on."""
    return step.below.mean(PRIMARY) if step.below else None


def _bounds(step: Step, below: float | None) -> tuple[float, float, tuple[float, float] | None]:
    """Of the value: by the interval of the difference to the step below, that which decides and its plain core.

    Or else the lowest and highest seed, without a core.
    """
    judged = _judged(step)
    if judged and below is not None and judged.estimate.high != float("inf"):
        core = (below + judged.estimate.low, below + judged.estimate.high)
        return below + judged.deciding.low, below + judged.deciding.high, core
    seeds = step.row.seeds(PRIMARY)
    return (min(seeds), max(seeds), None) if seeds else (0.0, 0.0, None)


def _change(step: Step) -> str:
    """The difference to the step below: with its verdict where there is one, bare where nothing is judged."""
    judged = _judged(step)
    if judged:
        return f"{MARKS[CALLS[judged.verdict.word]]} {signed(judged.estimate.value)}"
    value, below = step.row.mean(PRIMARY), _mean_below(step)
    return "" if value is None or below is None else signed(value - below)


def _tip(step: Step) -> str:
    judged, below = _judged(step), step.below
    lines = [
        f"{step.row.name}: AP {number(step.row.mean(PRIMARY))}, {number(_gflops(step))} GFLOPs"
    ]
    if judged and below:
        change = f"{signed(judged.estimate.value)} ({interval(judged.deciding, ratio=False)})"
        lines.append(f"{change} from {below.name}: {judged.verdict.word}")
    return "\n".join(lines)


def _gflops(step: Step) -> float | None:
    gmacs = step.row.exact("gmacs")
    return None if gmacs is None else 2 * gmacs


def _line(step: Step) -> Line:
    judged, cost = _judged(step), _gflops(step)
    base = step.below.exact("gmacs") if step.below else None
    apart = UNKNOWN
    if cost is not None and base:
        apart = signed_percent(cost / (2 * base) - 1)
    return Line(
        step,
        step.below.name if step.below else "",
        number(step.row.mean(PRIMARY)),
        _change(step) or UNKNOWN,
        interval(judged.deciding, ratio=False) if judged else "",
        CALLS[judged.verdict.word] if judged else "",
        number(cost),
        apart,
    )
