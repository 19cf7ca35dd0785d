"""The options of `show`, read into one record."""

from dataclasses import dataclass
from pathlib import Path

import click

from suite.cli.binding import Decorator
from suite.cli.options import allow_code_option, complete_name, variants_option, weights_option


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """What is to be shown of a variant; `other` is "" for the base and None for no comparison."""

    name: str | None
    variants: tuple[Path, ...]
    allow_code: bool
    layers: bool
    other: str | None
    svg: Path | None
    weights: Path | None

    @property
    def draws(self) -> bool:
        """Whether anything of the built network is to be shown."""
        return self.layers or self.compares or self.svg is not None

    @property
    def compares(self) -> bool:
        """Whether the differences from another variant are to be shown."""
        return self.other is not None

    @property
    def builds(self) -> bool:
        """Whether anything but the spec itself is to be shown."""
        return self.draws or self.weights is not None


OPTIONS: tuple[Decorator, ...] = (
    click.argument("name", required=False, shell_complete=complete_name),
    variants_option,
    allow_code_option,
    click.option(
        "--layers",
        is_flag=True,
        help="Build it, and print each layer's shape, stride, parameters and MACs.",
    ),
    click.option(
        "--diff",
        "other",
        is_flag=False,
        flag_value="",
        metavar="[OTHER]",
        help="Build both, and print what differs from OTHER; without it, from the baseline or base.",
    ),
    click.option(
        "--svg",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Build it, and draw the graph with what differs from the base (or from --diff OTHER) marked.",
    ),
    weights_option,
)
