"""The options of `eval`, read into one record."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import click

from suite.cli.binding import Decorator
from suite.cli.detection import box_options, checkpoint_option
from suite.cli.options import allow_code_option, complete_name, variants_option
from suite.cli.reading import voc_first_pixel_option

Evaluator: TypeAlias = Literal["checked", "fast", "pycocotools"]


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """A variant with its weights, or stored detections, and how they are scored on which data.

    `imgsz` None: what was trained at; `iou` None: the variant's own suppression; `data` None: the built-in set;
    `first_class` None: what the stored numbers decide.
    """

    name: str | None
    variants: tuple[Path, ...]
    allow_code: bool
    weights: Path | None
    detections: Path | None
    first_class: int | None
    data: Path | None
    voc_first_pixel: int | None
    classes_by_place: bool
    imgsz: int | None
    conf: float
    iou: float | None
    max_det: int
    batch: int
    rect: bool
    evaluator: Evaluator
    out: Path | None
    device: str
    runtime: str | None
    precision: str | None


OPTIONS: tuple[Decorator, ...] = (
    click.argument("name", required=False, shell_complete=complete_name),
    variants_option,
    allow_code_option,
    checkpoint_option(),
    click.option(
        "--detections",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Score these COCO results (.json or .json.gz, as a run keeps them) in the place of a model's.",
    ),
    click.option(
        "--first-class",
        type=click.IntRange(0, 1),
        help="Number of the first class in --detections of data without ids. Default: what their numbers decide.",
    ),
    click.option(
        "--data",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="A data set; without it the built-in one.",
    ),
    voc_first_pixel_option,
    click.option(
        "--classes-by-place",
        is_flag=True,
        help="Take classes by their place where data and weights name them differently.",
    ),
    *box_options(confidence=0.001, iou="0.6; YOLOv5's published numbers have 0.65", most=300),
    click.option("--batch", type=click.IntRange(1), default=16, show_default=True),
    click.option(
        "--rect",
        is_flag=True,
        help="YOLOv5's batches of like shapes; AP then depends a little on --batch.",
    ),
    click.option(
        "--evaluator",
        type=click.Choice(get_args(Evaluator)),
        default="checked",
        show_default=True,
        help="Who computes the numbers; checked: both, and they must be equal.",
    ),
    click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Keep detections and matches here.",
    ),
    click.option("--device", default="cpu", show_default=True),
    click.option(
        "--runtime",
        metavar="NAME",
        help="Detect with the deployed network in this runtime; `doctor` lists them.",
    ),
    click.option(
        "--precision", metavar="NAME", help="As the runtime has it: fp32, bf16, fp16, int8, ..."
    ),
)
