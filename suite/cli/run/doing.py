"""`run`, when it is really called."""

import click

from reports.page import write
from suite.cli.errors import problem_json, refusing_stores
from suite.cli.output import ExitCode, reply, table
from suite.cli.run import running, summary
from suite.cli.run.progress import progress
from suite.record import Json
from suite.session.estimate import estimate
from suite.session.options import RunOptions
from suite.session.progress import job_title
from suite.session.runs import stored_keys


def run(options: RunOptions, *, strict: bool, report: bool, as_json: bool) -> int:
    """Do what the store lacks of a run, and tell what came of it; the exit code."""
    prepared = running.prepare(options)
    with running.ending_on_sigterm(), progress(len(prepared.plan.jobs)) as listen:
        done = running.carry_out(prepared, listen)
    records = summary.read(options.store, done.run_id)
    page = write(options.store, done.run_id, options.out / "report").index if report else None
    errors = [problem_json(problem) for problem in prepared.left_out]
    if as_json:
        counts: dict[str, Json] = {
            "done": done.done,
            "reused": done.reused,
            "failed": len(done.failed),
        }
        reply(
            "run",
            {
                "run": done.run_id,
                "jobs": counts,
                "variants": list[Json](records),
                "report": None if page is None else str(page),
            },
            errors,
        )
        return running.exit_code(done, options, strict=strict, left_out=bool(prepared.left_out))
    summary.show(records)
    click.echo(running.sum_up(done, prepared))
    if page is not None:
        click.echo(f"report: {page}")
    return running.exit_code(done, options, strict=strict, left_out=bool(prepared.left_out))


def dry_run(options: RunOptions, *, as_json: bool) -> int:
    """Tell the jobs of a run, which of them are stored, and what the others will take."""
    prepared = running.prepare(options)
    with refusing_stores():
        stored = stored_keys(prepared)
        expected = estimate(prepared, stored)
    jobs = prepared.plan.jobs
    code = ExitCode.VARIANT_FAILED if prepared.left_out else ExitCode.DONE
    if as_json:
        listed: list[Json] = [
            {"key": job.key, "job": job_title(job), "stored": job.key in stored} for job in jobs
        ]
        errors = [problem_json(problem) for problem in prepared.left_out]
        foreseen: dict[str, Json] = {
            "seconds": expected.seconds,
            "low": expected.low,
            "high": expected.high,
            "bytes": expected.bytes,
            "sources": {str(source): number for source, number in expected.sources.items()},
        }
        reply("run", {"jobs": listed, "estimate": foreseen}, errors)
        return code
    states = {job.key: "stored" if job.key in stored else "to do" for job in jobs}
    table(
        ("JOB", "STATE", "KEY"), [(job_title(job), states[job.key], job.key[:12]) for job in jobs]
    )
    click.echo(str(expected))
    return code
