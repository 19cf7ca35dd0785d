from dataclasses import dataclass
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from suite.yaml.document import parse, plain
from suite.yaml.errors import Problems
from suite.yaml.reader import Reader
from suite.yaml.records import Decoder
from suite.yaml.rules import needed, setting
from suite.yaml.schemas import Schemas, required
from tests.yaml.test_records import Bakery, Cake, Filling

PLACEHOLDER = "^\\$[a-z]+$"
TEXTS = [
    "name: x\nglaze: y",
    "name: x\ncolour: red",
    "name: x",
    "glaze: y",
    "name: 3\nglaze: y",
    "name: x\nglaze: y\nnane: z",
    "name: x\nglaze: y\nlayers: 0",
    "name: x\nglaze: y\nlayers: 1.5",
    "name: x\nglaze: y\nweight: 0",
    "name: x\nglaze: y\nweight: 50",
    "name: x\nglaze: y\nvegan: 1",
    "name: x\nglaze: y\noven: wod",
    "name: x\nglaze: y\nsizes: [1, 2]",
    "name: x\nglaze: y\nsizes: [1, 1]",
    "name: x\nglaze: y\nsizes: 1",
    "name: x\nglaze: y\nguests: Ann",
    "name: x\nglaze: y\ninside: {kind: jam}",
    "name: x\nglaze: y\ninside: {kind: jelly}",
    "name: x\nglaze: y\ntopping: jam",
    "name: x\nglaze: y\ntopping: {kind: cream}",
    "name: x\nglaze: y\ntopping: jelly",
    "name: x\nglaze: y\nslices: uncut",
    "name: x\nglaze: y\nslices: whole",
    "name: x\nglaze: y\nspread: [{kind: jam}]",
    "name: x\nglaze: y\nspread: [jam]",
]


def properties(schemas: Schemas, kind: type) -> Any:
    """What the schema of a record says of each of its keys."""
    return schemas.record(kind)["properties"]


@pytest.mark.parametrize("text", TEXTS)
def test_the_schema_accepts_what_the_decoder_accepts(text: str) -> None:
    problems = Problems()
    root = parse(text, "f.yaml", problems)

    made = Bakery(Reader(problems)).record(Cake, root, "a cake", shelf=3)

    schema = Schemas(Bakery).document(Cake, "A cake")
    assert Draft202012Validator(schema).is_valid(plain(root)) == (made is not None)


def test_a_key_has_its_line_of_documentation_and_its_default() -> None:
    schema = properties(Schemas(Bakery), Cake)

    assert schema["layers"] == {
        "type": "integer", "minimum": 1, "maximum": 9, "description": "how many", "default": 1
    }  # fmt: skip


def test_a_nested_records_defaults_are_those_of_the_field() -> None:
    inside = properties(Schemas(Bakery), Cake)["inside"]

    assert inside["properties"]["kind"]["default"] == "cream"


def test_a_shared_record_is_referred_to() -> None:
    schema = properties(Schemas(Bakery, shared={Filling: "filling"}), Cake)

    assert schema["inside"]["$ref"] == "#/$defs/filling"


@pytest.mark.parametrize("key", ["layers", "weight", "vegan", "oven", "guests", "topping"])
@pytest.mark.parametrize(("placeholder", "accepted"), [(PLACEHOLDER, True), ("", False)])
def test_a_placeholder_may_stand_for_a_value_where_the_language_has_them(
    key: str, placeholder: str, accepted: bool
) -> None:
    schema = properties(Schemas(Bakery, placeholder=placeholder), Cake)
    value = "$x" if key != "guests" else ["$x", 3]

    assert Draft202012Validator(schema["layers"]).is_valid("$x") == accepted
    if key != "guests":
        assert Draft202012Validator(schema[key]).is_valid(value) == accepted


@dataclass(frozen=True)
class Single:
    """A record whose only choice is no choice."""

    way: str = needed("the only one", choices=("this",))
    other: int = setting(0, "", high=3)


def test_a_choice_of_one_cannot_be_a_placeholder() -> None:
    schema: dict[str, Any] = Schemas(Decoder, placeholder=PLACEHOLDER).record(Single)

    assert schema["properties"]["way"] == {"enum": ["this"], "description": "the only one"}
    assert schema["required"] == required(["way"])["required"]
