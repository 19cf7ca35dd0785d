"""What commands share in reading their options."""

from dataclasses import dataclass

import click
import pytest
from click.testing import CliRunner

from suite.cli.binding import bound
from suite.cli.numbers import MOST_SEEDS, seeds_option
from suite.cli.options import complete_name


@dataclass(frozen=True)
class Wanted:
    """Two of the three options of the command below."""

    name: str
    seeds: tuple[int, ...]


OPTIONS = (click.argument("name"), seeds_option("--seeds", "Seeds."))


@click.command()
@bound(Wanted, OPTIONS)
@click.option("--loud", is_flag=True)
def command(wanted: Wanted, *, loud: bool) -> None:
    click.echo(f"{wanted} {loud}")


def answer(*arguments: str) -> str:
    return CliRunner().invoke(command, arguments).output.strip()


def test_options_arrive_as_one_record_and_others_by_their_names():
    assert answer("x", "--seeds", "3", "--loud") == "Wanted(name='x', seeds=(3,)) True"


def test_options_stand_in_the_help_in_their_order():
    text = answer("--help")

    assert text.index("NAME") < text.index("--seeds") < text.index("--loud")


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("4", (4,)), ("0,2", (0, 2)), ("1-3", (1, 2, 3)), ("0, 5-6", (0, 5, 6)), ("2-2", (2,))],
)
def test_seeds_are_numbers_and_ranges(text, seeds):
    assert f"seeds={seeds}" in answer("x", "--seeds", text)


@pytest.mark.parametrize(
    ("text", "part"),
    [("1,x", "'x'"), ("3-1", "'3-1'"), ("1,", "''"), ("-1", "'-1'"), ("1-", "'1-'")],
)
def test_seeds_that_are_none_are_named(text, part):
    message = "seeds are whole numbers or ranges such as 0-2, with commas between them, not"

    assert f"{message} {part}" in " ".join(answer("x", f"--seeds={text}").split())


@pytest.mark.parametrize("text", ["0-1000", "0-99999999999", "0-998,1000-1001"])
def test_more_seeds_than_anybody_trains_are_refused(text):
    assert f"at most {MOST_SEEDS} seeds" in answer("x", "--seeds", text)


def test_a_seed_is_named_once():
    assert "a seed is named twice" in answer("x", "--seeds", "0-2,1")


def test_without_seeds_there_are_none():
    assert "seeds=()" in answer("x")


def completed(incomplete: str) -> list[tuple[str, str]]:
    context = click.Context(command)
    items = complete_name(context, command.params[0], incomplete)
    return [(item.value, item.type) for item in items]


def test_names_are_completed_from_the_library():
    assert ("yolov5p_convnext", "plain") in completed("yolov5p_conv")


def test_a_path_is_left_to_the_shell():
    assert completed("./mine") == [("./mine", "file")]
    assert completed("no_such_variant") == []
