"""Writing and reading the store. One outcome is one transaction; nothing that was measured is deleted."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from suite.record import Json, Measurement, Metric, Outcome, canonical_json
from suite.store import decode, encode, schema
from suite.store.lock import Lock, StoreError
from suite.store.records import (
    STRIDES,
    JobRecord,
    RunRecord,
    StoredMeasurement,
    StoredOutcome,
    VariantRecord,
)


class Store:
    """An open store: `Store.open` to write (takes the lock), `Store.open_readonly` to read. Use it in a `with`."""

    def __init__(self, connection: sqlite3.Connection, path: Path, lock: Lock | None) -> None:
        connection.row_factory = sqlite3.Row
        self._connection = connection
        self._lock = lock
        self.path = path

    @classmethod
    def open(cls, path: Path, *, wait: bool = False) -> Self:
        """Open for writing, creating file and folder where they are missing.

        Raises:
            StoreLockedError: another process writes to it and `wait` is false.
            StoreError: the file is damaged, foreign, or of another version; it is left as it is.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = Lock(path.with_name(f"{path.name}.lock"), wait=wait)
        try:
            return cls(schema.open_for_writing(path), path, lock)
        except StoreError:
            lock.release()
            raise

    @classmethod
    def open_readonly(cls, path: Path) -> Self:
        """Open for reading; takes no lock.

        Raises:
            StoreError: there is no store, or it is damaged, foreign, or of another version.
        """
        return cls(schema.open_for_reading(path), path, None)

    def close(self) -> None:
        """Close the file and free the lock."""
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # writing

    def begin_run(
        self,
        *,
        protocol: str,
        protocol_json: Mapping[str, Json],
        git: str,
        machine: Mapping[str, Json],
        dataset_fingerprint: str,
        metrics: Sequence[Metric],
        variants: Sequence[VariantRecord],
        jobs: Sequence[JobRecord],
    ) -> str:
        """Write down what is about to be done and return the run's id.

        A job with `reused` is bound to the outcome that is stored under its key.
        """
        started = _now()
        with self._transaction() as connection:
            run_id = self._free_id(started)
            cursor = connection.execute(
                "INSERT INTO runs (id, started, finished, protocol, protocol_json, git, machine, dataset, metrics)"
                " VALUES (?, ?, '', ?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    started,
                    protocol,
                    canonical_json(dict(protocol_json)),
                    git,
                    canonical_json(dict(machine)),
                    dataset_fingerprint,
                    encode.metrics_json(metrics),
                ),
            )
            run = cursor.lastrowid
            _insert(
                connection,
                "variants",
                [(run, i, *encode.variant_row(v)) for i, v in enumerate(variants)],
            )
            connection.executemany(
                "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?,"
                " (SELECT number FROM outcomes WHERE key = ? AND superseded = 0 AND ?))",
                [
                    (run, position, *encode.job_row(job), job.reused, job.key, job.reused)
                    for position, job in enumerate(jobs)
                ],
            )
        return run_id

    def put(self, run_id: str, job: JobRecord, outcome: Outcome) -> None:
        """Store what a job left behind, measurements or a failure, in one transaction.

        It is on the disk when this returns. What is stored under the same key already is superseded, not deleted:
        runs that used it keep it.

        Args:
            run_id: as `begin_run` gave it; all of its jobs of this key are bound to the outcome.
            job: one of the run's jobs, with what identifies it.
            outcome: its `key` is the job's. Numbers must be finite.

        Raises:
            ValueError: a sample, a setting or a note is NaN or infinite; nothing is stored then.
        """
        with self._transaction() as connection:
            connection.execute(
                "UPDATE outcomes SET superseded = 1 WHERE key = ? AND superseded = 0",
                (outcome.key,),
            )
            cursor = connection.execute(
                "INSERT INTO outcomes (key, kind, variant, fingerprint, seed, replica, started, seconds,"
                " environment, artifacts, failure) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*encode.job_row(job), *encode.outcome_row(outcome)),
            )
            number = cursor.lastrowid
            measured = [
                (number, i, *encode.measurement_row(m)) for i, m in enumerate(outcome.measurements)
            ]
            _insert(connection, "measurements", measured)
            connection.execute(
                "UPDATE jobs SET outcome = ? WHERE key = ? AND run = (SELECT number FROM runs WHERE id = ?)",
                (number, outcome.key, run_id),
            )

    def put_dataset(self, fingerprint: str, facts: Mapping[str, Json]) -> None:
        """Keep the facts of a data set; the same fingerprint again changes nothing."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO datasets VALUES (?, ?)",
                (fingerprint, canonical_json(dict(facts))),
            )

    def finish_run(self, run_id: str) -> None:
        """Note that the run reached its end, whatever its jobs became."""
        with self._transaction() as connection:
            connection.execute("UPDATE runs SET finished = ? WHERE id = ?", (_now(), run_id))

    # reading

    def has(self, key: str) -> bool:
        """Whether measurements are stored under `key`; a failure does not count, it will be tried again."""
        rows = self._connection.execute(
            "SELECT 1 FROM outcomes WHERE key = ? AND superseded = 0 AND failure IS NULL", (key,)
        )
        return rows.fetchone() is not None

    def runs(self) -> tuple[RunRecord, ...]:
        """All runs, oldest first."""
        return tuple(
            self._run(row)
            for row in self._connection.execute("SELECT * FROM runs ORDER BY number").fetchall()
        )

    def run(self, run_id: str = "latest") -> RunRecord:
        """The run of that id, or the one begun last.

        Raises:
            StoreError: there is no such run.
        """
        where, parameters = ("", ()) if run_id == "latest" else ("WHERE id = ?", (run_id,))
        row = self._connection.execute(
            f"SELECT * FROM runs {where} ORDER BY number DESC LIMIT 1",  # noqa: S608  both texts stand above
            parameters,
        ).fetchone()
        if row is None:
            raise StoreError(f"{self.path}: has no run '{run_id}'")
        return self._run(row)

    def outcomes(self, run_id: str | None = None) -> tuple[StoredOutcome, ...]:
        """What the run used, or the newest under every key there is; sorted by key.

            with Store.open_readonly(out / "store.sqlite") as store:
                for outcome in store.outcomes(store.run().id):
                    print(outcome.variant, outcome.failure or len(outcome.measurements))

        A run keeps the outcome that it used when a later run measures the same again. Jobs of one key share theirs.

        Args:
            run_id: as `run` and `runs` have it; None for all runs together.

        Returns:
            Each with its measurements in the order in which they were taken; empty for a run that there is not.
        """
        query = "SELECT * FROM outcomes WHERE superseded = 0 ORDER BY key"
        if run_id is not None:
            query = (
                "SELECT DISTINCT outcomes.* FROM runs JOIN jobs ON jobs.run = runs.number"
                " JOIN outcomes ON outcomes.number = jobs.outcome WHERE runs.id = ? ORDER BY outcomes.key"
            )
        rows = self._connection.execute(query, () if run_id is None else (run_id,)).fetchall()
        return tuple(decode.outcome(row, self._measurements(row["number"])) for row in rows)

    def measurements(self, run_id: str | None = None) -> list[StoredMeasurement]:
        """The measurements of `outcomes`, by key and then in the order they were taken."""
        return [
            StoredMeasurement(
                job_key=outcome.key,
                variant=outcome.variant,
                fingerprint=outcome.fingerprint,
                seed=outcome.seed,
                replica=outcome.replica,
                measurement=measurement,
                started=outcome.started,
                environment=outcome.environment,
            )
            for outcome in self.outcomes(run_id)
            for measurement in outcome.measurements
        ]

    def artifacts(self, run_id: str) -> dict[str, tuple[str, ...]]:
        """The files that the run's outcomes left, by key; paths relative to the store's folder."""
        query = (
            "SELECT DISTINCT outcomes.key, outcomes.artifacts FROM runs JOIN jobs ON jobs.run = runs.number"
            " JOIN outcomes ON outcomes.number = jobs.outcome WHERE runs.id = ?"
        )
        rows = self._connection.execute(query, (run_id,)).fetchall()
        return {row["key"]: decode.texts(row["artifacts"]) for row in rows}

    def failures(self, run_id: str | None = None) -> list[StoredOutcome]:
        """Those of `outcomes` that are failures (`.failure` is set), by key."""
        return [outcome for outcome in self.outcomes(run_id) if outcome.failure is not None]

    def dataset(self, fingerprint: str) -> dict[str, Json]:
        """The facts of a data set.

        Raises:
            StoreError: the store has none for this fingerprint.
        """
        row = self._connection.execute(
            "SELECT facts FROM datasets WHERE fingerprint = ?", (fingerprint,)
        ).fetchone()
        if row is None:
            raise StoreError(f"{self.path}: has no data set '{fingerprint}'")
        return decode.json_object(row["facts"])

    def _run(self, row: sqlite3.Row) -> RunRecord:
        query = (
            "SELECT jobs.*, outcomes.failure AS failure FROM jobs"
            " LEFT JOIN outcomes ON outcomes.number = jobs.outcome WHERE run = ? ORDER BY position"
        )
        job_rows = self._connection.execute(query, (row["number"],)).fetchall()
        outcome_of = {job["variant"]: job["outcome"] for job in job_rows if job["kind"] == "static"}
        variants = []
        for record in self._connection.execute(
            "SELECT * FROM variants WHERE run = ? ORDER BY position", (row["number"],)
        ).fetchall():
            strides = [
                m for m in self._measurements(outcome_of.get(record["name"])) if m.metric == STRIDES
            ]
            variants.append(decode.variant(record, strides[0] if strides else None))
        return decode.run(
            row, jobs=tuple(decode.job(job) for job in job_rows), variants=tuple(variants)
        )

    def _measurements(self, outcome: int | None) -> tuple[Measurement, ...]:
        rows = self._connection.execute(
            "SELECT * FROM measurements WHERE outcome = ? ORDER BY position", (outcome,)
        )
        return tuple(decode.measurement(row) for row in rows)

    def _free_id(self, started: str) -> str:
        stem = started.replace(":", "")[:17].rstrip("Z+")
        taken = {row["id"] for row in self._connection.execute("SELECT id FROM runs")}
        names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
        return next(name for name in names if name not in taken)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:  # SQLite has ended it where the disk is full
                self._connection.execute("ROLLBACK")
            if not isinstance(error, sqlite3.OperationalError) or self._lock is None:
                raise
            message = f"{self.path}: cannot be written: {error}; what was stored before is kept"
            raise StoreError(message) from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _insert(
    connection: sqlite3.Connection, table: str, table_rows: Sequence[tuple[encode.Cell, ...]]
) -> None:
    for row in table_rows:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608  the names stand in this file
