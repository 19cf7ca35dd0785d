"""`data check`: what is in a data set, and what is odd about it."""

from pathlib import Path

import click

from suite.cli.options import json_option
from suite.cli.reading import voc_first_pixel_option


@click.command("check")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it as an HTML page with pictures, too.",
)
@voc_first_pixel_option
@click.option("--strict", is_flag=True, help="Exit with 1 if there is any warning.")
@json_option
def command(
    folder: Path,
    page: Path | None,
    *,
    voc_first_pixel: int | None,
    strict: bool,
    as_json: bool,
) -> int:
    """Read both parts of the data set in DIR, decode every picture, and say what is there and what is odd.

    DIR has COCO JSON, YOLO txt or Pascal VOC, or is a YOLO data.yaml itself. Odd are pictures and boxes that were left
    out or mended, suspicious boxes, classes without objects, pictures that are there twice, and such as are in both
    parts. Exits with 2 if a file is wrong, with 4 if nothing can be used or a picture would stop a run.
    """
    from suite.cli.data.checking import check  # brings numpy, which `--help` does without

    return check(folder, page, voc_first_pixel=voc_first_pixel, strict=strict, as_json=as_json)
