"""Options of the commands that detect with a checkpoint: what it is, and which of its boxes count."""

from pathlib import Path

import click

from suite.cli.binding import Decorator


def checkpoint_option(*, required: bool = False) -> Decorator:
    """`--weights FILE`, as `weights`: the network that detects."""
    return click.option(
        "--weights",
        required=required,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A checkpoint of `train` (.safetensors) or of YOLOv5 (.pt, read without executing anything in it).",
    )


def box_options(*, confidence: float, iou: str, most: int) -> tuple[Decorator, ...]:
    """`--imgsz`, `--conf`, `--iou` and `--max-det`; `iou` says what holds where neither option nor variant does."""
    return (
        click.option(
            "--imgsz",
            type=click.IntRange(32),
            metavar="PIXELS",
            help="Default: what was trained at, or 640.",
        ),
        click.option("--conf", type=click.FloatRange(0, 1), default=confidence, show_default=True),
        click.option(
            "--iou",
            type=click.FloatRange(0, 1),
            help=f"Of the suppression. Default: the variant's own `nms`, or {iou}.",
        ),
        click.option(
            "--max-det",
            type=click.IntRange(1),
            default=most,
            show_default=True,
            help="Detections a picture.",
        ),
    )
