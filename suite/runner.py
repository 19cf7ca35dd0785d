"""Does a plan: hands its jobs to an executor and puts every outcome into the store as it comes."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TypeAlias

from suite import machine
from suite.executors import Executor, Finished, Progressed, Started, Task
from suite.plan import Job, Plan, variant_record
from suite.record import Failure, JobKind, Json, Outcome, Stage
from suite.store import Store

_KINDS: tuple[tuple[JobKind, Stage], ...] = (
    ("static", "build"),
    ("latency", "latency"),
    ("train", "train"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """Something happened to a job: `number` of `total` is its place in the run. `event` tells what."""

    number: int
    total: int
    job: Job
    event: Started | Progressed | Finished


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended."""

    run_id: str
    reused: int
    done: int
    failed: tuple[tuple[Job, Failure], ...]


Listener: TypeAlias = Callable[[Step], None]


def carry_out(
    plan: Plan,
    store: Store,
    open_executor: Callable[[], AbstractContextManager[Executor]],
    *,
    force: bool = False,
    listen: Listener = lambda _: None,
) -> Summary:
    """Do the jobs of a plan that have no measurements in the store yet (all of them with `force`).

    Whatever becomes of a job, the others are done, and each outcome is on the disk before the next event is read.
    Whatever ends this process, all outcomes until then are kept, and the same call again does the rest.

    Args:
        plan: what to do.
        store: open for writing.
        open_executor: gives the executor; not called if there is nothing to do.
        force: measure again what is stored.
        listen: told about every step.

    Raises:
        ExecutorError: the executor itself cannot work.
    """
    reused = set() if force else {job.key for job in plan.jobs if store.has(job.key)}
    git = _git()
    run_id = store.begin_run(
        protocol=plan.conditions.protocol.name,
        protocol_json=_protocol_json(plan),
        git=git,
        machine=plan.conditions.machine,
        dataset_fingerprint=plan.conditions.data.fingerprint,
        metrics=plan.conditions.metrics,
        variants=[variant_record(variant) for variant in plan.variants],
        jobs=[replace(job.record, reused=job.key in reused) for job in plan.jobs],
    )
    # two files may describe one network: their jobs have one key and are done once
    todo = {job.key: job for job in reversed(plan.jobs) if job.key not in reused}
    failed: list[tuple[Job, Failure]] = []
    if todo:
        with open_executor() as executor:
            run = _Run(plan, store, run_id, git, listen)
            for kind, stage in _KINDS:
                jobs = [job for job in plan.jobs if job.kind == kind and todo.get(job.key) is job]
                if kind == "train":
                    proof = plan.conditions.out / "artifacts" / f"evaluator-{run_id}.json"
                    jobs = [replace(job, proof=proof) for job in jobs]
                # a timing job is alone on the machine
                parallel = 1 if kind == "latency" else plan.conditions.protocol.parallel
                failed += run.do(executor, jobs, stage, parallel=parallel)
    store.finish_run(run_id)
    return Summary(run_id, len(reused), len(todo) - len(failed), tuple(failed))


@dataclass(frozen=True, slots=True)
class _Run:
    plan: Plan
    store: Store
    run_id: str
    git: str
    listen: Listener

    def do(
        self, executor: Executor, jobs: list[Job], stage: Stage, *, parallel: int
    ) -> list[tuple[Job, Failure]]:
        """Do the jobs of one kind; the failures among them."""
        failed = []
        by_key = {job.key: job for job in jobs}
        numbers = {job.key: number for number, job in enumerate(self.plan.jobs, start=1)}
        timeouts = self.plan.conditions.protocol.timeouts
        tasks = [Task(job.key, job.label, job, timeouts.of(job.kind), stage) for job in jobs]
        for event in executor.run(tasks, parallel=parallel):
            job = by_key[event.id]
            if isinstance(event, Finished):
                self.store.put(self.run_id, job.record, self._outcome(job, event))
                if isinstance(event.result, Failure):
                    failed.append((job, event.result))
            self.listen(Step(numbers[job.key], len(self.plan.jobs), job, event))
        return failed

    def _outcome(self, job: Job, event: Finished) -> Outcome:
        machine_facts = self.plan.conditions.machine
        environment = {
            "machine": machine_facts["class"],
            "python": machine_facts["python"],
            "libraries": machine_facts["libraries"],
            "git": self.git,
        }
        if isinstance(event.result, Failure):
            return Outcome(job.key, (), event.result, event.started, event.seconds, environment)
        environment |= event.result.environment
        return Outcome(
            job.key,
            event.result.measurements,
            None,
            event.started,
            event.seconds,
            environment,
            event.result.artifacts,
        )


def _protocol_json(plan: Plan) -> dict[str, Json]:
    conditions = plan.conditions
    return {
        **conditions.protocol.as_json,
        "recipe_settings": conditions.recipe_json,
        "data_folder": str(conditions.data.folder),
        "classes": list(conditions.data.classes),
        "train_device": conditions.train_device,
        "not_here": dict(conditions.not_here),
    }


def _git() -> str:
    """The commit that this code is of, marked where files differ from it; "" outside a checkout."""
    checkout = machine.checkout()
    if not checkout:
        return ""
    changes = "+changes" if checkout["dirty"] else ""
    return f"{checkout['commit']}{changes}"
