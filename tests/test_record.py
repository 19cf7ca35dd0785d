"""Records that travel from a job to the report, and the one text of a JSON value."""

import pytest

from suite.record import Metric, canonical_json, digest, file_digest

SIZE = Metric("params", "parameters", "parameters", "lower", 3, 0, "size")
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # FIPS 180-4


def test_a_measurement_states_the_metric_with_its_version_and_unit() -> None:
    measured = SIZE.measured([7.0, 8.0], form="deployed", settings={"classes": 4})

    assert (measured.metric, measured.metric_version, measured.unit) == ("params", 3, "parameters")
    assert (measured.form, measured.samples) == ("deployed", (7.0, 8.0))
    assert (measured.settings, measured.notes) == ({"classes": 4}, {})


def test_equal_values_have_one_text_whatever_the_order_of_their_keys() -> None:
    assert canonical_json({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}'
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json([value])


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(b"")

    assert file_digest(path) == EMPTY_SHA256
