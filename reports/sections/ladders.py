"""Ladders: what each step adds to the one below it, and what it costs."""

from reports.figures.marks import Mark
from reports.figures.steps import Rung, draw
from reports.model import Judged, Report
from reports.run.headline import PRIMARY
from reports.run.ladder import Ladder, Step, ladders
from reports.section import Section
from reports.sections.tradeoffs import mark_of
from reports.table import interval
from reports.words import CALLS, MARKS, UNKNOWN, counted, number, signed, signed_percent

_ID, _TITLE = "ladders", "Step by step"


def build(report: Report) -> Section:
    """A figure and a table for each ladder."""
    found = ladders(report)
    if not found:
        return Section(
            _ID,
            _TITLE,
            "Ladders",
            missing="This run holds no ladder (a file with `design: ladder`).",
        )
    return Section(
        _ID,
        _TITLE,
        "Ladders",
        "From top to bottom, each step on the one above it. A bar is what the step alone changes, its line the plain "
        "95 % interval of that change (the seeds, where they are too few for one). Hatched and hollow: side branches, "
        "on which nothing stands. ▲ better, ▼ worse, = equivalent, ≈ cannot tell.",
        {"ladders": [_content(ladder, position) for position, ladder in enumerate(found)]},
    )


def _content(ladder: Ladder, position: int) -> dict[str, object]:
    figure = draw(
        [_rung(step) for step in ladder.steps],
        name=f"l-{position}",
        titles=("AP, mean of the seeds", "GFLOPs as deployed"),
        label=_label(ladder),
    )
    return {
        "title": ladder.title or ladder.name,
        "figure": figure,
        "lines": [_line(step) for step in ladder.steps],
    }


def _label(ladder: Ladder) -> str:
    values = [
        value
        for step in ladder.steps
        if not step.side and (value := step.row.mean(PRIMARY)) is not None
    ]
    reach = (
        f"AP from {number(values[0])} at the bottom to {number(values[-1])}"
        if values
        else "no AP was measured"
    )
    return f"Ladder of {counted(len(ladder.steps), 'step')}: {reach}; every number is in the table below it"


def _judged(step: Step) -> Judged | None:
    return step.row.judged.get(PRIMARY) if step.below else None


def _rung(step: Step) -> Rung:
    row, found = step.row, _judged(step)
    values = row.seeds(PRIMARY)
    value = row.mean(PRIMARY)
    below = step.below.mean(PRIMARY) if step.below else None
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    if found and below is not None and found.estimate.high != float("inf"):
        low, high = below + found.estimate.low, below + found.estimate.high
    cost = _gflops(step)
    mark: Mark = "base" if step.below is None else mark_of(row)
    return Rung(
        label=step.name,
        variant=row.name,
        value=value,
        below=below,
        low=low,
        high=high,
        mark=mark,
        told="  ".join(
            part
            for part in (number(value) if value is not None else row.state, _change(step))
            if part
        ),
        cost=cost,
        cost_told="" if cost is None else number(cost, 3 if cost < 10 else 1),
        tip=_tip(step),
        side=step.side,
    )


def _change(step: Step) -> str:
    """The difference to the step below: with its verdict where there is one, bare where nothing is judged."""
    found = _judged(step)
    if found:
        return f"{MARKS[CALLS[found.verdict.word]]} {signed(found.estimate.value)}"
    value, below = step.row.mean(PRIMARY), step.below.mean(PRIMARY) if step.below else None
    return "" if value is None or below is None else signed(value - below)


def _tip(step: Step) -> str:
    found, below = _judged(step), step.below
    lines = [
        f"{step.row.name}: AP {number(step.row.mean(PRIMARY))}, {number(_gflops(step))} GFLOPs"
    ]
    if found and below:
        words = f"{signed(found.estimate.value)} ({interval(found.estimate, ratio=False)})"
        lines.append(f"{words} from {below.name}: {found.verdict.word}")
    return "\n".join(lines)


def _gflops(step: Step) -> float | None:
    gmacs = step.row.exact("gmacs")
    return None if gmacs is None else 2 * gmacs


def _line(step: Step) -> dict[str, object]:
    found, cost = _judged(step), _gflops(step)
    base = 2 * gmacs if step.below and (gmacs := step.below.exact("gmacs")) else None
    return {
        "step": step,
        "ap": number(step.row.mean(PRIMARY)),
        "change": _change(step) or UNKNOWN,
        "interval": interval(found.estimate, ratio=False) if found else "",
        "call": CALLS[found.verdict.word] if found else "",
        "gflops": number(cost),
        "apart": signed_percent(cost / base - 1) if cost is not None and base else UNKNOWN,
    }
