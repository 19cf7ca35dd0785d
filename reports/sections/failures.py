"""What has no result, and why."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from reports.model import Report, Row
from reports.section import Section
from reports.words import listed
from suite.record import Failure
from suite.store import StoredOutcome


@dataclass(frozen=True, slots=True)
class Failed:
    """Jobs of one variant that failed in the same way."""

    row: Row
    jobs: str
    stage: str
    code: str
    message: str
    log: str
    command: str


def build(report: Report) -> Section:
    """Stage, code, message, end of the log and the command to repeat it; jobs that never ran are counted."""
    failed = [_failed(report, row, group) for row in report.rows for group in _alike(row.failures)]
    counts = [(row, _missing(row), len(row.jobs)) for row in report.rows]
    content = {"failed": failed, "missing": [count for count in counts if count[1]]}
    return Section("failures", "Failures", "Failures", content=content)


def _missing(row: Row) -> int:
    return sum(job.status == "missing" for job in row.jobs)


def _alike(failures: Sequence[StoredOutcome]) -> list[list[StoredOutcome]]:
    """Every job of a variant that does not build fails with the same words: say them once."""
    groups: dict[tuple[str, str, str], list[StoredOutcome]] = {}
    for outcome in failures:
        failure = _failure(outcome)
        groups.setdefault((failure.stage, failure.code, failure.message), []).append(outcome)
    return list(groups.values())


def _failed(report: Report, row: Row, group: Sequence[StoredOutcome]) -> Failed:
    failure = _failure(group[0])
    protocol = shlex.quote(report.run.protocol)
    command = f"python run_suite.py run {shlex.quote(row.name)} --protocol {protocol}"
    jobs = listed([_job(outcome) for outcome in group])
    return Failed(
        row, jobs, failure.stage, failure.code, failure.message, failure.log_tail, command
    )


def _failure(outcome: StoredOutcome) -> Failure:
    assert outcome.failure is not None, "the store was asked for failures"
    return outcome.failure


def _job(outcome: StoredOutcome) -> str:
    if outcome.seed is not None:
        return f"{outcome.kind} seed {outcome.seed}"
    if outcome.replica is not None:
        return f"{outcome.kind} process {outcome.replica + 1}"
    return outcome.kind
