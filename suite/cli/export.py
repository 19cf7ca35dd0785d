"""`export`: the store's records as JSON or CSV."""

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path

import click

from suite.cli.errors import refusing_stores
from suite.cli.options import out_option
from suite.record import Json
from suite.store import Store, StoredOutcome

_COLUMNS = (
    "key",
    "kind",
    "variant",
    "fingerprint",
    "seed",
    "replica",
    "started",
    "metric",
    "version",
    "form",
    "unit",
    "settings",
    "sample",
    "value",
    "failure",
)


@click.command("export")
@out_option("The folder of the store.")
@click.option(
    "--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True
)
@click.option(
    "--run", "run_id", metavar="ID", help="Only what this run used; `latest` is the last one."
)
def command(out: Path, form: str, run_id: str | None) -> int:
    """Write every record of the store to stdout, sorted by key.

    A record is what one job left behind: measurements with all samples, or a failure. CSV has one line a sample.
    """
    with refusing_stores(), Store.open_readonly(out / "store.sqlite") as store:
        outcomes = store.outcomes(None if run_id is None else store.run(run_id).id)
    if form == "csv":
        click.echo(_csv(outcomes), nl=False)
    else:
        click.echo(
            json.dumps([_record(outcome) for outcome in outcomes], indent=1, ensure_ascii=False)
        )
    return 0


def _record(outcome: StoredOutcome) -> dict[str, Json]:
    record: dict[str, Json] = asdict(outcome)
    return record


def _csv(outcomes: tuple[StoredOutcome, ...]) -> str:
    target = io.StringIO()
    writer = csv.DictWriter(target, _COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for outcome in outcomes:
        origin: dict[str, object] = {
            column: _inert(getattr(outcome, column))
            for column in ("key", "kind", "variant", "fingerprint", "seed", "replica", "started")
        }
        if outcome.failure:
            failure = f"{outcome.failure.stage} {outcome.failure.code}: {outcome.failure.message}"
            writer.writerow({**origin, "failure": _inert(failure)})
        for measurement in outcome.measurements:
            what = {
                "metric": measurement.metric,
                "version": measurement.metric_version,
                "form": measurement.form,
                "unit": measurement.unit,
                "settings": json.dumps(dict(measurement.settings), sort_keys=True),
            }
            for number, value in enumerate(measurement.samples):
                writer.writerow({**origin, **what, "sample": number, "value": value})
    return target.getvalue()


def _inert(value: object) -> object:
    """A text that a spreadsheet does not take for a formula."""
    return (
        f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
    )
