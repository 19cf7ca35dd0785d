"""A run's numbers for programs and papers: tidy CSV, and the comparison table as Markdown and LaTeX."""

from collections.abc import Iterator, Mapping

import pandas as pd

from reports.model import Item, Report, Row, Setup
from reports.run import headline
from reports.run.judge import ACCURACY
from reports.run.latency import clocks_of, milliseconds
from reports.table import Cell, columns
from suite.stats.intervals import Basis, Estimate, median_interval

_COLUMNS = (
    "run",
    "variant",
    "baseline",
    "metric",
    "form",
    "setup",
    "unit",
    "statistic",
    "n",
    "value",
    "low",
    "high",
    "interval",
    "verdict",
)
_EXACT = ("params", "params_live", "gmacs", "gmacs_fvcore", "gmacs_thop")
_INTERVALS: Mapping[Basis, str] = {
    "seeds": "95 % (Welch over seeds)",
    "pictures and seeds": "95 % (Welch over seeds and test pictures)",
    "pictures": "95 % (test pictures alone)",
}
_LATEX = {
    "▲": r"$\blacktriangle$",
    "▼": r"$\blacktriangledown$",
    "≈": r"$\approx$",
    "Δ": r"$\Delta$",
    "×": r"$\times$",
    "✕": r"$\times$",
    "±": r"$\pm$",
    "∞": r"$\infty$",
    "−": "$-$",
    "–": "--",
}
"""What stands in pdfLaTeX for the signs of the table; the triangles are of `amssymb`."""

Line = dict[str, object]


def tidy(report: Report) -> pd.DataFrame:
    """One row per variant, metric and statistic; `n` counts seeds, rounds or processes; unknown bounds are NA.

    Cells keep the type that was measured (counts stay whole), so that they are written as they were.
    """
    lines = []
    for row in report.rows:
        units = {"run": report.run.id, "variant": row.name, "baseline": row.baseline}
        lines += [{**units, **line} for line in _lines(report, row)]
    return pd.DataFrame(lines, columns=_COLUMNS, dtype=object)


def comparison(report: Report) -> pd.DataFrame:
    """The main columns of the comparison table, as text: a row for each variant, a column by its title."""
    shown = [column for column in columns(report) if not column.group]
    names = pd.Index([row.name for row in report.rows], name="Variant")
    cells = {column.title: [_text(column.cell(row)) for row in report.rows] for column in shown}
    return pd.DataFrame(cells, index=names)


def csv_text(report: Report) -> str:
    """`tidy` as CSV, with names that no spreadsheet takes for a formula."""
    frame = tidy(report)
    for column in ("variant", "baseline"):
        frame[column] = frame[column].map(_inert)
    return frame.to_csv(index=False, lineterminator="\n")


def markdown_text(report: Report) -> str:
    """The title, the sentences under it, and the table's main columns."""
    table = comparison(report).map(_escaped).rename(index=_escaped)
    lines = [
        f"# {_escaped(headline.title(report))}",
        "",
        *(f"{_escaped(sentence)}\n" for sentence in headline.sentences(report)),
        f"{_escaped(headline.certificate(report))}\n",
        _markdown(table),
    ]
    return "\n".join(lines) + "\n"


def _markdown(table: pd.DataFrame) -> str:
    """The table without the padding of `DataFrame.to_markdown`: one long name would widen every line."""
    header = [str(table.index.name), *map(str, table.columns)]
    rows = [[str(name), *cells] for name, cells in zip(table.index, table.to_numpy(), strict=True)]
    lines = [f"| {' | '.join(row)} |" for row in (header, *rows)]
    return "\n".join([lines[0], "|---|" + "---:|" * len(table.columns), *lines[1:]])


def latex_text(report: Report) -> str:
    """The same table for a paper; needs `booktabs` and `amssymb`, as a comment above it says."""
    table = comparison(report).reset_index()
    alignment = "l" + "r" * (len(table.columns) - 1)
    text = table.to_latex(index=False, escape=True, column_format=alignment)
    for sign, command in _LATEX.items():
        text = text.replace(sign, command)
    return f"% \\usepackage{{booktabs,amssymb}}\n{text}"


def _lines(report: Report, row: Row) -> Iterator[Line]:
    """Everything that is known of one variant."""
    for metric in _EXACT:
        for item in row.find(metric):
            yield from _exact(metric, item)
    if row.loaded is not None:
        yield {
            "metric": "start",
            "statistic": "share of parameters from weights",
            "n": len(row.starts),
            "value": row.loaded,
        }
    for metric in (*ACCURACY, "train_seconds"):
        yield from _seeds(metric, row)
    for metric in ACCURACY:
        yield from _difference(metric, row)
    for setup in report.setups:
        for clock in clocks_of(setup):
            yield from _timings(report, row, setup, clock)


def _exact(metric: str, item: Item) -> Iterator[Line]:
    for value in item.measurement.samples:
        yield {
            "metric": metric,
            "form": item.measurement.form,
            "unit": item.measurement.unit,
            "statistic": "exact",
            "n": 1,
            "value": value,
            "low": value,
            "high": value,
            "interval": "exact",
        }


def _seeds(metric: str, row: Row) -> Iterator[Line]:
    values = row.seeds(metric)
    if values:
        yield {
            "metric": metric,
            "unit": "s" if metric == "train_seconds" else "",
            "statistic": "mean of seeds",
            "n": len(values),
            "value": sum(values) / len(values),
            "low": min(values),
            "high": max(values),
            "interval": "range of seeds",
        }


def _difference(metric: str, row: Row) -> Iterator[Line]:
    judged = row.judged.get(metric)
    if judged is not None:
        yield {
            "metric": metric,
            "statistic": "difference to baseline",
            "interval": _INTERVALS[judged.estimate.basis],
            **_estimate(judged.estimate),
            "verdict": judged.verdict.word,
        }


def _timings(report: Report, row: Row, setup: Setup, clock: str) -> Iterator[Line]:
    timed: Line = {"metric": f"latency_{clock}_ms", "form": "deployed", "setup": setup.key}
    times = milliseconds(row, report.rows, setup, clock)
    if times:
        yield {
            **timed,
            "unit": "ms",
            "statistic": "median of rounds",
            "interval": "95 % (order statistics)",
            **_estimate(median_interval(times)),
        }
    judged = row.judged.get(f"{clock}:{setup.key}")
    if judged is not None:
        yield {
            **timed,
            "statistic": "ratio to baseline",
            "interval": "95 % (Student over processes)",
            **_estimate(judged.estimate),
            "verdict": judged.verdict.word,
        }


def _estimate(estimate: Estimate) -> Line:
    bounds = {}
    if estimate.high != float("inf"):
        bounds = {"low": estimate.low, "high": estimate.high}
    return {"n": estimate.n, "value": estimate.value, **bounds}


def _text(cell: Cell) -> str:
    return f"{cell.text} ({cell.sub})" if cell.sub else cell.text


def _escaped(text: str) -> str:
    for special in "\\`*_[]<>|":
        text = text.replace(special, f"\\{special}")
    return " ".join(text.split())


def _inert(text: str) -> str:
    """A spreadsheet runs a cell that begins like a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text
