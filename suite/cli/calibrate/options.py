"""The options of `calibrate`, read into one record."""

from dataclasses import dataclass
from pathlib import Path

import click

from suite.cli.binding import Decorator
from suite.cli.numbers import image_size_option
from suite.cli.options import name_argument


@dataclass(frozen=True, slots=True)
class CalibrateOptions:
    """What is tried how often under which conditions, and where it is kept. `planted` are shares of time."""

    name: str
    image_size: int
    repetitions: int
    seconds: float
    conditions: tuple[str, ...]
    planted: tuple[float, ...]
    out: Path


CONDITIONS = ("quiet", "loaded")


def _shares(context: click.Context, parameter: click.Parameter, text: str) -> tuple[float, ...]:
    """Slow-downs in per cent, "5,3", as shares."""
    try:
        shares = tuple(float(part) / 100 for part in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"per cents with commas between them, not {text!r}", context, parameter
        ) from None
    if min(shares) <= 0:
        raise click.BadParameter("a slow-down is more than 0 %", context, parameter)
    return shares


def _conditions(context: click.Context, parameter: click.Parameter, text: str) -> tuple[str, ...]:
    conditions = tuple(text.split(","))
    if not set(conditions) <= set(CONDITIONS):
        raise click.BadParameter(
            f"there are {' and '.join(CONDITIONS)}, not {text!r}", context, parameter
        )
    return conditions


OPTIONS: tuple[Decorator, ...] = (
    name_argument,
    image_size_option("", default=224),
    click.option(
        "--repetitions",
        type=click.IntRange(1),
        default=40,
        show_default=True,
        help="In each condition.",
    ),
    click.option(
        "--seconds",
        type=click.FloatRange(0.5),
        default=30.0,
        show_default=True,
        help="Of rounds; as many follow without.",
    ),
    click.option(
        "--conditions",
        callback=_conditions,
        default="quiet,loaded",
        show_default=True,
        help="`quiet` is the machine as it is, `loaded` has one busy process for each core.",
    ),
    click.option(
        "--planted",
        callback=_shares,
        default="5,3",
        show_default=True,
        metavar="%,%",
        help="Slow-downs to be found.",
    ),
    click.option(
        "--out",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("out/calibration.jsonl"),
        show_default=True,
        metavar="FILE",
        help="Every repetition is added to it; what it holds is not repeated.",
    ),
)
