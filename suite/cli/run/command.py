"""`run`: build, measure, train and evaluate variants, and store everything."""

import click

from suite.cli.options import json_option
from suite.cli.output import ExitCode, reply, table
from suite.cli.run import running, summary
from suite.cli.run.progress import progress, words
from suite.cli.run.running import Prepared
from suite.cli.run_options import Options, run_options
from suite.record import Json
from suite.store import Store


@click.command("run")
@run_options("demo")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--no-report", is_flag=True, help="Write no report.")
@json_option
def command(options: Options, *, dry_run: bool, no_report: bool, as_json: bool) -> int:
    """Build, measure, train and evaluate variants; store everything and write the report.

    Without NAMEs the protocol's variants are taken, and every variant of the folders given by --variants. What the
    store holds already is not measured again, and a run that was interrupted goes on where it stopped.
    """
    prepared = running.prepare(options)
    if dry_run:
        _tell(prepared, options, as_json=as_json)
        return ExitCode.DONE
    with running.ending_on_sigterm(), progress(len(prepared.plan.jobs)) as listen:
        done = running.carry_out_all(prepared, options, listen)
    records = summary.read(options.store, done.run_id)
    page = None if no_report else running.write_report(options, done.run_id)
    if as_json:
        counts: dict[str, Json] = {
            "done": done.done,
            "reused": done.reused,
            "failed": len(done.failed),
        }
        report = None if page is None else str(page)
        variants_json: list[Json] = list(records)
        reply(
            "run", {"run": done.run_id, "jobs": counts, "variants": variants_json, "report": report}
        )
        return running.exit_code(done, options)
    summary.show(records)
    click.echo(f"{done.done} done, {done.reused} stored before, {len(done.failed)} failed")
    if page is not None:
        click.echo(f"report: {page}")
    return running.exit_code(done, options)


def _tell(prepared: Prepared, options: Options, *, as_json: bool) -> None:
    stored: set[str] = set()
    if options.store.exists() and not options.force:
        with running.refusing_stores(), Store.open_readonly(options.store) as store:
            stored = {job.key for job in prepared.plan.jobs if store.has(job.key)}
    jobs = prepared.plan.jobs
    if as_json:
        reply(
            "run",
            {
                "jobs": [
                    {"key": job.key, "job": words(job), "stored": job.key in stored} for job in jobs
                ]
            },
        )
        return
    table(
        ("JOB", "STATE", "KEY"),
        [(words(j), "stored" if j.key in stored else "to do", j.key[:12]) for j in jobs],
    )
