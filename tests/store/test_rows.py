"""Every kind of record, from Python to a row of the store's tables and back."""

import math
import sqlite3
from typing import Any

import pytest

from suite.record import Failure, Json, Measurement, Metric, Outcome
from suite.store import JobRecord, VariantRecord, decode, encode

JOB_COLUMNS = ("key", "kind", "variant", "fingerprint", "seed", "replica")
OUTCOME_COLUMNS = ("started", "seconds", "environment", "artifacts", "failure")
MEASUREMENT_COLUMNS = ("metric", "version", "unit", "form", "samples", "settings", "notes")
VARIANT_COLUMNS = (
    *("name", "title", "paper", "base"),
    *("baseline", "control", "fingerprint", "spec"),
)
TRAIN = JobRecord("k", "train", "yolov5p", "f0", seed=3)


def row(columns: tuple[str, ...], cells: tuple[encode.Cell, ...], **more: encode.Cell) -> Any:
    """The cells as SQLite gives them back."""
    values = dict(zip(columns, cells, strict=True)) | more
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    names = ", ".join(f"? AS {name}" for name in values)
    return connection.execute(f"SELECT {names}", tuple(values.values())).fetchone()


def through_the_store(measurement: Measurement) -> Measurement:
    return decode.measurement(row(MEASUREMENT_COLUMNS, encode.measurement_row(measurement)))


@pytest.mark.parametrize("form", ["trained", "deployed", ""])
def test_a_measurement_comes_back_as_it_was(form: Any) -> None:
    settings: dict[str, Json] = {
        "threads": 4,
        "precision": "fp32",
        "tf32": False,
        "size": [640, 640],
    }
    notes: dict[str, Json] = {"by part": {"head": 1.5, "neck": None}, "said": 'ä "quoted" line\n'}
    measurement = Measurement("latency", 2, "ms", form, (1.5, 2.5), settings, notes)

    assert through_the_store(measurement) == measurement


@pytest.mark.parametrize(
    "sample", [0.1, 1 / 3, 1e-300, 5e-324, 1.7976931348623157e308, 2.0**53 + 2, -7.0]
)
def test_a_sample_keeps_its_last_bit(sample: float) -> None:
    assert through_the_store(Measurement("m", 1, "1", "", (sample,))).samples == (sample,)


def test_the_sign_of_a_zero_is_kept() -> None:
    (sample,) = through_the_store(Measurement("m", 1, "1", "", (-0.0,))).samples

    assert math.copysign(1, sample) == -1


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", ["samples", "settings", "notes"])
def test_a_number_that_is_not_finite_makes_no_row(number: float, where: str) -> None:
    parts: dict[str, Any] = {"samples": (1.0,), "settings": {}, "notes": {}}
    parts[where] = (number,) if where == "samples" else {"deep": [{"down": number}]}

    with pytest.raises(ValueError, match="not JSON compliant"):
        encode.measurement_row(Measurement("m", 1, "1", "", **parts))


@pytest.mark.parametrize(
    ("outcome", "failure", "status"),
    [(None, None, "missing"), (7, None, "done"), (7, "{}", "failed")],
)
def test_a_job_comes_back_with_what_became_of_it(
    outcome: int | None, failure: str | None, status: str
) -> None:
    cells = encode.job_row(TRAIN)

    job = decode.job(row(JOB_COLUMNS, cells, reused=1, outcome=outcome, failure=failure))

    assert (job.key, job.kind, job.seed, job.replica) == ("k", "train", 3, None)
    assert (job.status, job.reused) == (status, True)


@pytest.mark.parametrize(
    "failure", [None, Failure("train", "oom", "killed by the kernel", "the end\nof a log")]
)
def test_an_outcome_comes_back_as_it_was(failure: Failure | None) -> None:
    outcome = Outcome(
        "k", (), failure, "2026-01-01T00:00:00+00:00", 1.25, {"cpu": "A"}, ("a/x.bin", "a/y")
    )
    cells = (*encode.job_row(TRAIN), *encode.outcome_row(outcome))

    stored = decode.outcome(row((*JOB_COLUMNS, *OUTCOME_COLUMNS), cells), ())

    assert (stored.key, stored.kind, stored.variant, stored.seed) == ("k", "train", "yolov5p", 3)
    assert (stored.started, stored.seconds) == (outcome.started, outcome.seconds)
    assert (stored.environment, stored.artifacts) == (outcome.environment, outcome.artifacts)
    assert stored.failure == failure


def test_a_variant_has_no_strides_before_its_static_job_is_done() -> None:
    variant = VariantRecord("n", "a title", "a paper", "b", "c", "d", "f0", spec={"layers": [1]})

    assert decode.variant(row(VARIANT_COLUMNS, encode.variant_row(variant)), None) == variant


def test_a_variant_gets_strides_and_warnings_from_its_static_job() -> None:
    variant = VariantRecord("n", "a title", "a paper", "b", "", "", "f0")
    strides = Measurement("strides", 1, "px", "trained", (8.0, 16.0), {}, {"warnings": ["odd"]})

    stored = decode.variant(row(VARIANT_COLUMNS, encode.variant_row(variant)), strides)

    assert (stored.strides, stored.warnings) == ((8, 16), ("odd",))


def test_a_run_comes_back_with_the_metrics_that_it_worked_with() -> None:
    metrics = (Metric("params", "parameters", "1", "lower", 1, 0, "size"),)
    columns = ("id", "started", "finished", "protocol", "protocol_json", "git", "machine")
    cells = ("r", "2026", "", "demo", '{"seeds":[0]}', "abc", '{"class":"A"}')
    more = {"dataset": "d0", "metrics": encode.metrics_json(metrics)}

    run = decode.run(row(columns, cells, **more), jobs=(TRAIN,), variants=())

    assert (run.id, run.protocol, run.git, run.dataset_fingerprint) == ("r", "demo", "abc", "d0")
    assert (run.protocol_json, run.machine) == ({"seeds": [0]}, {"class": "A"})
    assert (run.metrics, run.jobs, run.finished) == (metrics, (TRAIN,), "")


def test_a_files_text_does_not_depend_on_the_order_of_keys() -> None:
    one = Measurement("m", 1, "1", "", (1.0,), {"a": 1, "b": 2})
    other = Measurement("m", 1, "1", "", (1.0,), {"b": 2, "a": 1})

    assert encode.measurement_row(one) == encode.measurement_row(other)
