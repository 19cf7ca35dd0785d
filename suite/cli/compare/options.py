"""The options of `compare`, read into one record."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from suite.cli.binding import Decorator
from suite.cli.numbers import seeds_option
from suite.cli.options import out_option


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """The two variants, by what they are compared, and the seeds and the run that count."""

    base: str
    variant: str
    metric: Literal["ap", "ap50", "latency"]
    seeds: tuple[int, ...]
    against: tuple[int, ...]
    out: Path
    run_id: str

    @property
    def store(self) -> Path:
        """The store's file."""
        return self.out / "store.sqlite"


OPTIONS: tuple[Decorator, ...] = (
    click.argument("base"),
    click.argument("variant"),
    click.option(
        "--metric", type=click.Choice(["ap", "ap50", "latency"]), default="ap", show_default=True
    ),
    seeds_option("--seeds", "Only these seeds; of BASE, with --against."),
    seeds_option("--against", "Only these seeds of VARIANT."),
    out_option("The folder of the store."),
    click.option(
        "--run", "run_id", default="", metavar="ID", help="Only this run; `latest` is the last one."
    ),
)
