"""`report`: write the page of a stored run again."""

from pathlib import Path

import click

from suite.cli.options import json_option, out_option
from suite.cli.output import ExitCode, Refusal, reply
from suite.store import Store, StoreError


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
    path = store or out / "store.sqlite"
    found = _find(path, run_id)
    from reports.page import write

    paths = write(path, found, path.parent / "report")
    if as_json:
        names = {
            "run": found,
            "index": str(paths.index),
            "csv": str(paths.csv),
            "markdown": str(paths.markdown),
        }
        reply("report", dict(names))
    else:
        click.echo(paths.index)
    if show:
        click.launch(paths.index.absolute().as_uri())
    return ExitCode.DONE


def _find(path: Path, run_id: str) -> str:
    """The run's id.

    Raises:
        Refusal: there is no store or no such run (no data), or the store cannot be read (unfit).
    """
    if not path.exists():
        raise Refusal(ExitCode.NOTHING, f"{path}: there is no store; `run` makes one")
    try:
        with Store.open_readonly(path) as store:
            return _run(store, run_id)
    except StoreError as error:
        raise Refusal(ExitCode.UNFIT, str(error)) from error


def _run(store: Store, run_id: str) -> str:
    try:
        return store.run(run_id).id
    except StoreError as error:
        raise Refusal(ExitCode.NOTHING, str(error)) from error
