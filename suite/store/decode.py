"""Table rows to records; the only place where the store's JSON is decoded."""

import json
import sqlite3

from suite.record import Failure, Json, Measurement, Metric
from suite.store.records import JobRecord, RunRecord, Status, StoredOutcome, VariantRecord
from suite.store.strides import Strides


def json_object(text: str) -> dict[str, Json]:
    """A JSON object that this module wrote."""
    value: dict[str, Json] = json.loads(text)
    return value


def job(row: sqlite3.Row) -> JobRecord:
    """A row of `jobs` joined with its outcome's failure."""
    return JobRecord(
        key=row["key"],
        kind=row["kind"],
        variant=row["variant"],
        fingerprint=row["fingerprint"],
        seed=row["seed"],
        replica=row["replica"],
        status=_status(row),
        reused=bool(row["reused"]),
    )


def _status(row: sqlite3.Row) -> Status:
    if row["outcome"] is None:
        return "missing"
    return "done" if row["failure"] is None else "failed"


def variant(row: sqlite3.Row, strides: Measurement | None) -> VariantRecord:
    """A row of `variants` with what its static job found."""
    noted = Strides.from_json(strides.notes if strides else {})
    return VariantRecord(
        name=row["name"],
        title=row["title"],
        paper=row["paper"],
        base=row["base"],
        baseline=row["baseline"],
        control=row["control"],
        fingerprint=row["fingerprint"],
        strides=tuple(int(stride) for stride in strides.samples) if strides else (),
        warnings=noted.warnings or (),
        spec=json_object(row["spec"]),
    )


def run(
    row: sqlite3.Row, *, jobs: tuple[JobRecord, ...], variants: tuple[VariantRecord, ...]
) -> RunRecord:
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
        artifacts=texts(row["artifacts"]),
        failure=None if row["failure"] is None else Failure(**json.loads(row["failure"])),
        measurements=measurements,
    )


def texts(text: str) -> tuple[str, ...]:
    """A JSON array of texts that this package wrote."""
    return tuple(json.loads(text))


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
