"""The comparison table: columns in groups, one row per variant, every cell with what it sorts by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from reports.model import Judged, Report, Row, Setup
from reports.run.latency import clocks_of, milliseconds
from reports.start import weights_of
from reports.words import (
    CALLS,
    MARKS,
    UNKNOWN,
    compact,
    number,
    percent_apart,
    signed,
    signed_percent,
)
from suite.stats.intervals import Estimate, median_interval

STATES = {
    "trains": "trains",
    "suspect": "suspect",
    "broken": "✕ broken",
    "failed": "✕ failed",
    "unknown": "? base untrained",
    "untrained": "not trained",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows: the value, what stands small beside it, its colour (a `Call`, `bad`, or "")."""

    text: str = UNKNOWN
    sub: str = ""
    sort: float | str | None = None
    call: str = ""
    tip: str = ""
    below: str = ""  # the colour of `sub`


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `key` is its name in filters, `group` the set it is shown and hidden with."""

    key: str
    title: str
    group: str
    hint: str
    cell: Callable[[Row], Cell]


GROUPS = {
    "accuracy": "AP by size, recall",
    "trained": "as trained, other counters",
    "training": "training",
    "about": "paper, strides, fingerprint",
}


def columns(report: Report) -> tuple[Column, ...]:
    """The columns of this run: those that are always shown first, then the groups."""
    counted = "as deployed, torch's counter; exact"
    loaded = "what training began with: share of the parameters from weights"
    shown = [
        Column("state", "Trains", "", "AP50 as a share of the base's", partial(_state, report)),
        *_accuracy("ap", "AP", ""),
        *_accuracy("ap50", "AP50", ""),
        Column("seeds", "Seeds", "", "training runs with a result", _seeds),
        Column("start", "Start", "", loaded, _start),
        Column("params", "Params", "", "as deployed; exact", partial(_exact, report, "params")),
        Column("gmacs", "GMACs", "", counted, partial(_exact, report, "gmacs")),
    ]
    for position, setup in enumerate(report.plain_setups):
        shown += _latency(report, setup, suffix="" if position == 0 else f":{setup.key}")
    return (*shown, *_hidden())


def judged_cell(judged: Judged | None, *, ratio: bool) -> Cell:
    """A comparison: mark and colour if the verdict is settled, else ≈."""
    if judged is None:
        return Cell()
    value, call = judged.estimate.value, CALLS[judged.verdict.word]
    text = f"×{number(value, _digits(value))}" if ratio else signed(value)
    bounds = interval(judged.deciding, ratio=ratio)
    return Cell(f"{MARKS[call]} {text}", bounds, value, call, judged.verdict.sentence)


def interval(estimate: Estimate, *, ratio: bool) -> str:
    """The bounds as a reader writes them; `±?` where there are too few units for any, `*` where they hold no seeds."""
    if estimate.high == float("inf"):
        return "±?"
    if ratio:
        digits = _digits(estimate.value)
        return f"{number(estimate.low, digits)} to {number(estimate.high, digits)}"
    seedless = "*" if estimate.basis == "pictures" else ""
    return f"{signed(estimate.low)} to {signed(estimate.high)}{seedless}"


def _digits(ratio: float) -> int:
    """Digits of a ratio: the nearer to 1, the more of them matter."""
    return 3 if abs(ratio - 1) < 0.1 else 2


def relative(value: float | None, base: float | None, *, floor: float) -> tuple[str, str]:
    """How an exact cost differs from the base's: the words, and the colour where it is more than `floor`."""
    apart = percent_apart(value, base)
    if apart is None:
        return "", ""
    if value == base:
        return "= base", ""
    if abs(apart) < floor:
        return signed_percent(apart, 3), ""
    if apart < 0:
        return f"▲ {signed_percent(apart)}", "better"
    return f"▼ {signed_percent(apart)}", "worse"


def _state(report: Report, row: Row) -> Cell:
    call = {"broken": "bad", "failed": "bad", "suspect": "worse"}.get(row.state, "")
    return Cell(STATES[row.state], _share_of_base(report, row), STATES[row.state], call)


def _share_of_base(report: Report, row: Row) -> str:
    """AP50 as a share of the base's; "" where either is unknown."""
    mean = row.mean("ap50")
    base = report.row(row.baseline)
    reference = base.mean("ap50") if base else None
    if mean is None or not reference or row.state == "unknown":
        return ""
    return f"{mean / reference:.0%} of base"


def _seeds(row: Row) -> Cell:
    planned = sum(job.kind == "train" for job in row.jobs)
    done = len(row.seeds("ap"))
    if not planned:
        return Cell()
    return Cell(str(done) if done == planned else f"{done} of {planned}", "", done)


def _start(row: Row) -> Cell:
    if row.loaded is None:
        return Cell()
    text = f"{100 * row.loaded:.0f} % loaded" if row.loaded else "scratch"
    return Cell(text, weights_of(row), row.loaded)


def _accuracy(metric: str, title: str, group: str) -> list[Column]:
    """The mean of the seeds, and the difference to the base."""
    seeds = "mean of the seeds; below, their lowest and highest"
    apart = "against the base, with the interval that decides"
    return [
        Column(metric, title, group, seeds, partial(_mean_of_seeds, metric)),
        Column(f"d{metric}", f"Δ {title}", group, apart, partial(_judged, metric, ratio=False)),
    ]


