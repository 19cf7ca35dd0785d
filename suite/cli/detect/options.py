"""The options of `detect`, read into one record."""

from dataclasses import dataclass
from pathlib import Path

import click

from suite.cli.binding import Decorator
from suite.cli.detection import box_options, checkpoint_option
from suite.cli.options import allow_code_option, name_argument, out_option, variants_option


@dataclass(frozen=True, slots=True)
class DetectOptions:
    """Which variant with which weights looks at which pictures (files and folders), how, and where the drawn ones go.

    `imgsz` None: what was trained at; `iou` None: the variant's own suppression.
    """

    name: str
    images: tuple[Path, ...]
    variants: tuple[Path, ...]
    allow_code: bool
    weights: Path
    out: Path
    imgsz: int | None
    conf: float
    iou: float | None
    max_det: int
    stretch: bool
    device: str


OPTIONS: tuple[Decorator, ...] = (
    name_argument,
    click.argument(
        "images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path)
    ),
    variants_option,
    allow_code_option,
    checkpoint_option(required=True),
    out_option("Where the drawn pictures go: no folder with other pictures.", Path("out/detect")),
    *box_options(confidence=0.25, iou="0.45", most=1000),
    click.option(
        "--stretch",
        is_flag=True,
        help="Scale pictures to a square whatever their shape, without a border.",
    ),
    click.option("--device", default="cpu", show_default=True),
)
