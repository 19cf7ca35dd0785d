import signal
from pathlib import Path

import psutil
import pytest

from suite.executors import ExecutorError, Finished, Progressed, Started, Task
from suite.executors.local import LocalExecutor
from suite.record import Failure

HERE = Path(__file__).parent


@pytest.fixture
def executor(tmp_path):
    with LocalExecutor(
        tmp_path / "work",
        logs=tmp_path / "logs",
        entry="fake_jobs:execute",
        preload=(),
        path=[HERE],
    ) as opened:
        yield opened


def task(name, action, argument=None, *, timeout=60.0):
    return Task(id=name, label=name, payload=(action, argument), timeout=timeout, stage="build")


def finished(executor, *tasks, parallel=2):
    events = executor.run(tasks, parallel=parallel)
    return {event.id: event for event in events if isinstance(event, Finished)}


def only_failure(executor, *arguments, **options):
    result = finished(executor, task("only", *arguments, **options))["only"].result
    assert isinstance(result, Failure)
    return result


def test_a_job_hands_its_measurements_back(executor):
    result = finished(executor, task("a", "measure", 7))["a"].result

    assert result.measurements[0].samples == (7.0,)
    assert result.environment == {"fake": True}


def test_every_job_has_a_process_of_its_own(executor):
    done = finished(executor, *(task(name, "pid") for name in "abc"))

    assert len({event.result.measurements[0].samples for event in done.values()}) == 3


def test_no_more_jobs_than_allowed_run_at_a_time(executor):
    tasks = [task(name, "pid") for name in "abcd"]
    running, most = 0, 0
    for event in executor.run(tasks, parallel=2):
        running += isinstance(event, Started) - isinstance(event, Finished)
        most = max(most, running)

    assert (running, most) == (0, 2)


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "MKL_NUM_THREADS"])
def test_a_job_has_one_thread(executor, name):
    result = finished(executor, task("a", "environment", name))["a"].result

    assert result.measurements[0].notes["value"] == "1"


def test_an_exception_becomes_a_failure_at_the_stage_that_was_reached(executor):
    failure = only_failure(executor, "raise", "no such block\nand more")

    assert (failure.stage, failure.code, failure.message) == (
        "train",
        "error",
        "ValueError: no such block",
    )
    assert "Traceback" in failure.log_tail


def test_an_exception_may_name_its_own_code(executor):
    failure = only_failure(executor, "coded", "diverged")

    assert (failure.code, failure.message) == ("diverged", "loss is nan at step 3")


def test_a_memory_error_is_stored_as_oom(executor):
    assert only_failure(executor, "memory").code == "oom"


def test_a_measurement_that_is_no_number_is_a_failure(executor):
    failure = only_failure(executor, "nan")

    assert failure.code == "non-finite"
    assert failure.message.startswith("params is not finite")


def test_a_job_that_leaves_without_a_result_is_a_failure(executor):
    assert only_failure(executor, "leave", 0).code == "exit-0"


def test_the_signal_that_killed_a_job_is_named(executor):
    failure = only_failure(executor, "signal", signal.SIGSEGV)

    assert (failure.stage, failure.code, failure.message) == (
        "eval",
        "signal-11",
        "killed by SIGSEGV",
    )


def test_a_job_that_hangs_is_killed_at_its_limit(executor):
    failure = only_failure(executor, "hang", timeout=0.5)

    assert (failure.stage, failure.code, failure.message) == (
        "deploy",
        "timeout",
        "took longer than 0.5 s",
    )


def test_a_failing_job_takes_no_other_with_it(executor):
    done = finished(
        executor,
        task("bad", "signal", signal.SIGKILL),
        task("worse", "hang", timeout=0.5),
        task("good", "measure", 1),
        task("last", "measure", 2),
    )

    assert [
        isinstance(done[name].result, Failure) for name in ("bad", "worse", "good", "last")
    ] == [
        True,
        True,
        False,
        False,
    ]


def test_a_flood_of_output_is_cut_and_cleaned(executor):
    done = finished(executor, task("flood", "flood", 40))["flood"]

    assert done.log.stat().st_size < 2**20
    assert done.result.log_tail.startswith("[more than 16 MiB of output: cut here]")
    assert done.result.log_tail.endswith("last words\n")
    assert "\x1b" not in done.result.log_tail


def test_progress_is_told_while_a_job_runs(executor):
    events = list(executor.run([task("a", "progress", 100)], parallel=1))

    assert Progressed("a", "train", 50, 100) in events


def test_a_timeout_ends_the_processes_that_a_job_started(executor, tmp_path):
    finished(executor, task("a", "grandchildren", str(tmp_path / "pids"), timeout=1.5))

    pids = map(int, (tmp_path / "pids").read_text().split())
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []


def test_closing_ends_the_jobs_in_flight(executor, tmp_path):
    events = executor.run([task("a", "grandchildren", str(tmp_path / "pids"))], parallel=1)
    next(event for event in events if isinstance(event, Progressed))
    executor.close()

    pids = map(int, (tmp_path / "pids").read_text().split())
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []


def test_the_loss_of_the_fork_server_costs_only_the_jobs_in_flight(executor):
    done = finished(executor, task("a", "kill_server"), task("b", "measure", 1), parallel=1)

    assert done["a"].result.code == "signal-9"
    assert done["b"].result.measurements[0].samples == (1.0,)


def test_a_fork_server_that_cannot_start_is_no_fault_of_a_job(tmp_path):
    with (
        LocalExecutor(
            tmp_path / "work", logs=tmp_path / "logs", entry="no_such_module:execute", preload=()
        ) as broken,
        pytest.raises(ExecutorError, match="No module named 'no_such_module'"),
    ):
        finished(broken, task("a", "measure", 1))


def test_no_scratch_file_stays(executor, tmp_path):
    finished(executor, task("a", "measure", 1), task("b", "leave", 1))

    assert list((tmp_path / "work").iterdir()) == []
