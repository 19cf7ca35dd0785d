"""Rows and reports made by hand, for what one function says of them."""

from reports.model import Item, Judged, Report, Role, Row, Rules, State
from suite.record import Form, Json, Measurement
from suite.stats.difference import Side, difference
from suite.stats.verdict import Rule, verdicts
from suite.store import JobRecord, RunRecord, VariantRecord


def measured(
    metric: str, *samples: float, form: Form = "", notes: dict[str, Json] | None = None
) -> Measurement:
    """One measurement under no settings."""
    return Measurement(metric, 1, "", form, samples, {}, notes or {})


def record(name: str, *, baseline: str = "", control: str = "") -> VariantRecord:
    """A variant of a title and nothing else."""
    return VariantRecord(name, f"title of {name}", "", baseline, baseline, control, f"f-{name}")


def row(
    name: str,
    *measurements: Measurement,
    baseline: str = "",
    state: State = "trains",
    judged: dict[str, Judged] | None = None,
    made: VariantRecord | None = None,
) -> Row:
    """A variant, or a baseline where it has none; each measurement is of one training, by rising seed."""
    jobs = tuple(
        JobRecord(f"k-{name}-{seed}", "train", name, f"f-{name}", seed=seed, status="done")
        for seed in range(len(measurements))
    )
    items = tuple(Item(job, m, {}) for job, m in zip(jobs, measurements, strict=True))
    kept = made or record(name, baseline=baseline)
    role: Role = "base"
    if kept.control:
        role = "control"
    elif kept.baseline:
        role = "variant"
    return Row(kept, role, kept.baseline, jobs, items, (), state, judged or {})


def report(*rows: Row, protocol: dict[str, Json] | None = None) -> Report:
    """A run of these rows that timed nothing."""
    records = tuple(each.record for each in rows)
    jobs = tuple(job for each in rows for job in each.jobs)
    run = RunRecord("r", "", "2026", "demo", protocol or {}, "", {}, "", jobs, (), records)
    return Report(run, rows, {}, Rules(), (), {})


def judged_seeds(base: tuple[float, ...], variant: tuple[float, ...]) -> Judged:
    """The verdict on the difference of AP between two sets of trainings, with the usual floor."""
    estimate = difference(Side(base), Side(variant))
    ((p, verdict),) = verdicts((estimate,), Rule("higher", Rules().ap_floor, "{:+.3f}".format))
    return Judged(estimate, verdict, p)


BETTER = judged_seeds((0.30, 0.31, 0.32), (0.50, 0.51, 0.52))
WORSE = judged_seeds((0.50, 0.51, 0.52), (0.30, 0.31, 0.32))
SAME = judged_seeds((0.20, 0.30, 0.40), (0.21, 0.31, 0.41))
EQUAL = judged_seeds((0.3000, 0.3001, 0.3002), (0.3001, 0.3002, 0.3003))
