"""The options of `train`, read into one record."""

import re
from dataclasses import dataclass
from pathlib import Path

import click

from suite.cli.binding import Decorator, bound
from suite.cli.options import (
    LOADING_OPTIONS,
    allow_code_option,
    name_argument,
    variants_option,
    weights_option,
)
from suite.cli.reading import voc_first_pixel_option
from suite.protocols import Budget
from suite.protocols.loading import Cache

DEFAULT_STEPS = 600
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for. `checkpoint_every` is (seconds, steps), of which the second counts unless it is 0."""

    name: str
    variants: tuple[Path, ...]
    allow_code: bool
    weights: Path | None
    data: Path | None
    voc_first_pixel: int | None
    steps: int | None
    epochs: int | None
    flops: float | None
    seconds: float | None
    batch: int
    imgsz: int
    seed: int
    recipe_name: str
    deterministic: bool
    device: str
    workers: str | None
    cache: Cache | None
    out: Path | None
    resume: bool
    force: bool
    checkpoint_every: tuple[float, int]
    tensorboard: Path | None

    @property
    def budget(self) -> Budget:
        """The one budget that was stated, or the default; UsageError if there are several."""
        stated = {name: value for name in _BUDGETS if (value := getattr(self, name)) is not None}
        if len(stated) > 1:
            raise click.UsageError(
                f"a training has one budget, not {' and '.join(f'--{name}' for name in stated)}"
            )
        return Budget(self.batch, **(stated or {"steps": DEFAULT_STEPS}))


def _parse_every(
    context: click.Context, parameter: click.Parameter, text: str
) -> tuple[float, int]:
    """A time such as "10m", "90s", "1h", or a number of steps."""
    match = re.fullmatch(r"(\d+)([smh]?)", text.strip())
    if not match or not int(match[1]):
        raise click.BadParameter(
            f"is a time such as 10m or 90s, or a number of steps, not {text!r}", context, parameter
        )
    number, unit = int(match[1]), match[2]
    return (float(number * _SECONDS[unit]), 0) if unit else (0.0, number)


_BUDGETS = ("steps", "epochs", "flops", "seconds")
_OPTIONS: tuple[Decorator, ...] = (
    name_argument,
    variants_option,
    allow_code_option,
    weights_option,
    click.option(
        "--data",
        type=click.Path(exists=True, path_type=Path),
        metavar="DIR",
        help="A data set: COCO JSON, YOLO txt or Pascal VOC; without it the built-in one.",
    ),
    voc_first_pixel_option,
    click.option(
        "--steps", type=click.IntRange(1), help=f"The budget: batches.  [default: {DEFAULT_STEPS}]"
    ),
    click.option(
        "--epochs", type=click.IntRange(1), help="The budget: passes over the training pictures."
    ),
    click.option(
        "--flops",
        type=click.FloatRange(1),
        help="The budget: FLOPs of training, 6 a multiply-add of the forward pass.",
    ),
    click.option(
        "--seconds",
        type=click.FloatRange(1),
        help="The budget: wall time, which the rates then go by.",
    ),
    click.option("--batch", type=click.IntRange(1), default=8, show_default=True),
    click.option(
        "--imgsz",
        type=click.IntRange(32),
        default=128,
        show_default=True,
        help="Side of the images in pixels.",
    ),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True),
    click.option(
        "--recipe",
        "recipe_name",
        default="tiny",
        show_default=True,
        metavar="NAME",
        help="Or a file.",
    ),
    click.option(
        "--deterministic", is_flag=True, help="The same bits twice on an accelerator too."
    ),
    click.option("--device", default="cpu", show_default=True),
    *LOADING_OPTIONS,
    click.option(
        "--out",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="The weights, NAME.safetensors by default; their facts and the curve go beside them.",
    ),
    click.option(
        "--resume",
        is_flag=True,
        help="Go on from the checkpoint beside --out, if there is one; where the training is finished, do nothing.",
    ),
    click.option("--force", is_flag=True, help="Train anew where --out is there already."),
    click.option(
        "--checkpoint-every",
        default="10m",
        show_default=True,
        metavar="TIME|STEPS",
        callback=_parse_every,
        help="How often a checkpoint is written to go on from: 10m, 90s, or a number of steps.",
    ),
    click.option(
        "--tensorboard",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Scalars for TensorBoard.",
    ),
)

train_options = bound(Options, _OPTIONS)
"""Gives a command the argument and options of a training; it receives them as `Options`."""
