"""From the store to the report's model: joins, and the order of rows. Statistics are in `judge`."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from reports.model import Item, Report, Role, Row, Rules
from reports.run.judge import judged
from reports.run.latency import setups_of
from reports.run.resamples import resamples_of
from suite.record import Json
from suite.store import (
    JobRecord,
    RunRecord,
    Store,
    StoredMeasurement,
    StoredOutcome,
    StoreError,
    VariantRecord,
)


def gather(store_path: Path, run_id: str = "latest") -> Report:
    """Read one run and judge it.

    Raises:
        StoreError: there is no store, or no such run in it.
    """
    with Store.open_readonly(store_path) as store:
        run = store.run(run_id)
        measurements = store.measurements(run.id)
        failures = store.failures(run.id)
        facts = _facts(store, run.dataset_fingerprint)
        resamples = resamples_of(store_path.parent, store.artifacts(run.id))
    rows = _rows(run, measurements, failures)
    report = Report(run, rows, facts, rules_of(run.protocol_json), setups_of(rows), {}, resamples)
    return judged(report)


def rules_of(protocol: Mapping[str, Json]) -> Rules:
    """The protocol's thresholds where it states them."""
    verdict = protocol.get("verdict")
    stated = verdict if isinstance(verdict, dict) else {}
    known = {
        rule.name: float(value)
        for rule in fields(Rules)
        if isinstance(value := stated.get(rule.name), (int, float))
    }
    return Rules(**known)


def _facts(store: Store, fingerprint: str) -> Mapping[str, Json]:
    try:
        return store.dataset(fingerprint)
    except StoreError:
        return {}  # a run that only counted and timed has read no pictures


def _rows(
    run: RunRecord, measurements: Sequence[StoredMeasurement], failures: Sequence[StoredOutcome]
) -> tuple[Row, ...]:
    names = {variant.name for variant in run.variants}
    rows = [
        _row(variant, names, run.jobs, measurements, failures=failures) for variant in run.variants
    ]
    order: list[Row] = []
    for base in (row for row in rows if row.role == "base"):
        order += [base, *_below(base.name, rows)]
    return (*order, *(row for row in rows if row not in order))


def _below(name: str, rows: Sequence[Row]) -> list[Row]:
    """The variants that refer to `name`, each followed by those that refer to it; controls after the others."""
    found: list[Row] = []
    for row in sorted((r for r in rows if r.baseline == name), key=lambda r: r.role == "control"):
        found += [row, *_below(row.name, rows)]
    return found


def _row(
    variant: VariantRecord,
    names: set[str],
    jobs: Sequence[JobRecord],
    measurements: Sequence[StoredMeasurement],
    *,
    failures: Sequence[StoredOutcome],
) -> Row:
    own = {job.key: job for job in jobs if job.variant == variant.name}
    items = [
        Item(own[m.job_key], m.measurement, m.environment) for m in measurements if m.job_key in own
    ]
    items.sort(key=lambda item: (item.job.kind, item.job.seed or 0, item.job.replica or 0))
    failed = sorted(
        (f for f in failures if f.key in own),
        key=lambda f: (
            f.kind,
            -1 if f.seed is None else f.seed,
            -1 if f.replica is None else f.replica,
        ),
    )
    role: Role = "control" if variant.control else "variant" if variant.baseline else "base"
    baseline = variant.baseline if variant.baseline in names else ""
    return Row(variant, role, baseline, tuple(own.values()), tuple(items), tuple(failed))
