"""What a reader should know of a variant before its numbers: each in a few words, "" where there is nothing."""

from reports.model import Report, Row
from reports.run.budget import unequal_budget
from reports.run.judge import missed_words, needs_another_recipe
from reports.run.published import outside_band
from reports.start import start_warning

_KINDS = (("train", "seeds"), ("latency", "timings"), ("static", "counts"))


def badges(report: Report, row: Row) -> tuple[str, ...]:
    """Every warning that stands beside a variant in the table of verdicts, the loudest first."""
    unequal = unequal_budget(report, row)
    warnings = [
        *build_warnings(report, row, start_warning(report, row)),
        recipe_warning(report, row),
        f"accuracy not judged: {unequal}" if unequal else "",
        missed_words(row),
        outside_band(report, row),
        *_lost(row),
    ]
    return tuple(warning for warning in warnings if warning)


def build_warnings(report: Report, row: Row, *between: str) -> list[str]:
    """What building the network warned of, and strides that are not the base's: those are told once."""
    strides = stride_warning(report, row)
    others = [w for w in row.record.warnings if not (strides and w.startswith("strides"))]
    return [warning for warning in (strides, *between, *others) if warning]


def stride_warning(report: Report, row: Row) -> str:
    """Loud words for a variant whose levels are not its base's."""
    base = report.row(row.baseline)
    if base is None or not base.record.strides or not row.record.strides:
        return ""
    if base.record.strides == row.record.strides:
        return ""
    return f"strides {_strides(row)} unlike the base's {_strides(base)}"


def recipe_warning(report: Report, row: Row) -> str:
    """Words for a variant that needs another recipe than the run's: its accuracy is not judged."""
    if not needs_another_recipe(report, row):
        return ""
    return f"needs the recipe {row.recipe}: accuracy not judged"


def _strides(row: Row) -> str:
    return ", ".join(str(stride) for stride in row.record.strides)


def _lost(row: Row) -> list[str]:
    """What of a variant that has results is missing."""
    if row.state == "failed":
        return []
    lost = []
    for kind, results in _KINDS:
        jobs = [job for job in row.jobs if job.kind == kind]
        failed = sum(job.status == "failed" for job in jobs)
        if failed:
            lost.append(f"{failed} of {len(jobs)} {results} failed")
    return lost
