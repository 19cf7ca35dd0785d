"""`calibrate`: is the method of timing right on this machine? Tried on differences that are known."""

import click

from suite.cli.binding import bound
from suite.cli.calibrate.options import OPTIONS, CalibrateOptions
from suite.cli.library import refuse_unknown
from suite.cli.options import json_option


@click.command("calibrate")
@bound(CalibrateOptions, OPTIONS)
@json_option
def command(options: CalibrateOptions, *, as_json: bool) -> int:
    """Prove the method of timing on this machine: NAME against copies of itself, and against slowed-down ones.

    A copy's ratio is 1, so the error is known, and so is whether the 95 % interval holds the truth. Beside it stands
    what timing one after the other gives in the same time. The noise that was recorded is then put together anew in
    2,000 series, each measured with repeated looks as a real one is: 95 % of their intervals should hold the truth.
    What was interrupted goes on when the same command is given again.
    """
    refuse_unknown((options.name,))
    # brings the statistics, which `--help` does without
    from suite.cli.calibrate.proving import calibrate

    return calibrate(options, as_json=as_json)
