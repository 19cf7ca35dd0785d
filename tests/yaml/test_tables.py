import pytest

from suite.yaml.rules import described
from suite.yaml.tables import default, limits, needed, note, rewritten, table
from tests.yaml.test_records import Bakery, Cake, Filling

FULL = {"needed": needed, "default": default, "range": limits(Bakery), "meaning": note}


def rows(text: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    return {first.strip("`"): rest for first, *rest in cells}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("name", ["yes", "", "", "what it is called"]),
        ("layers", ["", "1", "1 – 9", "how many"]),
        ("weight", ["", "1", "above 0 – 50", "in kilograms"]),
        ("vegan", ["", "false", "", "without milk"]),
        ("oven", ["", "gas", "gas, wood", "how it is baked"]),
        ("sizes", ["", "", "0 – 99", "in centimetres"]),
        ("inside", ["", "", "", "what is in it"]),
        ("topping", ["", "", "jam, cream", "what is on it"]),
        ("slices", ["", "8", "uncut, 2 – 64", "into how many it is cut"]),
        ("colour", ["", "", "any", "as the language has it"]),
    ],
)
def test_a_row_says_default_range_and_meaning(key: str, expected: list[str]) -> None:
    assert rows(table(described(Cake), FULL))[key] == expected


def test_the_defaults_may_be_those_of_another_record() -> None:
    assert rows(table(described(Filling, Filling("cream", 1)), FULL))["kind"][1] == "cream"


def test_a_page_gets_the_tables_where_it_marks_them_and_keeps_the_rest() -> None:
    page = "before\n<!-- keys of cake -->\nold\n<!-- end -->\nafter\n"

    assert rewritten(page, {"cake": "| new |\n"}) == (
        "before\n<!-- keys of cake -->\n| new |\n<!-- end -->\nafter\n"
    )


def test_a_mark_that_no_table_is_for_is_an_error() -> None:
    with pytest.raises(KeyError):
        rewritten("<!-- keys of pie -->\n<!-- end -->\n", {})
