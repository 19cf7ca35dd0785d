"""Every record of evidence: through the store and back, and against a store that an earlier build wrote."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.evidence import Evidence
from suite.metrics.definitions import METRICS
from suite.metrics.evidence.records import RECORDS
from suite.metrics.evidence.training import TrainingStart
from suite.record import canonical_json
from suite.store import Store
from suite.store.records import STRIDES

STORE = Path(__file__).parents[2] / "golden" / "store" / "store.sqlite"
SCALARS = {
    bool: st.booleans(),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
    str: st.text(max_size=5),
    type(None): st.none(),
}
KINDS: set[type[Any]] = {*RECORDS.values(), TrainingStart}
EVERY_KIND = sorted(KINDS, key=lambda kind: str(kind.__name__))


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return st.one_of(*map(values, arguments))
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return st.dictionaries(st.text(max_size=5), values(arguments[1]), max_size=3)
    if hint in SCALARS:
        return SCALARS[hint]
    hints = get_type_hints(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        return st.builds(hint, **{name: values(kind) for name, kind in hints.items()})
    return st.tuples(*map(values, hints.values())).map(lambda row: hint(*row))


@pytest.mark.parametrize("kind", EVERY_KIND)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_record_survives_the_store(kind: type[Evidence], data: st.DataObject) -> None:
    record = data.draw(values(kind))

    assert kind.from_json(json.loads(canonical_json(record.as_json))) == record


@pytest.mark.parametrize("kind", [kind for kind in EVERY_KIND if kind != RECORDS["train_steps"]])
def test_a_store_that_lacks_everything_reads_as_not_recorded(kind: type[Evidence]) -> None:
    assert all(field.default is not MISSING for field in fields(kind))  # type: ignore[arg-type]
    assert kind.from_json({}) == kind()


def stored() -> list[tuple[str, str]]:
    """Metric and notes of every measurement of the store, as its text."""
    connection = sqlite3.connect(f"file:{STORE}?mode=ro&immutable=1", uri=True)
    return connection.execute("SELECT metric, notes FROM measurements").fetchall()


@pytest.mark.parametrize("metric", sorted({metric for metric, _ in stored()}))
def test_the_notes_of_an_earlier_build_are_written_as_they_were_read(metric: str) -> None:
    notes = [text for name, text in stored() if name == metric]

    kind = RECORDS.get(metric)

    if kind is None:
        assert set(notes) == {"{}"}
    else:
        records = [kind.from_json(json.loads(text)) for text in notes]
        assert [canonical_json(record.as_json) for record in records] == notes


def test_what_an_earlier_build_kept_of_a_start_is_written_as_it_was_read() -> None:
    with Store.open_readonly(STORE) as store:
        outcomes = [outcome for outcome in store.outcomes() if outcome.kind == "train"]
    starts = [outcome.environment["start"] for outcome in outcomes]

    records = [TrainingStart.from_json(start) for start in starts]

    assert [record.as_json for record in records] == starts
    assert {record.form for record in records} == {"checkpoint"}


def test_records_are_of_metrics_that_there_are() -> None:
    assert RECORDS.keys() <= {STRIDES, *(metric.name for metric in METRICS)}


def test_records_are_read_without_torch_numpy_or_scipy() -> None:
    code = (
        "import sys, suite.metrics.evidence.records; "
        "sys.exit(bool({'torch', 'numpy', 'scipy'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
