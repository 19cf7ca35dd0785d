"""`bench`: latency of variants beside their baselines, in this process and without a store."""

import click

from suite.cli.bench.options import OPTIONS, BenchOptions
from suite.cli.binding import bound
from suite.cli.library import refuse_unknown
from suite.cli.options import json_option


@click.command("bench")
@bound(BenchOptions, OPTIONS)
@json_option
def command(options: BenchOptions, *, as_json: bool) -> int:
    """Time NAMEs, or all variants, each in shuffled rounds with its baseline and a copy of its baseline.

    The ratio is below 1 where the variant is faster. The base is first timed against itself, and its copies stay in
    every round: what differs less than they do cannot be told apart here. A variant without baseline is timed against
    itself. Every combination of the image sizes, batches and runtimes is timed; the base runs in the same runtime, and
    the variant in eager mode takes part in the rounds of every other one. A runtime that is not here is told and left
    out; if none is here, the exit code is 5.
    """
    options.refuse_mistakes()
    refuse_unknown(options.names, options.variants)
    from suite.cli.bench.timing import bench  # brings torch, which `--help` does without

    return bench(options, as_json=as_json)
