"""Records to table rows and back; the only place where the store's JSON is decoded."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from typing import TypeAlias, cast

from suite.record import Failure, Json, Measurement, Metric, Outcome, canonical_json
from suite.store.records import JobRecord, RunRecord, StoredOutcome, VariantRecord

Cell: TypeAlias = str | int | float | None


def json_object(text: str) -> dict[str, Json]:
    """A JSON object that this module wrote."""
    return cast("dict[str, Json]", json.loads(text))


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


def job(row: sqlite3.Row) -> JobRecord:
    """A row of `jobs` joined with its outcome's failure."""
    missing = row["outcome"] is None
    return JobRecord(
        key=row["key"],
        kind=row["kind"],
        variant=row["variant"],
        fingerprint=row["fingerprint"],
        seed=row["seed"],
        replica=row["replica"],
        status="missing" if missing else "done" if row["failure"] is None else "failed",
        reused=bool(row["reused"]),
    )


def variant(row: sqlite3.Row, strides: Measurement | None) -> VariantRecord:
    """A row of `variants` with what its static job found."""
    warnings = cast("list[str]", strides.notes["warnings"]) if strides else []
    return VariantRecord(
        name=row["name"],
        title=row["title"],
        paper=row["paper"],
        base=row["base"],
        baseline=row["baseline"],
        control=row["control"],
        fingerprint=row["fingerprint"],
        strides=tuple(int(stride) for stride in strides.samples) if strides else (),
        warnings=tuple(warnings),
        spec=json_object(row["spec"]),
    )


def run(row: sqlite3.Row, *, jobs: tuple[JobRecord, ...], variants: tuple[VariantRecord, ...]) -> RunRecord:
    """A row of `runs` with the rows that belong to it."""
    return RunRecord(
        id=row["id"],
        started=row["started"],
        finished=row["finished"],
        protocol=row["protocol"],
        protocol_json=json_object(row["protocol_json"]),
        git=row["git"],
        machine=json_object(row["machine"]),
        dataset_fingerprint=row["dataset"],
        jobs=jobs,
        metrics=tuple(Metric(**metric) for metric in json.loads(row["metrics"])),
        variants=variants,
    )


def outcome(row: sqlite3.Row, measurements: tuple[Measurement, ...]) -> StoredOutcome:
    """A row of `outcomes` with its measurements."""
    return StoredOutcome(
        key=row["key"],
        kind=row["kind"],
        variant=row["variant"],
        fingerprint=row["fingerprint"],
        seed=row["seed"],
        replica=row["replica"],
        started=row["started"],
        seconds=row["seconds"],
        environment=json_object(row["environment"]),
        artifacts=tuple(json.loads(row["artifacts"])),
        failure=None if row["failure"] is None else Failure(**json.loads(row["failure"])),
        measurements=measurements,
    )


def measurement(row: sqlite3.Row) -> Measurement:
    """A row of `measurements`."""
    return Measurement(
        metric=row["metric"],
        metric_version=row["version"],
        unit=row["unit"],
        form=row["form"],
        samples=tuple(json.loads(row["samples"])),
        settings=json_object(row["settings"]),
        notes=json_object(row["notes"]),
    )
