"""What AP50 is lost to, kind by kind; curves of precision; and whether scores mean what they say."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from reports.figures.panels import Frame, Line, panels
from reports.figures.seeds import Seeds, by_kind
from reports.model import Report, Row
from reports.run.accuracy import (
    evaluator_words,
    mean_cases,
    precision,
    recalls,
    reliability,
)
from reports.run.calls import accuracy_mark
from reports.section import Section, Value
from reports.words import UNKNOWN, Mark, number, signed

_ID, _TITLE = "errors", "What AP is lost to"
_KINDS = (
    ("lost_missed", "missed"),
    ("lost_background", "background"),
    ("lost_localisation", "localisation"),
    ("lost_classification", "classification"),
    ("lost_duplicate", "duplicate"),
    ("lost_both", "both"),
)
_WHOLES = (("lost_false_positives", "all false"), ("lost_false_negatives", "all not found"))
_COLUMNS = (*_KINDS, *_WHOLES)


def build(report: Report) -> Section:
    """Dots and a table of the kinds of errors, then precision over recall and over score."""
    rows = [row for row in report.rows if row.seeds(_KINDS[0][0])]
    if not rows:
        missing = "No detections were told apart in this run."
        return Section(_ID, _TITLE, "Errors", missing=missing)
    marks = {row.name: accuracy_mark(row) for row in rows}
    base = report.baseline.name if report.baseline else ""
    lost = by_kind(
        [seeds for row in rows for seeds in _lost(row, marks[row.name])],
        name="errors",
        label="AP50 that mending each kind of error would give, for every variant",
        axis="AP50 lost",
    )
    return Section(
        _ID,
        _TITLE,
        "Errors",
        "What AP50 would gain if one kind of error were mended, and nothing else (arXiv 2008.08115). Not judged: "
        "means over the seeds, with the lowest and the highest.",
        {
            "kinds": lost,
            "heads": [title for _, title in _COLUMNS],
            "rows": [(row, _cells(report, row)) for row in rows],
            "precision": _precision(rows, marks, base),
            "reliability": _reliability(rows, marks, base),
            "calibration": [(row, number(row.mean("calibration_error"))) for row in rows],
            "evaluator": evaluator_words(report.rows),
        },
    )


def _lost(row: Row, mark: Mark) -> list[Seeds]:
    values = [(title, row.seeds(metric)) for metric, title in _KINDS]
    return [Seeds(row.name, title, seeds, mark) for title, seeds in values if seeds]


def _cells(report: Report, row: Row) -> list[Value]:
    return [_cell(report, row, metric) for metric, _ in _COLUMNS]


def _cell(report: Report, row: Row, metric: str) -> Value:
    """The mean over the seeds, beneath it the difference to the base's and how many cases there are."""
    mean, count = row.mean(metric), mean_cases(row, metric)
    if mean is None:
        return Value(UNKNOWN)
    base = report.row(row.baseline)
    reference = base.mean(metric) if base else None
    below = []
    if reference is not None:
        below.append(f"Δ {signed(mean - reference)}")
    if count is not None:
        below.append(f"{number(count, 0)} cases")
    return Value(number(mean), ", ".join(below))


def _precision(rows: Sequence[Row], marks: Mapping[str, Mark], base: str) -> Markup | None:
    """At IoU 0.5, then at 0.75; means over classes and seeds."""
    lines = [line for row in rows for line in _precision_lines(row)]
    if not lines:
        return None
    return panels(
        lines,
        Frame("recall", "precision"),
        base=base,
        marks=marks,
        name="pr",
        label="Precision over recall for every variant",
    )


def _precision_lines(row: Row) -> list[Line]:
    recall = recalls(row)
    lines = []
    for iou in ("0.50", "0.75"):
        curve = precision(row, iou)
        if recall and len(curve) == len(recall):
            tip = f"{row.name}: precision over recall at IoU {iou}"
            lines.append(Line(row.name, recall, curve, tip))
    return lines


def _reliability(rows: Sequence[Row], marks: Mapping[str, Mark], base: str) -> Markup | None:
    """Precision over score; a network whose scores are probabilities lies on the diagonal."""
    lines = [line for row in rows for line in _reliability_lines(row)]
    if not lines:
        return None
    return panels(
        lines,
        Frame("score", "precision", diagonal=True),
        base=base,
        marks=marks,
        name="reliability",
        label="Precision over score for every variant",
    )


def _reliability_lines(row: Row) -> list[Line]:
    bins = reliability(row)
    if not bins:
        return []
    scores, right = zip(*bins, strict=True)
    error = number(row.mean("calibration_error"))
    tip = f"{row.name}: expected calibration error {error}"
    return [Line(row.name, scores, right, tip)]
