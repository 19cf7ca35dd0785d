"""The options of `cost`, read into one record."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import click

from suite.cli.binding import Decorator
from suite.cli.numbers import image_size_option
from suite.cli.options import allow_code_option, names_argument, variants_option
from suite.record import Form

Cut: TypeAlias = Literal["part", "stage", "layer"]
Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]
AUDITED_UNASKED = 8  # variants; a second opinion takes seconds each


@dataclass(frozen=True, slots=True)
class CostOptions:
    """What is counted of which variants; with `memory` or `fit` (bytes), what they need instead."""

    names: tuple[str, ...]
    variants: tuple[Path, ...]
    allow_code: bool
    image_size: int
    classes: int
    by: Cut | None
    form: Form
    audit: bool | None
    memory: bool
    fit: int | None
    measure: bool
    batch: int
    precision: Precision
    device: str
    recipe_name: str


_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}


def read_size(text: str) -> int:
    """The bytes that a text such as 8GiB, 500MB or 16G means.

    Raises:
        click.BadParameter: it is no size.
    """
    size = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]I?|)B?", text.upper())
    if size is None:
        raise click.BadParameter(f"{text!r} is no size; write one such as 8GiB or 500MB")
    return int(float(size[1]) * _UNITS[size[2]])


def _size(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    return None if text is None else read_size(text)


OPTIONS: tuple[Decorator, ...] = (
    names_argument(),
    variants_option,
    allow_code_option,
    image_size_option(),
    click.option("--classes", type=click.IntRange(1), default=80, show_default=True),
    click.option(
        "--by",
        type=click.Choice(get_args(Cut)),
        help="One table a variant: the cost of each of its layers, stages, parts.",
    ),
    click.option(
        "--form",
        type=click.Choice(["trained", "deployed"]),
        default="trained",
        show_default=True,
        help="For --by.",
    ),
    click.option(
        "--audit/--no-audit",
        default=None,
        help=f"Ask fvcore and thop as well; by default for up to {AUDITED_UNASKED} variants.",
    ),
    click.option(
        "--memory", is_flag=True, help="What a pass and a training step need, in MiB, instead."
    ),
    click.option(
        "--fit",
        callback=_size,
        metavar="SIZE",
        help="The largest batch that SIZE allows, such as 8GiB.",
    ),
    click.option(
        "--measure",
        is_flag=True,
        help="Measure what --memory or --fit says in a fresh process, too.",
    ),
    click.option(
        "--batch", type=click.IntRange(1), default=1, show_default=True, help="For --memory."
    ),
    click.option(
        "--precision",
        type=click.Choice(get_args(Precision)),
        default="fp32",
        show_default=True,
    ),
    click.option("--device", default="cpu", show_default=True, help="Where --measure runs."),
    click.option(
        "--recipe",
        "recipe_name",
        default="scratch-low",
        show_default=True,
        help="Of the training step.",
    ),
)
