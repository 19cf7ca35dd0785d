"""The same numbers for programs: a tidy CSV, and a Markdown table for an issue or a README."""

import csv
import io
from collections.abc import Iterator, Mapping

from reports.model import Report, Row
from reports.run import headline
from reports.run.judge import ACCURACY
from reports.run.latency import clocks_of, milliseconds
from reports.table import Cell, columns
from suite.stats.intervals import Basis, Estimate, median_interval

_FIELDS = (
    "run", "variant", "baseline", "metric", "form", "setup", "unit", "statistic", "n", "value", "low", "high",
    "interval", "verdict",
)  # fmt: skip
_EXACT = ("params", "params_live", "gmacs", "gmacs_fvcore", "gmacs_thop")

_INTERVALS: Mapping[Basis, str] = {
    "seeds": "95 % (Welch over seeds)",
    "pictures and seeds": "95 % (Welch over seeds and test pictures)",
    "pictures": "95 % (test pictures alone)",
}

Line = dict[str, object]


def csv_text(report: Report) -> str:
    """One line per variant, metric and statistic; `n` counts seeds, rounds or processes; unknown bounds are empty."""
    target = io.StringIO()
    writer = csv.DictWriter(target, _FIELDS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in report.rows:
        for line in _lines(report, row):
            units = {
                "run": report.run.id,
                "variant": _inert(row.name),
                "baseline": _inert(row.baseline),
            }
            writer.writerow({**units, **line})
    return target.getvalue()


def markdown_text(report: Report) -> str:
    """The title, the sentences under it, and the table's main columns."""
    shown = [column for column in columns(report) if not column.group]
    lines = [
        f"# {_escaped(headline.title(report))}",
        "",
        *(f"{_escaped(sentence)}\n" for sentence in headline.sentences(report)),
        f"{_escaped(headline.certificate(report))}\n",
        "| Variant | " + " | ".join(column.title for column in shown) + " |",
        "|---|" + "---:|" * len(shown),
        *(
            f"| {_escaped(row.name)} | "
            + " | ".join(_escaped(_words(column.cell(row))) for column in shown)
            + " |"
            for row in report.rows
        ),
    ]
    return "\n".join(lines) + "\n"


def _lines(report: Report, row: Row) -> Iterator[Line]:
    for metric in _EXACT:
        for item in row.find(metric):
            for value in item.measurement.samples:
                bounds = {"value": value, "low": value, "high": value, "interval": "exact"}
                yield {"metric": metric, "form": item.measurement.form, "unit": item.measurement.unit,
                       "statistic": "exact", "n": 1, **bounds}  # fmt: skip
    if row.loaded is not None:
        yield {"metric": "start", "statistic": "share of parameters from weights", "n": len(row.starts),
               "value": row.loaded}  # fmt: skip
    for metric in (*ACCURACY, "train_seconds"):
        values = row.seeds(metric)
        if values:
            yield {"metric": metric, "unit": "s" if metric == "train_seconds" else "", "statistic": "mean of seeds",
                   "n": len(values), "value": sum(values) / len(values), "low": min(values), "high": max(values),
                   "interval": "range of seeds"}  # fmt: skip
    for metric in ACCURACY:
        if metric in row.judged:
            found = row.judged[metric]
            yield {"metric": metric, "statistic": "difference to baseline",
                   "interval": _INTERVALS[found.estimate.basis], **_estimate(found.estimate),
                   "verdict": found.verdict.word}  # fmt: skip
    yield from _timings(report, row)


def _timings(report: Report, row: Row) -> Iterator[Line]:
    for setup in report.setups:
        for clock in clocks_of(setup):
            place: Line = {"metric": f"latency_{clock}_ms", "form": "deployed", "setup": setup.key}
            times = milliseconds(row, report.rows, setup, clock)
            if times:
                yield {**place, "unit": "ms", "statistic": "median of rounds",
                       "interval": "95 % (order statistics)", **_estimate(median_interval(times))}  # fmt: skip
            found = row.judged.get(f"{clock}:{setup.key}")
            if found:
                yield {**place, "statistic": "ratio to baseline", "interval": "95 % (Student over processes)",
                       **_estimate(found.estimate), "verdict": found.verdict.word}  # fmt: skip


def _estimate(estimate: Estimate) -> Line:
    bounded = estimate.high != float("inf")
    return {
        "n": estimate.n,
        "value": estimate.value,
        "low": estimate.low if bounded else "",
        "high": estimate.high if bounded else "",
    }


def _words(cell: Cell) -> str:
    return f"{cell.text} ({cell.sub})" if cell.sub else cell.text


def _escaped(text: str) -> str:
    for special in "\\`*_[]<>|":
        text = text.replace(special, f"\\{special}")
    return " ".join(text.split())


def _inert(text: str) -> str:
    """A spreadsheet runs a cell that begins like a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text
