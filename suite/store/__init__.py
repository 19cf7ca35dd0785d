"""The store: what was measured, with its evidence, in one SQLite file written by one process."""

from suite.store.lock import StoreError, StoreLockedError
from suite.store.records import (
    JobRecord,
    RunRecord,
    StoredMeasurement,
    StoredOutcome,
    VariantRecord,
)
from suite.store.store import Store

__all__ = [
    "JobRecord",
    "RunRecord",
    "Store",
    "StoreError",
    "StoreLockedError",
    "StoredMeasurement",
    "StoredOutcome",
    "VariantRecord",
]
