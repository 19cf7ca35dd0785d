"""Records to table rows."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TypeAlias

from suite.record import Measurement, Metric, Outcome, canonical_json
from suite.store.records import JobRecord, VariantRecord

Cell: TypeAlias = str | int | float | None


def metrics_json(metrics: Sequence[Metric]) -> str:
    """The definitions that a run worked with."""
    return canonical_json([asdict(metric) for metric in metrics])


def variant_row(variant: VariantRecord) -> tuple[Cell, ...]:
    """Columns name to spec of table `variants`."""
    return (
        variant.name,
        variant.title,
        variant.paper,
        variant.base,
        variant.baseline,
        variant.control,
        variant.fingerprint,
        canonical_json(dict(variant.spec)),
    )


def job_row(job: JobRecord) -> tuple[Cell, ...]:
    """Columns key to replica of tables `jobs` and `outcomes`."""
    return (job.key, job.kind, job.variant, job.fingerprint, job.seed, job.replica)


def outcome_row(outcome: Outcome) -> tuple[Cell, ...]:
    """Columns started to failure of table `outcomes`."""
    return (
        outcome.started,
        outcome.seconds,
        canonical_json(dict(outcome.environment)),
        canonical_json(list(outcome.artifacts)),
        None if outcome.failure is None else canonical_json(asdict(outcome.failure)),
    )


def measurement_row(measurement: Measurement) -> tuple[Cell, ...]:
    """Columns metric to notes of table `measurements`."""
    return (
        measurement.metric,
        measurement.metric_version,
        measurement.unit,
        measurement.form,
        canonical_json(list(measurement.samples)),
        canonical_json(dict(measurement.settings)),
        canonical_json(dict(measurement.notes)),
    )
