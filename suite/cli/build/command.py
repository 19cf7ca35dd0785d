"""`build`: a variant's network as a file that other programs run, tried before it is kept."""

import click

from suite.cli.binding import bound
from suite.cli.build.options import OPTIONS, RUNTIMES, BuildOptions
from suite.cli.library import refuse_unknown
from suite.cli.options import json_option
from suite.cli.output import ExitCode, Refusal
from suite.protocols.setups import offers


@click.command("build")
@bound(BuildOptions, OPTIONS)
@json_option
def command(options: BuildOptions, *, as_json: bool) -> int:
    """Write NAME's network, deployed and with its decoding, for one size of images and one batch.

    In: images (batch, 3, size, size) in 0..1. Out: predictions (batch, N, 5 + classes), before suppression. The file is
    read back and run beside the network; one that differs is not kept, and the exit code is 1.
    """
    offer = offers()[RUNTIMES[options.target]]
    if offer.lacking:
        raise Refusal(ExitCode.UNFIT, f"--to {options.target}: {offer.lacking}")
    refuse_unknown((options.name,), options.variants)
    from suite.cli.build.writing import build  # brings torch, which `--help` does without

    return build(options, as_json=as_json)
