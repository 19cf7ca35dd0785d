"""The options of `build`, read into one record."""

from dataclasses import dataclass
from pathlib import Path

import click

from suite.cli.binding import Decorator
from suite.cli.numbers import image_size_option
from suite.cli.options import allow_code_option, name_argument, variants_option

SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "torch": ".pt2"}
RUNTIMES = {"onnx": "onnxruntime", "openvino": "openvino", "torch": "eager"}
"""That a file is tried in."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Which network is written for what, for which size of images, and where."""

    name: str
    variants: tuple[Path, ...]
    allow_code: bool
    target: str
    weights: Path | None
    classes: int
    image_size: int
    batch: int
    output: Path | None


OPTIONS: tuple[Decorator, ...] = (
    name_argument,
    variants_option,
    allow_code_option,
    click.option(
        "--to",
        "target",
        type=click.Choice(list(SUFFIXES)),
        required=True,
        help="torch: torch.export's .pt2.",
    ),
    click.option(
        "--weights",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A checkpoint; else untrained.",
    ),
    click.option(
        "--classes",
        type=click.IntRange(1),
        default=80,
        show_default=True,
        help="Without --weights.",
    ),
    image_size_option(""),
    click.option("--batch", type=click.IntRange(1), default=1, show_default=True),
    click.option(
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Default: NAME and the suffix.",
    ),
)