def _mean_of_seeds(metric: str, row: Row) -> Cell:
    values = row.seeds(metric)
    if not values:
        return Cell()
    mean = sum(values) / len(values)
    spread = f"{number(min(values))} to {number(max(values))}" if len(values) > 1 else "1 seed"
    return Cell(number(mean), spread, mean)


def _judged(key: str, row: Row, *, ratio: bool) -> Cell:
    return judged_cell(row.judged.get(key), ratio=ratio)


def over_base(report: Report, row: Row, metric: str) -> tuple[str, str]:
    """How an exact cost of a variant differs from its base's, as `relative` says it."""
    base = report.row(row.baseline)
    reference = base.exact(metric) if base else None
    return relative(row.exact(metric), reference, floor=report.rules.cost_floor)


def _exact(report: Report, metric: str, row: Row) -> Cell:
    value = row.exact(metric)
    if value is None:
        return Cell()
    change, call = over_base(report, row, metric)
    if metric == "params":
        return Cell(compact(value), change, value, below=call)
    return Cell(number(value, 4 if value < 1 else 3), change, value, below=call)


def _latency(report: Report, setup: Setup, *, suffix: str) -> list[Column]:
    """Ratios of wall and CPU time, and milliseconds; the processor's time says nothing of a GPU."""
    where = setup.title if suffix else ""
    how = f"{setup.title}, as deployed"
    ratios = [
        ("wall", "latency", "Latency", "wall time over the base's"),
        ("cpu", "cpu", "CPU time", "CPU time over the base's"),
    ]
    shown = [
        Column(
            f"{name}{suffix}",
            f"{title} {where}".strip(),
            "",
            f"{what}; {how}",
            partial(_judged, f"{clock}:{setup.key}", ratio=True),
        )
        for clock, name, title, what in ratios
        if clock in clocks_of(setup)
    ]
    hint = f"median wall milliseconds a picture; {how}"
    median = partial(_milliseconds, report, setup)
    return [*shown, Column(f"ms{suffix}", f"ms {where}".strip(), "", hint, median)]


def _milliseconds(report: Report, setup: Setup, row: Row) -> Cell:
    times = milliseconds(row, report.rows, setup, "wall")
    if not times:
        return Cell()
    median = median_interval(times)
    bounds = f"{number(median.low, 2)} to {number(median.high, 2)}"
    return Cell(number(median.value, 2), bounds, median.value)


_ACCURACY = (
    ("ap75", "AP75"),
    ("ap_small", "AP small"),
    ("ap_medium", "AP medium"),
    ("ap_large", "AP large"),
    ("ar_1", "AR 1"),
    ("ar_10", "AR 10"),
    ("ar_100", "AR 100"),
)
_TRAINED = (
    ("params_trained", "params", "Params trained", 0),
    ("params_live", "params_live", "Params live", 0),
    ("gmacs_trained", "gmacs", "GMACs trained", 4),
    ("gmacs_fvcore", "gmacs_fvcore", "fvcore", 4),
    ("gmacs_thop", "gmacs_thop", "thop", 4),
)
"""Key, metric, title and digits of what is counted as trained."""


def _hidden() -> list[Column]:
    """The groups that are shown on demand."""
    last = "mean of the last tenth of the steps, mean of the seeds"
    return [
        *(_accuracy(metric, title, "accuracy")[0] for metric, title in _ACCURACY),
        *(
            Column(key, title, "trained", "as trained; exact", partial(_trained, metric, digits))
            for key, metric, title, digits in _TRAINED
        ),
        Column(
            "train_s",
            "Training s",
            "training",
            "seconds of training, mean of the seeds",
            _mean_seconds,
        ),
        Column("loss", "Last loss", "training", last, _last_loss),
        Column("strides", "Strides", "about", "of the head's levels, in pixels", _strides),
        Column("paper", "Paper", "about", "where the idea is from", _paper),
        Column("print", "Fingerprint", "about", "of the resolved network", _fingerprint),
    ]


def _trained(metric: str, digits: int, row: Row) -> Cell:
    value = row.exact(metric, "trained")
    return Cell(compact(value) if digits == 0 else number(value, digits), "", value)


def _mean_seconds(row: Row) -> Cell:
    mean = row.mean("train_seconds")
    return Cell(number(mean, 1), "", mean) if mean is not None else Cell()


def _last_loss(row: Row) -> Cell:
    curves = [item.measurement.samples for item in row.find("loss_curve")]
    ends = [_tail(samples) for samples in curves if samples]
    if not ends:
        return Cell()
    mean = sum(ends) / len(ends)
    return Cell(number(mean), "", mean)


def _tail(samples: Sequence[float]) -> float:
    last = samples[-max(len(samples) // 10, 1) :]
    return sum(last) / len(last)


def _paper(row: Row) -> Cell:
    return _text(row.record.paper)


def _strides(row: Row) -> Cell:
    return _text(", ".join(str(stride) for stride in row.record.strides))


def _fingerprint(row: Row) -> Cell:
    return _text(row.record.fingerprint[:10])


def _text(text: str) -> Cell:
    return Cell(text or UNKNOWN, "", text)
