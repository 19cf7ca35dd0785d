"""The records of a store as files: what every job left behind, with all samples."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict

from suite.store import StoredOutcome
from suite.store.frames import records

_TEXTS = ("key", "kind", "variant", "fingerprint", "started", "failure")
_FORMULAS = ("=", "+", "-", "@")


class MissingLibraryError(RuntimeError):
    """A format needs a library that is not installed; the message says how to install it."""


def json_text(outcomes: Sequence[StoredOutcome]) -> str:
    """Everything, evidence and environment included: one object a job."""
    return json.dumps([asdict(outcome) for outcome in outcomes], indent=1, ensure_ascii=False)


def csv_text(outcomes: Sequence[StoredOutcome]) -> str:
    """One line a sample, and one for each failure; texts that a spreadsheet would run begin with a quote."""
    frame = records(outcomes)
    for column in _TEXTS:
        is_formula = frame[column].str.startswith(_FORMULAS).fillna(value=False).astype(bool)
        frame[column] = frame[column].mask(is_formula, "'" + frame[column])
    return frame.to_csv(index=False, lineterminator="\n")


def parquet_bytes(outcomes: Sequence[StoredOutcome]) -> bytes:
    """The columns of the CSV with their types, for data frames.

    Raises:
        MissingLibraryError: pyarrow is not installed.
    """
    target = io.BytesIO()
    try:
        records(outcomes).astype({"value": "float64"}).to_parquet(target, index=False)
    except ImportError as error:
        raise MissingLibraryError(
            "parquet needs pyarrow, which is not installed; "
            "pip install 'yolov5-ablation-suite[parquet]'"
        ) from error
    return target.getvalue()
