"""What is said to text that is no YAML."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.yaml.document import parse
from suite.yaml.errors import Problems, SpecError

QUOTES = 'put it in quotes: a text that holds ": " is "like: this"'
BLANKS = "indent with blanks, not with a tab"


def hint_of(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse(text, "f.yaml", Problems())
    [problem] = caught.value.problems
    assert problem.code == "E001"
    return problem.hint


@pytest.mark.parametrize(
    "text",
    [
        "title: YOLOv5s: wider\nbase: b\n",
        "base: b\npaper: YOLO: a view\n",
        "title: YOLOv5s @ 640: wide\n",
        "title:\n  YOLO: a: b\n",
        "steps:\n  - name: a\n    title: A: b\n",
        "steps:\n  - {name: a, title: A: b}\n",
        "title: a: b\n\tbase: c\n",
    ],
)
def test_a_colon_in_a_text_is_to_be_put_in_quotes(text: str) -> None:
    assert hint_of(text) == QUOTES


@pytest.mark.parametrize(
    "text",
    [
        "edits:\n\t- remove: {tag: p3}\n",
        "edits:\n  -\tremove: {tag: p3}\n    count: 1\n",
        "title: x\n\twidth: 2\n",
        "edits:\n  - set:\n\ttag: p3\n",
    ],
)
def test_a_tab_is_to_be_replaced_by_blanks(text: str) -> None:
    assert hint_of(text) == BLANKS


@pytest.mark.parametrize(("text", "sign"), [("title: @x\n", "@"), ("paper: `x`\n", "`")])
def test_a_sign_that_begins_no_text_is_named(text: str, sign: str) -> None:
    assert hint_of(text) == f"put a text that begins with {sign} in quotes"


def test_a_colon_without_a_blank_is_found_in_the_line_above() -> None:
    assert (
        hint_of("base:yolov5s\ntitle: x\n") == "a blank belongs after the colon of the line above"
    )


def test_a_line_that_is_indented_too_far_is_told_so() -> None:
    assert hint_of("base: yolov5s\n title: x\n") == "indent it like the line above"


@pytest.mark.parametrize("text", ["base: b\ntitle: [a\n", 'base: b\ntitle: "a\n'])
def test_what_is_not_closed_is_found_where_it_begins(text: str) -> None:
    assert hint_of(text) == "close what begins in line 2, column 8"


def test_nothing_is_said_of_what_cannot_be_told() -> None:
    assert hint_of('title: "a" b: c\n') == ""


@given(st.text(alphabet="ab: \t\n-[]{}\"'@", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(SpecError):
        parse(text, "f.yaml", Problems())
