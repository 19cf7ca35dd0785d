"""What a run is expected to take, from a store that a run left behind, or from none."""

from collections.abc import Sequence

import pytest

from suite.plan import Job
from suite.record import Json, Measurement, Outcome
from suite.session.estimate import CPU_FLOPS, Estimate, estimate
from suite.session.options import RunOptions
from suite.session.progress import step_lines
from suite.session.runs import PreparedRun, carry_out, prepare, stored_keys
from suite.stats.budget import METRIC, Used
from suite.store import Store

FLOPS = 1e9  # of each training that the store knows


def prepared_run(protocol, tmp_path, *settings: str, **changes) -> PreparedRun:
    made = RunOptions((), str(protocol), None, (), tmp_path / "out", settings=settings, **changes)
    return prepare(made)


def judged(prepared: PreparedRun) -> Estimate:
    return estimate(prepared, stored_keys(prepared))


def jobs_of(prepared: PreparedRun, kind: str, name: str = "") -> list[Job]:
    jobs = [job for job in prepared.plan.jobs if job.kind == kind]
    return [job for job in jobs if not name or job.variant.name == name]


def trained(seconds: float) -> tuple[Measurement, ...]:
    """What a training says that it used: FLOPs, and seconds of its loop."""
    spent = Used("steps", 2, 2, 2, 4, FLOPS, seconds, "budget", "x")
    return (Measurement(METRIC, 1, "", "trained", (2.0,), notes=spent.as_json),)


def remember(
    prepared: PreparedRun,
    jobs: Sequence[Job],
    seconds: float,
    measured: tuple[Measurement, ...] = (),
    *,
    machine: str = "",
) -> None:
    """Store that jobs took so long, on this machine or another."""
    conditions = prepared.plan.conditions
    environment: dict[str, Json] = {"machine": machine or str(conditions.machine["class"])}
    prepared.options.out.mkdir(exist_ok=True)
    with Store.open(prepared.options.store) as store:
        run = store.begin_run(
            protocol="mine",
            protocol_json={},
            git="",
            machine=conditions.machine,
            dataset_fingerprint="",
            metrics=(),
            variants=(),
            jobs=[job.record for job in jobs],
        )
        for job in jobs:
            outcome = Outcome(
                job.key, measured, None, "2026-01-01T00:00:00+00:00", seconds, environment
            )
            store.put(run, job.record, outcome)


def test_without_a_store_flops_and_an_assumed_speed_are_all_there_is(protocol, tmp_path):
    prepared = prepared_run(protocol, tmp_path)
    found = judged(prepared)

    assert found.sources == {"same": 0, "others": 0, "guess": len(prepared.plan.jobs)}
    assert found.low == pytest.approx(found.seconds / 5)
    assert found.high == pytest.approx(found.seconds * 5)
    assert found.bytes > 0
    assert "by FLOPs and an assumed speed" in str(found)


def test_what_is_assumed_of_a_training_goes_by_its_flops(protocol, tmp_path):
    only = ("metrics=[accuracy]", "variants=[yolov5p]", "parallel=1")
    short = prepared_run(protocol, tmp_path, *only, "budget.steps=1")
    long = prepared_run(protocol, tmp_path, *only, "budget.steps=100001")
    more = judged(long).seconds - judged(short).seconds

    # 100,000 steps of 2 pictures; six FLOPs a multiply-add, of which yolov5p takes 5,667,328 at 64 x 64 with 4 classes
    cores = int(str(short.plan.conditions.machine["cores"]))
    assert more == pytest.approx(100_000 * 2 * 6 * 5_667_328 / (CPU_FLOPS * cores), rel=1e-6)


def test_a_stored_result_of_the_same_network_tells_what_another_seed_will_take(protocol, tmp_path):
    first = prepared_run(protocol, tmp_path, "variants=[yolov5p]", "parallel=1")
    remember(first, jobs_of(first, "static"), 4.0)
    remember(first, jobs_of(first, "train"), 10.0, trained(6.0))
    second = prepared_run(protocol, tmp_path, "variants=[yolov5p]", "parallel=1", "seeds=[7]")
    found = judged(second)

    # counting is stored; the loop goes by FLOPs, and what comes before and after it, 4 s, does not
    flops = 2 * 2 * 6 * 5_667_328
    assert found.sources == {"same": 1, "others": 0, "guess": 0}
    assert found.seconds == pytest.approx(4 + 6 * flops / FLOPS)
    assert found.high == pytest.approx(1.25 * found.seconds)


def test_other_networks_on_this_machine_tell_less(protocol, tmp_path):
    prepared = prepared_run(protocol, tmp_path)
    remember(prepared, jobs_of(prepared, "static", "yolov5p"), 4.0)
    found = judged(prepared)

    assert (found.sources["same"], found.sources["others"]) == (0, 1)
    assert found.sources["guess"] == len(jobs_of(prepared, "train"))


def test_what_another_machine_took_says_nothing(protocol, tmp_path):
    prepared = prepared_run(protocol, tmp_path, "metrics=[accuracy]", "seeds=[3]")
    other = prepared_run(protocol, tmp_path, "metrics=[accuracy]", "seeds=[4]")
    remember(other, jobs_of(other, "train"), 10.0, trained(6.0), machine="another")

    assert judged(prepared).sources["guess"] == len(prepared.plan.jobs)


def test_jobs_run_several_at_once_but_never_sooner_than_the_longest(protocol, tmp_path):
    wide = prepared_run(protocol, tmp_path, "variants=[yolov5p]", "seeds=[0]", "parallel=8")
    remember(wide, jobs_of(wide, "static"), 4.0)
    remember(wide, jobs_of(wide, "train"), 10.0, trained(6.0))

    again = prepared_run(protocol, tmp_path, "variants=[yolov5p]", "seeds=[1]", "parallel=8")
    lone = prepared_run(protocol, tmp_path, "variants=[yolov5p]", "seeds=[1]", "parallel=1")
    assert judged(again).seconds == pytest.approx(judged(lone).seconds)


def test_a_timing_lasts_as_long_as_the_protocol_lets_it(protocol, tmp_path):
    latency = ("metrics=[latency]", "variants=[yolov5p]")
    short = judged(prepared_run(protocol, tmp_path, *latency, "latency.seconds=1"))
    long = judged(prepared_run(protocol, tmp_path, *latency, "latency.seconds=31"))

    assert long.seconds - short.seconds == pytest.approx(30)


def test_a_budget_of_wall_time_is_what_a_training_takes(protocol, tmp_path):
    only = ("metrics=[accuracy]", "variants=[yolov5p]", "seeds=[0]", "parallel=1")
    short = judged(prepared_run(protocol, tmp_path, *only, "budget.seconds=10"))
    long = judged(prepared_run(protocol, tmp_path, *only, "budget.seconds=70"))

    assert long.seconds - short.seconds == pytest.approx(60)


def test_nothing_left_to_do_takes_nothing(executor, protocol, tmp_path):
    prepared = prepared_run(protocol, tmp_path)
    carry_out(prepared, step_lines(lambda _: None))

    found = judged(prepared)
    assert (found.seconds, found.bytes) == (0, 0)
    assert str(found) == "estimate: nothing is left to be done"
