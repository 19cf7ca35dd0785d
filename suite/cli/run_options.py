"""The options that `run` and `nightly` share, read into one record."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeAlias

import click

from suite.cli.options import (
    LOADING_OPTIONS,
    allow_code_option,
    names_argument,
    out_option,
    variants_option,
    weights_option,
)
from suite.protocols.loading import Cache

_Decorator: TypeAlias = Callable[[Callable[..., int]], Callable[..., int]]


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for. No `names`: what the protocol names, and every variant of the folders `variants`."""

    names: tuple[str, ...]
    protocol: str
    data: Path | None
    variants: tuple[Path, ...]
    out: Path
    seeds: tuple[int, ...] = ()
    force: bool = False
    strict: bool = False
    wait: bool = False
    weights: Path | None = None
    allow_code: bool = False
    workers: str | None = None
    cache: Cache | None = None

    @property
    def store(self) -> Path:
        """The file that everything is kept in."""
        return self.out / "store.sqlite"


def run_options(protocol: str) -> _Decorator:
    """Give a command the arguments and options of a run, `protocol` by default; it receives them as `options`."""

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        @wraps(function)
        def command(**values: Any) -> int:
            own = {field.name: values.pop(field.name) for field in fields(Options)}
            return function(Options(**own), **values)

        choice = click.option(
            "--protocol",
            default=protocol,
            show_default=True,
            metavar="NAME",
            help="What a run does; or a file.",
        )
        options: list[_Decorator] = [names_argument(), choice, *_OPTIONS]
        decorated: Callable[..., int] = command
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


def _parse_seeds(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[int, ...]:
    """Seeds as they stand on the command line: "0,1,2"."""
    if text is None:
        return ()
    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise click.BadParameter(
            f"seeds are whole numbers with commas between them, not {text!r}", context, parameter
        )
    seeds = tuple(int(word) for word in words)
    if len(set(seeds)) != len(seeds):
        raise click.BadParameter("a seed is named twice", context, parameter)
    return seeds


_OPTIONS: tuple[_Decorator, ...] = (
    click.option(
        "--data",
        type=click.Path(exists=True, path_type=Path),
        metavar="DIR",
        help="A data set for the protocol's: COCO JSON, YOLO txt (or its data.yaml) or Pascal VOC.",
    ),
    variants_option,
    allow_code_option,
    weights_option,
    out_option("Where store, logs, artifacts and report go."),
    click.option(
        "--seeds", metavar="N,N,...", callback=_parse_seeds, help="Seeds instead of the protocol's."
    ),
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
