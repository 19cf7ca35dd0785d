"""`cost`: parameters and multiply-adds, counted without a byte of weights."""

import click

from suite.cli.binding import bound
from suite.cli.cost.options import OPTIONS, CostOptions
from suite.cli.options import json_option


@click.command("cost")
@bound(CostOptions, OPTIONS)
@json_option
def command(options: CostOptions, *, as_json: bool) -> int:
    """Count parameters and multiply-adds (convolutions and matrix products, batch 1) of NAMEs, or of all.

    Trained and deployed form. fvcore and thop are second opinions: where one is more than 1 % off, it says why. Then,
    as deployed: millions of activations, work that no counter sees in 10^9 operations, the peak of the maps in MiB,
    floating-point operations a byte, and how many pixels the coarsest map of the head sees ("all" is the whole image).
    """
    # both bring torch, which `--help` does without
    if options.memory or options.fit is not None:
        from suite.cli.cost.memory import memory

        return memory(options, as_json=as_json)
    from suite.cli.cost.counting import count

    return count(options, as_json=as_json)
