"""`compare`: two variants of a store against each other."""

import click

from suite.cli.binding import bound
from suite.cli.compare.options import OPTIONS, CompareOptions
from suite.cli.options import json_option


@click.command("compare")
@bound(CompareOptions, OPTIONS)
@json_option
def command(options: CompareOptions, *, as_json: bool) -> int:
    """Say whether VARIANT is better than BASE, how sure that is, and on what evidence.

    Accuracy may come from any runs of the store that trained both alike; what differs in data, recipe or budget is
    refused. A variant may be compared with itself: `compare yolov5p yolov5p --seeds 0-2 --against 3-5`.
    """
    # brings the statistics, which `--help` does without
    from suite.cli.compare.telling import compare

    return compare(options, as_json=as_json)
