"""The tables, and opening a file that has to contain them."""

import sqlite3
from pathlib import Path

from suite.store.lock import StoreError

VERSION = 1
_APPLICATION = 0x59354142  # "Y5AB": tells our files from other SQLite files

_TABLES = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    started TEXT NOT NULL,
    finished TEXT NOT NULL,
    protocol TEXT NOT NULL,
    protocol_json TEXT NOT NULL,
    git TEXT NOT NULL,
    machine TEXT NOT NULL,
    dataset TEXT NOT NULL,
    metrics TEXT NOT NULL
) STRICT;
CREATE TABLE variants (
    run INTEGER NOT NULL REFERENCES runs(number),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    paper TEXT NOT NULL,
    base TEXT NOT NULL,
    baseline TEXT NOT NULL,
    control TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    spec TEXT NOT NULL,
    PRIMARY KEY (run, position)
) STRICT;
CREATE TABLE outcomes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    superseded INTEGER NOT NULL DEFAULT 0,
    kind TEXT NOT NULL,
    variant TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    seed INTEGER,
    replica INTEGER,
    started TEXT NOT NULL,
    seconds REAL NOT NULL,
    environment TEXT NOT NULL,
    artifacts TEXT NOT NULL,
    failure TEXT
) STRICT;
CREATE UNIQUE INDEX current_outcome ON outcomes(key) WHERE superseded = 0;
CREATE TABLE measurements (
    outcome INTEGER NOT NULL REFERENCES outcomes(number),
    position INTEGER NOT NULL,
    metric TEXT NOT NULL,
    version INTEGER NOT NULL,
    unit TEXT NOT NULL,
    form TEXT NOT NULL,
    samples TEXT NOT NULL,
    settings TEXT NOT NULL,
    notes TEXT NOT NULL,
    PRIMARY KEY (outcome, position)
) STRICT;
CREATE TABLE jobs (
    run INTEGER NOT NULL REFERENCES runs(number),
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    variant TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    seed INTEGER,
    replica INTEGER,
    reused INTEGER NOT NULL,
    outcome INTEGER REFERENCES outcomes(number),
    PRIMARY KEY (run, position)
) STRICT;
CREATE TABLE datasets (
    fingerprint TEXT PRIMARY KEY,
    facts TEXT NOT NULL
) STRICT;
"""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open `path`, creating it where there is none; one commit is on the disk when it returns.

    Raises:
        StoreError: the file is damaged, foreign, or of another version; it is left as it is.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        if _is_empty(connection):
            _create(connection)
        _require_ours(connection, path)
        problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise _damaged(path, problem)
    except sqlite3.Error as error:
        connection.close()
        raise _damaged(path, error) from error
    except StoreError:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open `path` without the right to change it; a run may be writing to it meanwhile.

    Raises:
        StoreError: there is no such file, or it is damaged, foreign, or of another version.
    """
    if not path.is_file():
        raise StoreError(f"{path}: there is no store; `run` makes one")
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None
        )
        _require_ours(connection, path)
    except sqlite3.Error as error:
        raise _damaged(path, error) from error
    return connection


def _is_empty(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])


def _create(connection: sqlite3.Connection) -> None:
    # one transaction: a kill leaves either an empty file, which the next start fills, or all tables
    connection.executescript(
        f"BEGIN;{_TABLES}PRAGMA application_id = {_APPLICATION};PRAGMA user_version = {VERSION};COMMIT;"
    )


def _require_ours(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
        raise StoreError(
            f"{path}: is an SQLite file, but no store of this suite; name another --out folder"
        )
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise StoreError(
            f"{path}: has schema version {version}, this program reads {VERSION};"
            " use the program that wrote it, or name another --out folder"
        )


def _damaged(path: Path, reason: object) -> StoreError:
    return StoreError(
        f"{path}: cannot be read as a store ({reason}); restore a copy, or move it away"
    )
