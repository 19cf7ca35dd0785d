from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import pytest

from suite.yaml.document import Node, parse
from suite.yaml.errors import Problems
from suite.yaml.mark import Mark
from suite.yaml.reader import Reader
from suite.yaml.records import Check, Decoder, Entries
from suite.yaml.rules import keys_of, needed, setting
from suite.yaml.shapes import Special


@dataclass(frozen=True)
class Filling:
    """What is in a cake."""

    kind: Literal["jam", "cream"] = setting("jam", "what it is")
    sugar: float = setting(0.5, "its share of sugar", high=1, belongs=("jam",))
    mark: Mark | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Cake:
    """One of everything that a record can have."""

    shelf: int
    name: str = needed("what it is called")
    layers: int = setting(1, "how many", low=1, high=9)
    weight: float = setting(1.0, "in kilograms", high=50, above=True)
    price: float = setting(1.0, "as written", high=50, as_written=True)
    vegan: bool = setting(False, "without milk")
    oven: str = setting("gas", "how it is baked", choices=("gas", "wood"))
    sizes: tuple[int, ...] = setting((), "in centimetres", members="a size", high=99, unique=True)
    guests: tuple[str, ...] = setting((), "for whom", several=True, name=True, least=1)
    filling: Filling = setting(Filling("cream"), "what is in it", key="inside")
    topping: Filling | None = setting(None, "what is on it", shorthand="kind")
    slices: int | None = setting(8, "into how many it is cut", word="uncut", low=2, high=64)
    spread: tuple[tuple[Filling, Mark], ...] = setting((), "between", members="a spread")
    colour: str = setting("", "as the language has it", form="colour")
    glaze: str = setting("", "needed without a colour", unless="colour")


def read_colour(decoder: Decoder, node: Node, called: str) -> str | None:
    word = decoder.reader.word(node, called)
    return f"#{word}" if word else None


def check_price(cake: Entries) -> None:
    if cake.values.get("price", 0) > cake.values.get("weight", 50):
        cake.report("price", "E105", f"{cake.called} is too dear")


class Bakery(Decoder):
    """A small language."""

    specials: ClassVar[Mapping[str, Special]] = {
        "colour": Special(read_colour, lambda: {"type": "string"}, "any")
    }
    checks: ClassVar[Mapping[type, Check]] = {Cake: Check(check_price)}


def read(text: str) -> tuple[Cake | None, list[str]]:
    problems = Problems()
    root = parse(f"glaze: x\n{text}\n", "f.yaml", problems)
    made = Bakery(Reader(problems)).record(Cake, root, "a cake", shelf=3)
    return made, [str(problem) for problem in problems.found]


def cake(text: str) -> Cake:
    made, problems = read(text)
    assert problems == []
    assert made is not None
    return made


def test_what_a_file_leaves_out_has_the_records_defaults() -> None:
    assert cake("name: plain") == Cake(shelf=3, name="plain", glaze="x")


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("layers: 9", "layers", 9),
        ("vegan: true", "vegan", True),
        ("oven: wood", "oven", "wood"),
        ("sizes: [20, 30]", "sizes", (20, 30)),
        ("guests: Ann", "guests", ("Ann",)),
        ("guests: [Ann, Bob]", "guests", ("Ann", "Bob")),
        ("inside: {sugar: 1, kind: jam}", "filling", Filling("jam", 1)),
        ("topping: cream", "topping", Filling("cream")),
        ("topping: {sugar: 0.1}", "topping", Filling("jam", 0.1)),
        ("slices: 12", "slices", 12),
        ("slices: uncut", "slices", None),
        ("colour: red", "colour", "#red"),
    ],
)
def test_a_value_is_read_as_its_field_is_annotated(text: str, name: str, value: object) -> None:
    assert getattr(cake(f"name: x\n{text}"), name) == value


def test_a_nested_record_starts_from_the_fields_own_default() -> None:
    assert cake("name: x\ninside: {}").filling == Filling("cream")


@pytest.mark.parametrize(("key", "kind"), [("weight", float), ("price", int)])
def test_a_whole_number_becomes_a_float_unless_it_stays_as_written(key: str, kind: type) -> None:
    made = cake("name: x\nweight: 3\nprice: 2")

    assert type(getattr(made, key)) is kind


