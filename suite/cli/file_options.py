"""Options that name a folder or a file, and that several commands share."""

from collections.abc import Callable
from pathlib import Path

import click

from suite.cli.options import Command


def out_option(about: str, default: Path = Path("out")) -> Callable[[Command], Command]:
    """`--out DIR`, as `out`: a folder."""
    return click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        default=default,
        show_default=True,
        metavar="DIR",
        help=about,
    )


def weights_option(function: Command) -> Command:
    """`--weights FILE`, as `weights`: what training starts from."""
    return click.option(
        "--weights",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Start from a checkpoint (.safetensors), YOLOv5's .pt, or timm's .safetensors; each layer from its own.",
    )(function)
