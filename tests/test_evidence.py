"""Records that stand as JSON in a store: what is written, what an older or a damaged store reads as."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest

from suite.evidence import Evidence, EvidenceError


class Corner(NamedTuple):
    """A row of an array."""

    name: str
    x: float


@dataclass(frozen=True, slots=True)
class Step(Evidence):
    """Always written whole."""

    number: int
    why: str | None


@dataclass(frozen=True, slots=True)
class Walk(Evidence):
    """Nothing of it has to be there."""

    steps: tuple[Step, ...] | None = None
    corners: tuple[Corner, ...] | None = None
    seconds: tuple[float, ...] | None = None
    by_day: Mapping[str, float | None] | None = None
    weather: str | None = field(default=None, metadata={"key": "sky"})
    ended: bool | None = None
    guide: int | str | None = None


WHOLE = Walk(
    steps=(Step(1, None), Step(2, "uphill")),
    corners=(Corner("inn", 1.5),),
    seconds=(1.5, 2),
    by_day={"Monday": None, "Tuesday": 0.5},
    weather="clear",
    ended=True,
    guide="Ada",
)
WRITTEN = {
    "steps": [{"number": 1, "why": None}, {"number": 2, "why": "uphill"}],
    "corners": [["inn", 1.5]],
    "seconds": [1.5, 2],
    "by_day": {"Monday": None, "Tuesday": 0.5},
    "sky": "clear",
    "ended": True,
    "guide": "Ada",
}


def test_a_record_is_written_by_its_fields() -> None:
    assert WHOLE.as_json == WRITTEN


def test_a_record_survives_the_store() -> None:
    assert Walk.from_json(json.loads(json.dumps(WRITTEN))) == WHOLE


def test_what_was_not_recorded_is_none_and_is_not_written() -> None:
    assert Walk.from_json({}) == Walk()
    assert Walk().as_json == {}


def test_nothing_is_not_the_same_as_not_recorded() -> None:
    assert Walk.from_json({"steps": [], "by_day": {}}) == Walk(steps=(), by_day={})
    assert Walk(steps=(), by_day={}).as_json == {"steps": [], "by_day": {}}


def test_a_whole_number_in_the_place_of_a_fraction_stays_whole() -> None:
    assert json.dumps(Walk.from_json({"seconds": [2, 0.5]}).as_json) == '{"seconds": [2, 0.5]}'


def test_keys_that_a_later_build_wrote_are_passed_over() -> None:
    assert Walk.from_json({"ended": True, "altitude": 3000}) == Walk(ended=True)


@pytest.mark.parametrize(
    "damaged",
    [
        {"steps": {"number": 1}},
        {"seconds": [1.0, "2.0"]},
        {"seconds": [True]},
        {"by_day": [0.5]},
        {"sky": 7},
        {"ended": 1},
        {"guide": 0.5},
        {"corners": None},
    ],
)
def test_a_value_of_another_type_reads_as_not_recorded(damaged: dict) -> None:
    assert Walk.from_json(damaged) == Walk()


def test_of_many_records_those_that_cannot_be_read_are_left_out() -> None:
    read = Walk.from_json(
        {
            "steps": [{"number": 1}, "?", {"number": 2, "why": "uphill"}],
            "corners": [["inn"], ["mill", 2.0], "?"],
            "by_day": {"Monday": "?", "Tuesday": 0.5},
        }
    )

    assert read == Walk(
        steps=(Step(2, "uphill"),), corners=(Corner("mill", 2.0),), by_day={"Tuesday": 0.5}
    )


@pytest.mark.parametrize("notes", [{}, {"number": 1}, {"number": "1", "why": None}])
def test_a_record_that_lacks_what_it_always_has_is_refused(notes: dict) -> None:
    with pytest.raises(EvidenceError, match=r"Step: no usable '(number|why)'"):
        Step.from_json(notes)


@pytest.mark.parametrize("notes", [None, [], "text", 7])
def test_what_is_no_object_is_refused(notes: object) -> None:
    with pytest.raises(EvidenceError, match="where an object is wanted"):
        Walk.from_json(notes)  # type: ignore[arg-type]