def test_members_may_come_with_where_they_stand() -> None:
    [(filling, mark)] = cake("name: x\nspread:\n  - {sugar: 0}").spread

    assert filling.sugar == 0
    assert str(mark) == "f.yaml:4:5"


def test_a_record_with_a_field_for_a_mark_knows_where_it_stands() -> None:
    assert str(cake("name: x\ninside: {}").filling.mark) == "f.yaml:3:9"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nane: x\nname: x", "f.yaml:2:1: error E102: unknown key 'nane'; did you mean 'name'?"),
        ("layers: 2", "f.yaml:1:1: error E103: a cake needs `name`"),
        ("name: x\nlayers: 10", "f.yaml:3:9: error E104: `layers` is from 1 to 9, not 10"),
        ("name: x\nweight: 0", "f.yaml:3:9: error E104: `weight` is above 0, not 0"),
        ("name: x\noven: wod", "f.yaml:3:7: error E101: `oven` cannot be 'wod'; did you mean 'wood'?"),
        ("name: x\nsizes: 3", "f.yaml:3:8: error E101: `sizes` is a list, not 3"),
        ("name: x\nsizes: [a]", "f.yaml:3:9: error E101: a size is a whole number, not the word 'a'"),
        ("name: x\nsizes: [1, 1]", "f.yaml:3:8: error E101: `sizes` names nothing twice, not a list"),
        ("name: x\nguests: []", "f.yaml:3:9: error E101: `guests` has at least one member, not a list"),
        ("name: x\ninside: 3", "f.yaml:3:9: error E101: `inside` is a mapping, not 3"),
        ("name: x\ntopping: 3", "f.yaml:3:10: error E101: `topping` is a mapping, not 3"),
        ("name: x\ntopping: jelly", "f.yaml:3:10: error E101: `kind` cannot be 'jelly'; there are: cream, jam"),
        ("name: x\nslices: 1", "f.yaml:3:9: error E104: `slices` is from 2 to 64, not 1"),
        (
            "name: x\ntopping: {kind: cream, sugar: 1}",
            "f.yaml:3:24: error E105: `sugar` is of jam, which is not named here",
        ),
        ("name: x\nprice: 9\nweight: 2", "f.yaml:3:1: error E105: a cake is too dear"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_what_would_be_right(text: str, problem: str) -> None:
    made, problems = read(text)

    assert made is None
    assert problems == [problem]


def test_all_mistakes_are_named_at_once() -> None:
    _, problems = read("layers: 0\nvegan: 1\ninside: {kind: x, sugar: 2}")

    assert len(problems) == 5


def test_a_value_that_yaml_refused_is_reported_once() -> None:
    made, problems = read("name: x\nlayers: 010")

    assert made is None
    assert len(problems) == 1


@pytest.mark.parametrize(("text", "whole"), [("", False), ("glaze: x", True), ("colour: x", True)])
def test_a_key_that_another_stands_in_for_must_be_there_without_it(text: str, whole: bool) -> None:
    problems = Problems()
    root = parse(f"name: x\n{text}\n", "f.yaml", problems)

    made = Bakery(Reader(problems)).record(Cake, root, "a cake", shelf=3)

    assert (made is not None) == whole
    assert [problem.message for problem in problems.found] == ["a cake needs `glaze`"] * (not whole)


def test_fields_without_a_rule_are_no_keys() -> None:
    assert "shelf" not in keys_of(Cake)
    assert keys_of(Filling) == ("kind", "sugar")


class Terse(Decoder):
    """A language that words its messages otherwise."""

    ticks: ClassVar[str] = ""

    def report_missing(self, table, called: str, keys: Sequence[str]) -> None:
        self.reader.problems.add(table.mark, "E103", f"no {' and no '.join(keys)}")


def test_a_language_words_its_own_messages() -> None:
    problems = Problems()
    root = parse("layers: x\n", "f.yaml", problems)

    Terse(Reader(problems)).record(Cake, root, "a cake", shelf=3)

    assert [problem.message for problem in problems.found] == [
        "layers is a whole number, not the word 'x'",
        "no name and no glaze",
    ]
