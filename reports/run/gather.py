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
    """Read one run and judge it: everything that a page, an export or a comparison says comes from here.

    A measurement is joined to its variant by the key of its job, never by name: a run that took over what an earlier
    one measured may know the network by another name.

    Args:
        store_path: the file `store.sqlite`; it is only read, but resamples are kept in the folder `cache` beside it.
        run_id: a run's id, or "latest".

    Raises:
        StoreError: there is no store, or no such run in it.

    Example:
        >>> report = gather(Path("out/store.sqlite"))
        >>> {row.name: row.judged["ap"].verdict.word for row in report.rows if "ap" in row.judged}
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
    values = {rule.name: stated.get(rule.name) for rule in fields(Rules)}
    return Rules(**{name: float(v) for name, v in values.items() if isinstance(v, (int, float))})


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
    direct = [row for row in rows if row.baseline == name]
    ordered: list[Row] = []
    for row in sorted(direct, key=lambda row: row.role == "control"):
        ordered += [row, *_below(row.name, rows)]
    return ordered


def _row(
    variant: VariantRecord,
    names: set[str],
    jobs: Sequence[JobRecord],
    measurements: Sequence[StoredMeasurement],
    *,
    failures: Sequence[StoredOutcome],
) -> Row:
    by_key = {job.key: job for job in jobs if job.variant == variant.name}
    items = [
        Item(by_key[stored.job_key], stored.measurement, stored.environment)
        for stored in measurements
        if stored.job_key in by_key
    ]
    items.sort(key=lambda item: (item.job.kind, item.job.seed or 0, item.job.replica or 0))
    failed = sorted((f for f in failures if f.key in by_key), key=_order)
    baseline = variant.baseline if variant.baseline in names else ""
    jobs_of_variant = tuple(by_key.values())
    return Row(variant, _role(variant), baseline, jobs_of_variant, tuple(items), tuple(failed))


def _order(outcome: StoredOutcome) -> tuple[str, int, int]:
    seed = -1 if outcome.seed is None else outcome.seed
    return outcome.kind, seed, -1 if outcome.replica is None else outcome.replica


def _role(variant: VariantRecord) -> Role:
    if variant.control:
        return "control"
    return "variant" if variant.baseline else "base"
