"""A run of four toy variants whose jobs only pretend: `python toy_run.py OUT` does it and says every step."""

import sys
import time
from dataclasses import replace
from pathlib import Path

from suite import protocols
from suite.executors import Finished, Started
from suite.executors.local import LocalExecutor
from suite.jobs import JobError, Result
from suite.plan import Conditions, Data, Plan, plan
from suite.record import Json, Measurement, Metric
from suite.runner import Summary, carry_out
from suite.spec.records.variant import Layer, Variant
from suite.store import Store
from suite.train.recipe import recipe

METRICS = (
    Metric("params", "parameters", "1", "lower", 1, 0, "size"),
    Metric("latency_wall_ms", "latency", "ms", "lower", 1, 2, "latency"),
    Metric("ap", "AP", "", "higher", 1, 3, "accuracy"),
)
MACHINE: dict[str, Json] = {
    "class": "toaster",
    "python": "3",
    "gpus": [],
    "libraries": {"torch": "2.10.0"},
}
PROTOCOL = replace(protocols.load("demo"), seeds=(0, 1))
JOB_SECONDS = 0.02


def variant(name, out=8, **fields):
    layers = (Layer("conv.Conv", "backbone", out=out), Layer("anchor.AnchorHead", "head"))
    return Variant(name, f"title of {name}", layers, **fields)


BASE = variant("base")
VARIANTS = (
    BASE,
    *(variant(f"wide{n}", 8 + 8 * n, base="base", baseline="base") for n in (1, 2, 3)),
)


def toy_plan(out: Path, *variants: Variant, **changes) -> Plan:
    data = Data(Path("data"), "d0", ("disc", "square"))
    conditions = Conditions(
        protocol=PROTOCOL,
        recipe=recipe("tiny"),
        data=data,
        machine=MACHINE,
        metrics=METRICS,
        out=out,
    )
    return plan(
        replace(conditions, **changes), variants or VARIANTS, (), {"base": BASE}.__getitem__
    )


def execute(job, reporter):
    """The entry function: a number that depends on the job; variants named `bad...` fail in training."""
    if job.kind == "train" and job.variant.name.startswith("bad"):
        reporter.stage("train")
        raise JobError("non-finite", f"{job.variant.name}: the loss is not finite")
    time.sleep(JOB_SECONDS)  # long enough to be killed in
    metric = {"static": "params", "latency": "latency_wall_ms", "train": "ap"}[job.kind]
    return Result((Measurement(metric, 1, "1", "trained", (float(len(job.label)),)),))


def toy_executor(out: Path) -> LocalExecutor:
    here = Path(__file__).parent
    return LocalExecutor(
        out / "work", logs=out / "log", entry="toy_run:execute", preload=(), path=[here]
    )


def do(plan: Plan, out: Path, **options) -> Summary:
    with Store.open(out / "store.sqlite") as store:
        return carry_out(plan, store, lambda: toy_executor(out), **options)


def main(out: Path) -> None:
    def say(step) -> None:
        if isinstance(step.event, Started | Finished):
            sys.stdout.write(f"{type(step.event).__name__} {step.job.label}\n")
            sys.stdout.flush()

    do(toy_plan(out), out, listen=say)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
