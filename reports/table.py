"""The comparison table: columns in groups, one row per variant, every cell with what it sorts by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports.model import Judged, Report, Row, Setup
from reports.run.latency import milliseconds
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
    shown = [
        Column(
            "state", "Trains", "", "AP50 as a share of the base's", lambda row: _state(report, row)
        ),
        *_accuracy("ap", "AP", ""),
        *_accuracy("ap50", "AP50", ""),
        Column("seeds", "Seeds", "", "training runs with a result", _seeds),
        Column(
            "start",
            "Start",
            "",
            "what training began with: share of the parameters from weights",
            _start,
        ),
        Column(
            "params", "Params", "", "as deployed; exact", lambda row: _exact(report, row, "params")
        ),
        Column(
            "gmacs",
            "GMACs",
            "",
            "as deployed, torch's counter; exact",
            lambda row: _exact(report, row, "gmacs"),
        ),
    ]
    for position, setup in enumerate(report.plain_setups):
        shown += _latency(report, setup, suffix="" if position == 0 else f":{setup.key}")
    return (*shown, *_hidden())


def judged_cell(found: Judged | None, *, ratio: bool) -> Cell:
    """A comparison: mark and colour if the verdict is settled, else ≈."""
    if found is None:
        return Cell()
    estimate = found.estimate
    call = CALLS[found.verdict.word]
    mark = MARKS[call]
    text = (
        f"×{number(estimate.value, _places(estimate.value))}" if ratio else signed(estimate.value)
    )
    return Cell(
        f"{mark} {text}",
        interval(estimate, ratio=ratio),
        estimate.value,
        call,
        found.verdict.sentence,
    )


def interval(estimate: Estimate, *, ratio: bool) -> str:
    """The bounds as a reader writes them; `±?` where there are too few units for any, `*` where they hold no seeds."""
    if estimate.high == float("inf"):
        return "±?"
    if ratio:
        digits = _places(estimate.value)
        return f"{number(estimate.low, digits)} to {number(estimate.high, digits)}"
    seedless = "*" if estimate.basis == "pictures" else ""
    return f"{signed(estimate.low)} to {signed(estimate.high)}{seedless}"


def _places(ratio: float) -> int:
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
    return (
        (f"▲ {signed_percent(apart)}", "better")
        if apart < 0
        else (f"▼ {signed_percent(apart)}", "worse")
    )


def _state(report: Report, row: Row) -> Cell:
    mean = row.mean("ap50")
    base = report.row(row.baseline)
    reference = base.mean("ap50") if base else None
    share = (
        f"{mean / reference:.0%} of base"
        if mean is not None and reference and row.state != "unknown"
        else ""
    )
    call = {"broken": "bad", "failed": "bad", "suspect": "worse"}.get(row.state, "")
    return Cell(STATES[row.state], share, STATES[row.state], call)


def _seeds(row: Row) -> Cell:
    planned = sum(job.kind == "train" for job in row.jobs)
    done = len(row.seeds("ap"))
    return (
        Cell(str(done) if done == planned else f"{done} of {planned}", "", done)
        if planned
        else Cell()
    )


def _start(row: Row) -> Cell:
    if row.loaded is None:
        return Cell()
    return Cell(
        f"{100 * row.loaded:.0f} % loaded" if row.loaded else "scratch", weights_of(row), row.loaded
    )


def _accuracy(metric: str, title: str, group: str) -> list[Column]:
    def mean(row: Row) -> Cell:
        values = row.seeds(metric)
        if not values:
            return Cell()
        middle = sum(values) / len(values)
        spread = f"{number(min(values))} to {number(max(values))}" if len(values) > 1 else "1 seed"
        return Cell(number(middle), spread, middle)

    def difference(row: Row) -> Cell:
        return judged_cell(row.judged.get(metric), ratio=False)

    return [
        Column(metric, title, group, "mean of the seeds; below, their lowest and highest", mean),
        Column(
            f"d{metric}",
            f"Δ {title}",
            group,
            "against the base, with the plain 95 % interval",
            difference,
        ),
    ]


def _exact(report: Report, row: Row, metric: str) -> Cell:
    value = row.exact(metric)
    base = report.row(row.baseline)
    words, call = relative(
        value, base.exact(metric) if base else None, floor=report.rules.cost_floor
    )
    text = (
        compact(value)
        if metric == "params"
        else number(value, 4 if value is not None and value < 1 else 3)
    )
    return Cell(text, words, value, below=call) if value is not None else Cell()


def _latency(report: Report, setup: Setup, *, suffix: str) -> list[Column]:
    place = setup.title if suffix else ""

    def against(clock: str) -> Callable[[Row], Cell]:
        return lambda row: judged_cell(row.judged.get(f"{clock}:{setup.key}"), ratio=True)

    def absolute(row: Row) -> Cell:
        times = milliseconds(row, report.rows, setup, "wall")
        if not times:
            return Cell()
        middle = median_interval(times)
        return Cell(
            number(middle.value, 2),
            f"{number(middle.low, 2)} to {number(middle.high, 2)}",
            middle.value,
        )

    here = f"{setup.title}, as deployed"
    found = [
        Column(
            f"latency{suffix}",
            f"Latency {place}".strip(),
            "",
            f"wall time over the base's; {here}",
            against("wall"),
        ),
        Column(
            f"cpu{suffix}",
            f"CPU time {place}".strip(),
            "",
            f"CPU time over the base's; {here}",
            against("cpu"),
        ),
        Column(
            f"ms{suffix}",
            f"ms {place}".strip(),
            "",
            f"median wall milliseconds a picture; {here}",
            absolute,
        ),
    ]
    return [column for column in found if not (setup.gpu and column.key.startswith("cpu"))]


def _hidden() -> list[Column]:
    def plain(metric: str, form: str, digits: int) -> Callable[[Row], Cell]:
        def cell(row: Row) -> Cell:
            item = next(
                iter(row.find(metric, "deployed" if form == "deployed" else "trained")), None
            )
            value = item.measurement.samples[0] if item and item.measurement.samples else None
            return Cell(compact(value) if digits == 0 else number(value, digits), "", value)

        return cell

    accuracy = [
        ("ap75", "AP75"), ("ap_small", "AP small"), ("ap_medium", "AP medium"), ("ap_large", "AP large"),
        ("ar_1", "AR 1"), ("ar_10", "AR 10"), ("ar_100", "AR 100"),
    ]  # fmt: skip
    trained = [
        ("params", "Params trained", 0), ("params_live", "Params live", 0), ("gmacs", "GMACs trained", 4),
        ("gmacs_fvcore", "fvcore", 4), ("gmacs_thop", "thop", 4),
    ]  # fmt: skip
    return [
        *(_accuracy(metric, title, "accuracy")[0] for metric, title in accuracy),
        *(Column(m if m not in {"params", "gmacs"} else f"{m}_trained", title, "trained", "as trained; exact",
                 plain(m, "trained", digits)) for m, title, digits in trained),
        Column("train_s", "Training s", "training", "seconds of training, mean of the seeds", _mean_seconds),
        Column("loss", "Last loss", "training", "mean of the last tenth of the steps, mean of the seeds", _last_loss),
        Column("strides", "Strides", "about", "of the head's levels, in pixels", _strides),
        Column("paper", "Paper", "about", "where the idea is from", lambda row: _text(row.record.paper)),
        Column("print", "Fingerprint", "about", "of the resolved network", _fingerprint),
    ]  # fmt: skip


def _mean_seconds(row: Row) -> Cell:
    mean = row.mean("train_seconds")
    return Cell(number(mean, 1), "", mean) if mean is not None else Cell()


def _last_loss(row: Row) -> Cell:
    ends = [
        _tail(item.measurement.samples)
        for item in row.find("loss_curve")
        if item.measurement.samples
    ]
    mean = sum(ends) / len(ends) if ends else None
    return Cell(number(mean), "", mean) if mean is not None else Cell()


def _tail(samples: Sequence[float]) -> float:
    last = samples[-max(len(samples) // 10, 1) :]
    return sum(last) / len(last)


def _strides(row: Row) -> Cell:
    return _text(", ".join(str(stride) for stride in row.record.strides))


def _fingerprint(row: Row) -> Cell:
    return _text(row.record.fingerprint[:10])


def _text(text: str) -> Cell:
    return Cell(text or UNKNOWN, "", text)
