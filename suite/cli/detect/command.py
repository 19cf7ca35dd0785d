"""`detect`: what a variant finds in pictures, drawn and listed."""

import click

from suite.cli.binding import bound
from suite.cli.detect.options import OPTIONS, DetectOptions
from suite.cli.library import refuse_unknown
from suite.cli.options import json_option


@click.command("detect")
@bound(DetectOptions, OPTIONS)
@json_option
def command(options: DetectOptions, *, as_json: bool) -> int:
    """Draw what a variant finds in pictures, and list the boxes.

    IMAGE is a file, or a folder: then all pictures in it and in its folders are looked at.
    A picture that cannot be read is named, the others are done, and the exit code is 4.
    """
    refuse_unknown((options.name,), options.variants)
    from suite.cli.detect.detecting import detect  # brings torch, which `--help` does without

    return detect(options, as_json=as_json)
