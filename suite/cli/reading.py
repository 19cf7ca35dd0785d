"""How a data set is read, as the commands that read one have it."""

from collections.abc import Callable
from typing import Any

import click


def voc_first_pixel_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--voc-first-pixel 0|1`, as `voc_first_pixel`: None takes corners as they stand, and tells what looks like 1."""
    return click.option(
        "--voc-first-pixel",
        type=click.IntRange(0, 1),
        help="Of Pascal VOC: 1 where corners count pixels from 1 and the last one is in the box. Default: 0.",
    )(function)
