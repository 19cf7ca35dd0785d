"""`cost`: parameters and multiply-adds, counted without a byte of weights."""

import click

from suite.cli.binding import bound
from suite.cli.cost.options import OPTIONS, CostOptions
from suite.cli.library import open_library
from suite.cli.options import json_option
from suite.cli.output import ExitCode, Refusal


@click.command("cost")
@bound(CostOptions, OPTIONS)
@json_option
def command(options: CostOptions, *, as_json: bool) -> int:
    """Count parameters and multiply-adds (convolutions and matrix products, batch 1) of NAMEs, or of all.

    Trained and deployed form. fvcore and thop are second opinions: where one is more than 1 % off, it says why. Then,
    as deployed: millions of activations, work that no counter sees in 10^9 operations, the peak of the maps in MiB,
    floating-point operations a byte, and how many pixels the coarsest map of the head sees ("all" is the whole image).
    """
    library = open_library(options.variants, allow_code=options.allow_code)
    chosen = library.select(options.names or library.names())
    if not chosen:
        raise Refusal(ExitCode.NOTHING, "no variant to count")
    # both bring torch, which `--help` and a name that no variant has do without
    if options.memory or options.fit is not None:
        from suite.cli.cost.memory import memory

        return memory(chosen, library, options, as_json=as_json)
    from suite.cli.cost.counting import count

    return count(chosen, library, options, as_json=as_json)
