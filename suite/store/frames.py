"""The store as pandas DataFrames, one row a sample. Loads pandas, so light commands leave it alone."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from suite.record import Measurement, canonical_json
from suite.store.records import JobRecord, RunRecord, StoredOutcome, VariantRecord
from suite.store.store import Store

Row: TypeAlias = dict[str, object]

SETTING = "setting."
"""Begins the name of every column that holds one of the settings that samples were taken under."""

_TYPES = {
    "run": "str",
    "protocol": "str",
    "variant": "str",
    "baseline": "str",
    "control": "str",
    "fingerprint": "str",
    "kind": "str",
    "seed": "Int64",
    "replica": "Int64",
    "metric": "str",
    "version": "int64",
    "form": "str",
    "unit": "str",
    "sample": "int64",
    "value": "float64",
    "started": "str",
    "seconds": "float64",
    "reused": "bool",
    "key": "str",
}
_ORIGIN = ("key", "kind", "variant", "fingerprint", "seed", "replica", "started")
_RECORD_TYPES = {
    **{name: _TYPES[name] for name in _ORIGIN},
    "metric": "string",
    "version": "Int64",
    "form": "string",
    "unit": "string",
    "settings": "string",
    "sample": "Int64",
    "value": "object",  # counts stay whole, and are written so
    "failure": "string",
}


def measurements(store_path: Path, run_id: str = "") -> pd.DataFrame:
    """Every sample of a store, tidy: one row a sample, under the names that each run uses.

    A run that took over what an earlier run had measured holds those rows too, with `reused`. Aggregate within
    one run, or drop duplicates by `key`, `metric`, `form` and `sample` first.

    Args:
        store_path: the file `store.sqlite`; it is only read.
        run_id: a run's id, "latest", or "" for all runs.

    Returns:
        Columns, in this order: `run`, `protocol`, `variant`, `baseline` ("" for a baseline), `control` (what a
        control must be called, else ""), `fingerprint` of the network, `kind` of job, `seed` and `replica` (Int64,
        NA where the kind has none), `metric`, `version`, `form` ("trained", "deployed" or ""), `unit`, `sample` (its
        position, from 0), `value`, `started` (datetime, UTC) and `seconds` of the job, `reused`, `key` of the job;
        then one column `setting.NAME` for each setting that any sample was taken under, NA where it had none.

    Raises:
        StoreError: there is no store, or no such run in it.

    Example:
        >>> frame = measurements(Path("out/store.sqlite"), "latest")
        >>> frame[frame.metric == "ap"].groupby("variant").value.agg(["mean", "std"])
    """
    with Store.open_readonly(store_path) as store:
        runs = (store.run(run_id),) if run_id else store.runs()
        rows = [row for run in runs for row in _rows(run, store.outcomes(run.id))]
    settings = sorted({name for row in rows for name in row if name not in _TYPES})
    frame = pd.DataFrame(rows, columns=[*_TYPES, *settings]).astype(_TYPES)
    frame["started"] = pd.to_datetime(frame["started"], utc=True)
    frame[settings] = frame[settings].convert_dtypes()
    return frame


def records(outcomes: Iterable[StoredOutcome]) -> pd.DataFrame:
    """What jobs left behind, whichever runs used it: one row a sample, and one row for each failure.

    Args:
        outcomes: as `Store.outcomes` gives them.

    Returns:
        Columns `key`, `kind`, `variant` (the name at the time of measuring), `fingerprint`, `seed`, `replica`,
        `started` (ISO 8601), `metric`, `version`, `form`, `unit`, `settings` (JSON), `sample`, `value`, `failure`
        (stage, code and message, NA for a sample); what does not apply is NA.
    """
    rows: list[Row] = []
    for outcome in outcomes:
        origin: Row = {name: getattr(outcome, name) for name in _ORIGIN}
        if outcome.failure is not None:
            failure = outcome.failure
            rows.append({**origin, "failure": f"{failure.stage} {failure.code}: {failure.message}"})
        for measurement in outcome.measurements:
            settings = json.dumps(dict(measurement.settings), sort_keys=True)
            meaning = {**_meaning(measurement), "settings": settings}
            rows += [
                {**origin, **meaning, "sample": position, "value": value}
                for position, value in enumerate(measurement.samples)
            ]
    return pd.DataFrame(rows, columns=[*_RECORD_TYPES], dtype=object).astype(_RECORD_TYPES)


def _rows(run: RunRecord, outcomes: Sequence[StoredOutcome]) -> Iterator[Row]:
    by_key = {outcome.key: outcome for outcome in outcomes}
    variants = {variant.name: variant for variant in run.variants}
    for job in run.jobs:
        outcome = by_key.get(job.key)
        if outcome is None:
            continue
        origin = _origin(run, job, variants[job.variant], outcome)
        for measurement in outcome.measurements:
            meaning = {**_meaning(measurement), **_settings(measurement)}
            for position, value in enumerate(measurement.samples):
                yield {**origin, **meaning, "sample": position, "value": value}


def _origin(run: RunRecord, job: JobRecord, variant: VariantRecord, outcome: StoredOutcome) -> Row:
    """Whose samples they are, by the names of the run, and when they were taken."""
    return {
        "run": run.id,
        "protocol": run.protocol,
        "variant": variant.name,
        "baseline": variant.baseline,
        "control": variant.control,
        "fingerprint": job.fingerprint,
        "kind": job.kind,
        "seed": job.seed,
        "replica": job.replica,
        "started": outcome.started,
        "seconds": outcome.seconds,
        "reused": job.reused,
        "key": job.key,
    }


def _meaning(measurement: Measurement) -> Row:
    """Which question the samples of a measurement answer."""
    return {
        "metric": measurement.metric,
        "version": measurement.metric_version,
        "form": measurement.form,
        "unit": measurement.unit,
    }


def _settings(measurement: Measurement) -> Row:
    """The settings as columns; one that is a list or an object is JSON text."""
    columns: Row = {}
    for name, value in measurement.settings.items():
        nested = isinstance(value, list | dict)
        columns[f"{SETTING}{name}"] = canonical_json(value) if nested else value
    return columns
