import io
from pathlib import Path

import pytest
from rich.console import Console

from suite.cli.run.progress import bars
from suite.executors import Finished, Progressed, Started
from suite.jobs import Result
from suite.record import Failure
from suite.runner import Step
from suite.session.progress import job_title, step_lines
from tests.toy_run import toy_plan

WHEN = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def jobs(tmp_path):
    return toy_plan(tmp_path).jobs


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("static-base", "count base"),
        ("latency-wide1-cpu-eager-fp32-2", "time wide1 by cpu-eager-fp32, replica 2"),
        ("train-wide2-seed1", "train wide2, seed 1"),
    ],
)
def test_a_job_is_told_in_words(jobs, label, words):
    assert job_title(next(job for job in jobs if job.label == label)) == words


def test_start_end_and_failure_are_one_line_each(jobs):
    told: list[str] = []
    listen = step_lines(told.append)
    listen(Step(3, 30, jobs[0], Started(jobs[0].key)))
    listen(Step(3, 30, jobs[0], Progressed(jobs[0].key, "cost", 1, 2)))
    listen(Step(3, 30, jobs[0], Finished(jobs[0].key, Result(()), WHEN, 2.04, Path("log"))))
    failure = Failure("build", "oom", "no memory")
    listen(Step(4, 30, jobs[1], Finished(jobs[1].key, failure, WHEN, 2.0, Path("log"))))

    assert told == [
        "[3/30] count base ...",
        "[3/30] count base: done in 2.0 s",
        "[4/30] count wide1: failed in build (oom): no memory",
    ]


def test_a_terminal_gets_bars_and_keeps_only_the_failures(jobs):
    screen = io.StringIO()
    with bars(2, Console(file=screen, force_terminal=True, width=100)) as listen:
        for number, job in enumerate(jobs[:2], start=1):
            listen(Step(number, 2, job, Started(job.key)))
            listen(Step(number, 2, job, Progressed(job.key, "cost", 1, 2)))
        listen(Step(1, 2, jobs[0], Finished(jobs[0].key, Result(()), WHEN, 2.0, Path("log"))))
        failure = Failure("cost", "error", "[b]no[/b] markup")
        listen(Step(2, 2, jobs[1], Finished(jobs[1].key, failure, WHEN, 2.0, Path("log"))))

    assert "all jobs" in screen.getvalue()
    assert "[2/2] count wide1: failed in cost (error): [b]no[/b] markup" in screen.getvalue()
