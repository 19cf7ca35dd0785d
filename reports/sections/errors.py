"""What AP50 is lost to, kind by kind; curves of precision; and whether scores mean what they say."""

from dataclasses import dataclass

from reports.figures.curves import SizeDot, by_size
from reports.figures.panels import Frame, Line, panels
from reports.model import Report, Row
from reports.run.accuracy_notes import counted, evaluator_words, mean_curve, reliability
from reports.section import Section
from reports.sections.tradeoffs import mark_of
from reports.words import UNKNOWN, number, signed

_KINDS = (
    ("lost_missed", "missed"),
    ("lost_background", "background"),
    ("lost_localisation", "localisation"),
    ("lost_classification", "classification"),
    ("lost_duplicate", "duplicate"),
    ("lost_both", "both"),
)
_WHOLES = (("lost_false_positives", "all false"), ("lost_false_negatives", "all not found"))


@dataclass(frozen=True, slots=True)
class Cell:
    """The mean over the seeds, and small beneath it the difference to the base's and how many there are."""

    text: str = UNKNOWN
    below: str = ""


def build(report: Report) -> Section:
    """Dots and a table of the kinds of errors, then precision over recall and over score."""
    rows = [row for row in report.rows if row.seeds(_KINDS[0][0])]
    title = "What AP is lost to"
    if not rows:
        return Section(
            "errors", title, "Errors", missing="No detections were told apart in this run."
        )
    marks = {row.name: mark_of(row) for row in rows}
    base = report.baseline.name if report.baseline else ""
    dots = [dot for row in rows for dot in _dots(row)]
    curves, reliable = (
        [line for row in rows for line in _curves(row)],
        [line for row in rows for line in _reliable(row)],
    )
    label = "AP50 that mending each kind of error would give, for every variant"
    return Section(
        "errors",
        title,
        "Errors",
        "What AP50 would gain if one kind of error were mended, and nothing else (arXiv 2008.08115). Not judged: "
        "means over the seeds, with the lowest and the highest.",
        {
            "kinds": by_size(dots, name="errors", label=label, axis="AP50 lost"),
            "heads": [title for _, title in (*_KINDS, *_WHOLES)],
            "rows": [(row, [_cell(report, row, metric) for metric, _ in (*_KINDS, *_WHOLES)]) for row in rows],
            "precision": panels(
                curves, Frame("recall", "precision"), base=base, marks=marks, name="pr",
                label="Precision over recall for every variant",
            )
            if curves
            else None,
            "reliability": panels(
                reliable, Frame("score", "precision", diagonal=True), base=base, marks=marks, name="reliability",
                label="Precision over score for every variant",
            )
            if reliable
            else None,
            "calibration": [(row, _cell(report, row, "calibration_error")) for row in rows],
            "evaluator": evaluator_words(report.rows),
        },
    )  # fmt: skip


def _dots(row: Row) -> list[SizeDot]:
    return [
        SizeDot(row.name, title, sum(values) / len(values), min(values), max(values), mark_of(row))
        for metric, title in _KINDS
        if (values := row.seeds(metric))
    ]


def _cell(report: Report, row: Row, metric: str) -> Cell:
    mean, count = row.mean(metric), counted(row, metric)
    if mean is None:
        return Cell()
    base = report.row(row.baseline)
    reference = base.mean(metric) if base else None
    words = [f"Δ {signed(mean - reference)}"] if reference is not None else []
    words += [f"{number(count, 0)} cases"] if count is not None else []
    return Cell(number(mean), ", ".join(words))


def _curves(row: Row) -> list[Line]:
    """At IoU 0.5, then at 0.75; means over classes and seeds."""
    recall = mean_curve(row, "ap50", "precision_recall", "recall")
    found = []
    for iou in ("0.50", "0.75"):
        curve = mean_curve(row, "ap50", "precision_recall", "mean", iou)
        if recall and len(curve) == len(recall):
            found.append(
                Line(row.name, recall, curve, f"{row.name}: precision over recall at IoU {iou}")
            )
    return found


def _reliable(row: Row) -> list[Line]:
    bins = reliability(row)
    if not bins:
        return []
    error = row.mean("calibration_error")
    scores, precision = zip(*bins, strict=True)
    return [
        Line(row.name, scores, precision, f"{row.name}: expected calibration error {number(error)}")
    ]
