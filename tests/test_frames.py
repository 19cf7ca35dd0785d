"""The store as pandas DataFrames."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from suite.record import Failure, Json, Measurement, Outcome
from suite.store import JobRecord, Store, StoreError, VariantRecord
from suite.store.frames import measurements, records

BASE = VariantRecord("yolov5p", "a title", "", "", "", "", "f0")
ODCONV = VariantRecord("yolov5p_odconv", "another title", "", "yolov5p", "yolov5p", "", "f1")
TRAIN = JobRecord("k-train", "train", "yolov5p", "f0", seed=3)
LATENCY = JobRecord("k-latency", "latency", "yolov5p_odconv", "f1", replica=1)
STARTED = "2026-01-01T00:00:00+00:00"


def measurement(metric: str, *samples: float, **settings: Json) -> Measurement:
    return Measurement(metric, 2, "ms", "deployed", samples, settings)


def outcome(key: str, *taken: Measurement, failure: Failure | None = None) -> Outcome:
    return Outcome(key, taken, failure, STARTED, 1.5)


def begin(store: Store, *jobs: JobRecord) -> str:
    return store.begin_run(
        protocol="demo",
        protocol_json={},
        git="",
        machine={},
        dataset_fingerprint="d0",
        metrics=[],
        variants=[BASE, ODCONV],
        jobs=jobs,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with a run of a training and a timing, which the second run takes over."""
    path = tmp_path / "store.sqlite"
    with Store.open(path) as store:
        first = begin(store, TRAIN, LATENCY)
        store.put(first, TRAIN, outcome("k-train", measurement("ap", 0.25, image_size=320)))
        timing = measurement("latency_wall_ms", 1.5, 2.5, threads=1, share=[1, 2])
        store.put(first, LATENCY, outcome("k-latency", timing))
        begin(store, replace(LATENCY, reused=True))
    return path


def test_a_store_gives_one_row_a_sample_with_its_origin(path: Path) -> None:
    frame = measurements(path, "latest")

    assert frame["value"].tolist() == [1.5, 2.5]
    assert frame["sample"].tolist() == [0, 1]
    assert set(frame["variant"]) == {"yolov5p_odconv"}
    assert set(frame["baseline"]) == {"yolov5p"}
    assert frame["reused"].all()


def test_without_a_run_every_run_has_its_rows(path: Path) -> None:
    frame = measurements(path)

    assert frame.groupby("run", sort=False).size().tolist() == [3, 2]


def is_missing(cell: Any) -> bool:
    return bool(pd.isna(cell))


def test_what_a_kind_of_job_lacks_is_missing_not_zero(path: Path) -> None:
    frame = measurements(path).drop_duplicates("key").set_index("kind")

    assert frame.loc["train", "seed"] == 3
    assert is_missing(frame.loc["train", "replica"])
    assert is_missing(frame.loc["latency", "seed"])


def test_every_setting_has_a_column_of_its_own_type(path: Path) -> None:
    frame = measurements(path).drop_duplicates("key").set_index("kind")

    assert frame.loc["train", "setting.image_size"] == 320
    assert is_missing(frame.loc["latency", "setting.image_size"])
    assert frame.loc["latency", "setting.share"] == "[1,2]"
    assert frame["setting.threads"].dtype == "Int64"


def test_the_time_of_an_outcome_is_a_time(path: Path) -> None:
    frame = measurements(path)

    assert (frame["started"] == pd.Timestamp(STARTED)).all()
    assert (frame["seconds"] == 1.5).all()


def test_an_empty_store_gives_an_empty_frame_with_its_columns(tmp_path: Path) -> None:
    Store.open(tmp_path / "store.sqlite").close()

    frame = measurements(tmp_path / "store.sqlite")

    assert frame.empty
    assert {"run", "variant", "metric", "value"} <= set(frame.columns)


def test_a_missing_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"store\.sqlite"):
        measurements(tmp_path / "store.sqlite")


def test_records_hold_failures_as_rows_without_a_value(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    failure = Failure("train", "oom", "no memory left")
    with Store.open(path) as store:
        run = begin(store, TRAIN, LATENCY)
        store.put(run, TRAIN, outcome("k-train", failure=failure))
        store.put(run, LATENCY, outcome("k-latency", measurement("latency_wall_ms", 1.5)))
        frame = records(store.outcomes()).set_index("key")

    assert frame.loc["k-train", "failure"] == "train oom: no memory left"
    assert is_missing(frame.loc["k-train", "value"])
    assert frame.loc["k-latency", "value"] == 1.5
    assert is_missing(frame.loc["k-latency", "failure"])
