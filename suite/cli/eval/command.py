"""`eval`: COCO's twelve numbers of a variant's checkpoint, or of stored detections, on the validation part of a set."""

import click

from suite.cli.binding import bound
from suite.cli.eval.options import OPTIONS, EvalOptions
from suite.cli.library import refuse_unknown
from suite.cli.options import json_option


@click.command("eval")
@bound(EvalOptions, OPTIONS)
@json_option
def command(options: EvalOptions, *, as_json: bool) -> int:
    """Evaluate a checkpoint: pictures letterboxed to a square, boxes scored by COCO's rules.

    NAME and --weights, or --detections alone.
    """
    if options.name is not None:
        refuse_unknown((options.name,), options.variants)
    from suite.cli.eval.scoring import evaluate  # brings torch, which `--help` does without

    return evaluate(options, as_json=as_json)
