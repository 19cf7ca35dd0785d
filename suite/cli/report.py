"""`report`: write the page of a stored run again."""

from pathlib import Path

import click

from suite.cli.errors import refusing_stores
from suite.cli.options import json_option, out_option
from suite.cli.output import ExitCode, reply


@click.command("report")
@out_option("The folder of the store; the page goes to DIR/report.")
@click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The store, if it is not DIR/store.sqlite; the page goes beside it.",
)
@click.option(
    "--run", "run_id", default="latest", show_default=True, metavar="ID", help="The run to report."
)
@click.option("--open", "show", is_flag=True, help="Show the page in a browser.")
@json_option
def command(*, out: Path, store: Path | None, run_id: str, show: bool, as_json: bool) -> int:
    """Write the report of a run from the store alone: index.html, results.csv and report.md."""
    from reports.page import write  # brings the figures, which `--help` does without
    from suite.session.stored import find_run

    path = store or out / "store.sqlite"
    with refusing_stores():
        run = find_run(path, run_id)
    paths = write(path, run, path.parent / "report")
    if as_json:
        reply(
            "report",
            {
                "run": run,
                "index": str(paths.index),
                "csv": str(paths.csv),
                "markdown": str(paths.markdown),
            },
        )
    else:
        click.echo(paths.index)
    if show:
        click.launch(paths.index.absolute().as_uri())
    return ExitCode.DONE
