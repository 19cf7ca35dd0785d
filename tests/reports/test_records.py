"""The records of a store as files."""

import io
import json
import sys

import pandas as pd
import pytest

from reports.records import MissingLibraryError, csv_text, json_text, parquet_bytes
from suite.record import Failure, Measurement
from suite.store import StoredOutcome

PARAMS = Measurement("params", 1, "1", "deployed", (448_225, 0.5), {"image_size": 320}, {"a": [1]})


def outcome(*measurements: Measurement, failure: Failure | None = None, name: str = "base"):
    started = "2026-01-01T00:00:00+00:00"
    return StoredOutcome(
        "k", "static", name, "f0", None, None, started, 1.5, {}, (), failure, measurements
    )


def test_json_holds_the_evidence_too() -> None:
    (record,) = json.loads(json_text([outcome(PARAMS)]))

    assert record["measurements"][0]["notes"] == {"a": [1]}


def test_csv_writes_counts_as_whole_numbers_and_what_does_not_apply_as_nothing() -> None:
    header, first, second = csv_text([outcome(PARAMS)]).splitlines()

    assert header.startswith("key,kind,variant,fingerprint,seed,replica,started,metric,")
    assert first.endswith(',"{""image_size"": 320}",0,448225,')
    assert second.endswith(",1,0.5,")
    assert ",base,f0,,," in first


def test_csv_has_a_line_for_a_failure() -> None:
    text = csv_text([outcome(failure=Failure("build", "spec", "no block"))])

    assert text.splitlines()[1].endswith(",build spec: no block")


@pytest.mark.parametrize("name", ["=1+1", "+a", "-a", "@a"])
def test_a_spreadsheet_runs_no_cell_of_the_csv(name: str) -> None:
    assert f",'{name},f0," in csv_text([outcome(PARAMS, name=name)])


def test_a_store_without_records_is_a_header() -> None:
    assert len(csv_text([]).splitlines()) == 1


def test_parquet_without_pyarrow_names_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "fastparquet", None)

    with pytest.raises(MissingLibraryError, match=r"suite\[parquet\]"):
        parquet_bytes([outcome(PARAMS)])


def test_parquet_keeps_the_types() -> None:
    frame = pd.read_parquet(io.BytesIO(parquet_bytes([outcome(PARAMS)])))

    assert frame["value"].tolist() == [448_225.0, 0.5]
