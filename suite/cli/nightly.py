"""`nightly`: run and report in one, made for cron."""

import click

from suite.cli.run_options import run_options
from suite.session.options import RunOptions


@click.command("nightly")
@run_options("nightly")
def command(options: RunOptions, *, strict: bool) -> int:
    """Run the protocol and write the report, for a machine that nobody watches.

    Progress goes to DIR/log/nightly-DATE.log, the summary and the path of the report to stdout, and only what went
    wrong to stderr. The exit code is that of the first that applies: interrupted (130, 143), internal error (70),
    store in use (5), mistake in a spec (2), a variant failed (1), no data (4).
    """
    # brings torch and the report, which `--help` does without
    from suite.cli.run.night import night

    return night(options, strict=strict)
