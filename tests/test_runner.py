import sqlite3
from dataclasses import replace

import pytest

from suite.executors import Finished, Progressed, Started
from suite.jobs import Result
from suite.record import Failure, Measurement
from suite.runner import Step, carry_out
from suite.store import Store
from tests import toy_run
from tests.narrowing import stand_in
from tests.toy_run import BASE, toy_plan, variant


class FakeExecutor:
    """Finishes every task at once; the labels of tasks in `failing` fail. Remembers what it was asked."""

    def __init__(self, failing=()):
        self.failing = failing
        self.asked = []
        self.proofs = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, tasks, *, parallel):
        self.asked.append((parallel, [task.label for task in tasks]))
        self.proofs |= {task.payload.proof for task in tasks}
        for task in tasks:
            yield Started(task.id)
            yield Progressed(task.id, task.stage, 1, 2)
            measured = (Measurement("params", 1, "1", "trained", (1.0,)),)
            result: Result | Failure = Result(measured, {"device": "cpu"})
            if task.label in self.failing:
                result = Failure(task.stage, "oom", "no memory")
            yield Finished(task.id, result, "2026-01-01T00:00:00+00:00", 2.0, stand_in(None))


class BrokenExecutor(FakeExecutor):
    """Is interrupted after two results."""

    def run(self, tasks, *, parallel):
        finished = 0
        for event in super().run(tasks, parallel=parallel):
            yield event
            finished += isinstance(event, Finished)
            if finished == 2:
                raise KeyboardInterrupt


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "store.sqlite") as opened:
        yield opened


@pytest.fixture
def plan(tmp_path):
    return toy_plan(tmp_path)


def labels(executor):
    return [label for _, asked in executor.asked for label in asked]


def test_every_job_of_the_plan_is_done_and_stored(plan, store):
    executor = FakeExecutor()
    summary = carry_out(plan, store, lambda: executor)

    assert labels(executor) == [job.label for job in plan.jobs]
    assert {job.status for job in store.run(summary.run_id).jobs} == {"done"}
    assert (summary.done, summary.reused, summary.failed) == (len(plan.jobs), 0, ())


def test_the_trainings_of_one_run_share_one_proof_of_their_evaluator(plan, store):
    executor = FakeExecutor()
    run = carry_out(plan, store, lambda: executor).run_id

    assert executor.proofs == {None, plan.conditions.out / f"artifacts/evaluator-{run}.json"}


def test_timing_is_alone_on_the_machine_and_everything_else_is_not(plan, store):
    executor = FakeExecutor()
    carry_out(plan, store, lambda: executor)

    assert [(parallel, jobs[0].partition("-")[0]) for parallel, jobs in executor.asked] == [
        (2, "static"),
        (1, "latency"),
        (2, "train"),
    ]


def test_what_is_stored_is_not_measured_again(plan, store):
    carry_out(plan, store, FakeExecutor)

    again = carry_out(plan, store, lambda: pytest.fail("there is nothing to do"))

    assert (again.done, again.reused) == (0, len(plan.jobs))
    assert {(job.status, job.reused) for job in store.run(again.run_id).jobs} == {("done", True)}


def test_force_measures_again(plan, store):
    carry_out(plan, store, FakeExecutor)
    executor = FakeExecutor()

    assert carry_out(plan, store, lambda: executor, force=True).done == len(plan.jobs)
    assert labels(executor) == [job.label for job in plan.jobs]


def test_a_failure_is_recorded_and_the_rest_goes_on(plan, store):
    failing = ["static-wide1", "train-base-seed0"]
    summary = carry_out(plan, store, lambda: FakeExecutor(failing))

    jobs = store.run(summary.run_id).jobs
    assert [job.status for job in jobs].count("failed") == 2
    assert [job.status for job in jobs].count("done") == len(plan.jobs) - 2
    assert [(job.label, failure.code) for job, failure in summary.failed] == [
        (name, "oom") for name in failing
    ]


def test_what_failed_is_tried_again_by_the_next_run(plan, store):
    carry_out(plan, store, lambda: FakeExecutor(["train-base-seed0"]))
    executor = FakeExecutor()

    summary = carry_out(plan, store, lambda: executor)

    assert labels(executor) == ["train-base-seed0"]
    assert {job.status for job in store.run(summary.run_id).jobs} == {"done"}


def test_an_interrupted_run_keeps_what_was_done_and_the_next_one_does_the_rest(plan, store):
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, store, BrokenExecutor)
    interrupted = store.run()
    executor = FakeExecutor()
    summary = carry_out(plan, store, lambda: executor)

    assert interrupted.finished == ""
    assert [job.status for job in interrupted.jobs].count("done") == 2
    assert (summary.reused, len(labels(executor))) == (2, len(plan.jobs) - 2)


def test_two_names_of_one_network_are_measured_once_and_both_have_the_result(tmp_path, store):
    twin = replace(BASE, name="twin")
    plan = toy_plan(tmp_path, BASE, twin)
    executor = FakeExecutor()

    summary = carry_out(plan, store, lambda: executor)

    assert not [label for label in labels(executor) if "twin" in label]
    assert {job.status for job in store.run(summary.run_id).jobs if job.variant == "twin"} == {
        "done"
    }


def test_every_step_is_told_with_its_place_in_the_run(plan, store):
    steps: list[Step] = []
    carry_out(plan, store, FakeExecutor, listen=steps.append)

    finished = [step for step in steps if isinstance(step.event, Finished)]
    assert [(step.number, step.total) for step in finished] == [
        (n, len(plan.jobs)) for n in range(1, len(plan.jobs) + 1)
    ]
    assert len(steps) == 3 * len(plan.jobs)


def test_an_outcome_is_on_the_disk_before_it_is_told(plan, store):
    def listen(step):
        if isinstance(step.event, Finished):
            reader = sqlite3.connect(store.path)
            found = reader.execute(
                "SELECT count(*) FROM outcomes WHERE key = ?", (step.job.key,)
            ).fetchone()
            reader.close()
            assert found == (1,)

    carry_out(plan, store, FakeExecutor, listen=listen)


def test_a_record_says_where_it_was_taken(plan, store):
    carry_out(plan, store, FakeExecutor)

    environment = next(m.environment for m in store.measurements() if m.job_key == plan.jobs[0].key)
    assert (environment["machine"], environment["device"]) == ("toaster", "cpu")
    assert environment["libraries"] == {"torch": "2.10.0"}
    assert "git" in environment


def test_real_processes_carry_out_a_plan_with_a_failing_variant(tmp_path):
    plan = toy_plan(tmp_path, BASE, variant("bad", 16, base="base", baseline="base"))

    summary = toy_run.do(plan, tmp_path)

    assert [(job.label, failure.stage, failure.code) for job, failure in summary.failed] == [
        ("train-bad-seed0", "train", "non-finite"),
        ("train-bad-seed1", "train", "non-finite"),
    ]
    assert summary.done == len(plan.jobs) - 2
