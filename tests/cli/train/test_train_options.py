"""What the options of `train` mean, without training."""

import click
import pytest
from click.testing import CliRunner

from suite.cli.train.options import DEFAULT_STEPS, Options, train_options
from suite.protocols import Budget


def read(*arguments: str) -> Options:
    """The record that the command is given."""
    seen: list[Options] = []

    @click.command()
    @train_options
    def command(options: Options) -> int:
        seen.append(options)
        return 0

    result = CliRunner().invoke(command, ["yolov5p", *arguments], standalone_mode=False)
    if result.exception:
        raise result.exception
    return seen[0]


def test_without_a_budget_it_is_the_default_steps() -> None:
    assert read().budget == Budget(8, steps=DEFAULT_STEPS)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--epochs", "3"), Budget(8, epochs=3)),
        (("--flops", "1e12", "--batch", "4"), Budget(4, flops=1e12)),
        (("--seconds", "90"), Budget(8, seconds=90)),
    ],
)
def test_the_budget_is_the_one_that_is_stated(words: tuple[str, ...], expected: Budget) -> None:
    assert read(*words).budget == expected


def test_two_budgets_are_refused_by_name() -> None:
    with pytest.raises(click.UsageError, match="not --epochs and --seconds"):
        _ = read("--seconds", "5", "--epochs", "1").budget


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10m", (600.0, 0)), ("90s", (90.0, 0)), ("1h", (3600.0, 0)), ("25", (0.0, 25))],
)
def test_checkpoints_come_after_a_time_or_after_steps(
    text: str, expected: tuple[float, int]
) -> None:
    assert read("--checkpoint-every", text).checkpoint_every == expected


@pytest.mark.parametrize("text", ["0", "0m", "m", "1.5h", "-3", "10 m"])
def test_what_is_no_interval_of_checkpoints_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is a time such as 10m or 90s, or a number"):
        read("--checkpoint-every", text)
