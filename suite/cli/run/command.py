"""`run`: build, measure, train and evaluate variants, and store everything."""

import click

from suite.cli.library import refuse_unknown
from suite.cli.options import json_option
from suite.cli.run_options import run_options
from suite.session.options import RunOptions


@click.command("run")
@run_options("demo")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say what would be done and how long that would take, and do nothing.",
)
@click.option("--no-report", is_flag=True, help="Write no report.")
@json_option
def command(
    options: RunOptions, *, strict: bool, dry_run: bool, no_report: bool, as_json: bool
) -> int:
    """Build, measure, train and evaluate variants; store everything and write the report.

    Without NAMEs the protocol's variants are taken, and every variant of the folders given by --variants. What the
    store holds already is not measured again, and a run that was interrupted goes on where it stopped.
    """
    refuse_unknown(options.names, options.variants)
    from suite.cli.run import doing  # brings torch and the report, which `--help` does without

    if dry_run:
        return doing.dry_run(options, as_json=as_json)
    return doing.run(options, strict=strict, report=not no_report, as_json=as_json)
