"""The options that `run` and `nightly` share."""

from pathlib import Path

import click

from suite.cli.binding import Decorator, bound
from suite.cli.numbers import seeds_option
from suite.cli.options import (
    LOADING_OPTIONS,
    allow_code_option,
    names_argument,
    out_option,
    variants_option,
    weights_option,
)
from suite.cli.reading import voc_first_pixel_option
from suite.session.options import RunOptions


def run_options(protocol: str) -> Decorator:
    """Give a command the arguments and options of a run, `protocol` by default.

    It receives them as `RunOptions`, and `strict` beside them, which asks for an exit code only.
    """
    choice = click.option(
        "--protocol",
        default=protocol,
        show_default=True,
        metavar="NAME",
        help="What a run does; or a file.",
    )
    return bound(RunOptions, [names_argument(), choice, *_OPTIONS])


_OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="Set a key of the protocol, such as budget.steps=10. Repeatable.",
    ),
    click.option(
        "--data",
        type=click.Path(exists=True, path_type=Path),
        metavar="DIR",
        help="A data set for the protocol's: COCO JSON, YOLO txt (or its data.yaml) or Pascal VOC.",
    ),
    voc_first_pixel_option,
    variants_option,
    allow_code_option,
    weights_option,
    out_option("Where store, logs, artifacts and report go."),
    seeds_option("--seeds", "Seeds instead of the protocol's."),
    *LOADING_OPTIONS,
    click.option("--force", is_flag=True, help="Measure again what is stored."),
    click.option(
        "--strict",
        is_flag=True,
        help="Exit with 5 if copies of one network show the machine unfit to time.",
    ),
    click.option(
        "--wait", is_flag=True, help="Wait for another run on the same store instead of giving up."
    ),
)
