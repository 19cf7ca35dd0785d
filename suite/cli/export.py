"""`export`: the store's records for programs, or a run's comparison table for a paper."""

import sys
from pathlib import Path

import click

from suite.cli.options import out_option
from suite.cli.output import ExitCode, Refusal
from suite.cli.run.running import refusing_stores
from suite.store import Store

_FORMATS = ("json", "csv", "parquet", "latex", "markdown")
_TABLES = ("latex", "markdown")


@click.command("export")
@out_option("The folder of the store.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="json", show_default=True)
@click.option(
    "--run", "run_id", metavar="ID", help="Only what this run used; `latest` is the last one."
)
def command(out: Path, form: str, run_id: str | None) -> int:
    """Write every record of the store to stdout, sorted by key, or the comparison table of a run.

    A record is what one job left behind: measurements with all samples, or a failure. CSV and Parquet have one row a
    sample. LaTeX and Markdown are the table of one run, of the last one unless --run names another.
    """
    store_path = out / "store.sqlite"
    with refusing_stores():
        if form in _TABLES:
            click.echo(_table(store_path, form, run_id or "latest"), nl=False)
        else:
            _write_records(store_path, form, run_id)
    return 0


def _table(store_path: Path, form: str, run_id: str) -> str:
    from reports import export
    from reports.run.gather import gather

    report = gather(store_path, run_id)
    return export.latex_text(report) if form == "latex" else export.markdown_text(report)


def _write_records(store_path: Path, form: str, run_id: str | None) -> None:
    from reports import records

    with Store.open_readonly(store_path) as store:
        outcomes = store.outcomes(None if run_id is None else store.run(run_id).id)
    if form == "json":
        click.echo(records.json_text(outcomes))
    elif form == "csv":
        click.echo(records.csv_text(outcomes), nl=False)
    else:
        try:
            content = records.parquet_bytes(outcomes)
        except records.MissingLibraryError as error:
            raise Refusal(ExitCode.UNFIT, str(error)) from error
        sys.stdout.buffer.write(content)
