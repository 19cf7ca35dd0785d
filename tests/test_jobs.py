import gzip
import json
import shutil
from dataclasses import replace

import pytest
import torch

from suite import protocols
from suite.datasets.builtin.shapes import ensure
from suite.datasets.formats.forms import read_split
from suite.datasets.survey.facts import fingerprint
from suite.jobs import JobError, Result, execute, static
from suite.jobs.budget import MOST, allowance
from suite.machine import describe
from suite.metrics.cost.flops import count
from suite.metrics.definitions import METRICS
from suite.metrics.evidence.records import RECORDS
from suite.nn.detector import build
from suite.nn.weights.checkpoint import load_weights
from suite.plan import Conditions, Data, plan
from suite.protocols import Budget, Checkpoints
from suite.record import Json
from suite.spec.library import Library
from suite.spec.records.variant import Expect
from suite.stats.budget import METRIC, used
from suite.stats.matches import load as load_matches
from suite.train.engine import Engine
from suite.train.recipe import recipe
from suite.train.snapshot import Keeper
from tests.narrowing import present
from tests.train.trainings import blank_snapshot

LIBRARY = Library()
BASE = LIBRARY.load("yolov5p")


class Reporter:
    """Remembers the stages, and the last progress."""

    def __init__(self):
        self.stages = []
        self.steps = None

    def stage(self, stage):
        self.stages.append(stage)

    def progress(self, done, total):
        self.steps = (done, total)


@pytest.fixture(scope="module")
def conditions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jobs")
    data = ensure(folder / "data", train=8, val=4, size=64)
    train, val = read_split(data, "train"), read_split(data, "val")
    demo = protocols.load("demo")
    protocol = replace(
        demo,
        image_size=64,
        budget=replace(demo.budget, steps=2, batch=2),
        latency=replace(demo.latency, image_size=64, seconds=0.1),
        cost=replace(demo.cost, image_size=64),
    )
    return Conditions(
        protocol=protocol,
        recipe=recipe("tiny"),
        data=Data(data, fingerprint(train, val), tuple(c.name for c in train.categories)),
        machine=describe(),
        metrics=METRICS,
        out=folder / "out",
    )


def job(conditions, kind, variant=BASE):
    jobs = plan(conditions, [variant], [], LIBRARY.load).jobs
    return next(found for found in jobs if (found.kind, found.variant.name) == (kind, variant.name))


@pytest.fixture(scope="module")
def results(conditions):
    """What each kind of job says of the base."""
    return {
        kind: execute(job(conditions, kind), Reporter()) for kind in ("static", "latency", "train")
    }


def values(result, metric, form):
    return [m.samples for m in result.measurements if (m.metric, m.form) == (metric, form)]


def test_the_static_job_counts_both_forms(results):
    result = results["static"]

    assert values(result, "params", "trained") == [(448225.0,)]
    assert (
        len(values(result, "gmacs", "deployed"))
        == len(values(result, "gmacs_thop", "trained"))
        == 1
    )


def test_the_static_job_stores_the_strides(results):
    (strides,) = (m for m in results["static"].measurements if m.metric == "strides")
    assert strides.samples == (8.0, 16.0, 32.0)
    assert strides.notes == {"warnings": [], "replaced": []}


def test_the_static_job_stores_the_convolutions_that_an_edit_replaced(conditions):
    result = execute(job(conditions, "static", LIBRARY.load("yolov5p_odconv_down_k4")), Reporter())

    (strides,) = (m for m in result.measurements if m.metric == "strides")
    assert strides.notes["replaced"] == [
        [f"backbone.{i}.conv", "odconv.ODConv"] for i in (1, 3, 5, 7)
    ]


def test_strides_unlike_the_baselines_are_a_warning(conditions):
    variant = LIBRARY.load("yolov5p_efficientnetv2_printed")
    result = execute(job(conditions, "static", variant), Reporter())

    (strides,) = (m for m in result.measurements if m.metric == "strides")
    assert strides.notes["warnings"] == ["strides 16, 32, 64 where yolov5p has 8, 16, 32"]


def test_anchors_unlike_the_baselines_are_a_warning(conditions):
    anchors: list[Json] = [[6, 6, 8, 8, 9, 9], [20, 20, 30, 30, 40, 40], [60, 60, 70, 70, 90, 90]]
    head = replace(BASE.layers[-1], options={"anchors": anchors})
    variant = replace(
        BASE, name="yolov5p_anchors", baseline="yolov5p", layers=(*BASE.layers[:-1], head)
    )
    result = execute(job(conditions, "static", variant), Reporter())

    (strides,) = (m for m in result.measurements if m.metric == "strides")
    assert strides.notes["warnings"] == ["anchors of its own, not those of yolov5p"]


def test_a_head_without_anchors_is_no_warning(conditions):
    variant = LIBRARY.load("tiny_decoupled")
    result = execute(job(conditions, "static", variant), Reporter())

    (strides,) = (m for m in result.measurements if m.metric == "strides")
    assert strides.notes["warnings"] == []


def test_a_broken_promise_is_a_failure_at_its_stage(conditions):
    reporter = Reporter()
    with pytest.raises(JobError, match="but `expect` says 1") as caught:
        execute(job(conditions, "static", replace(BASE, expect=Expect(params=1))), reporter)

    assert (caught.value.code, reporter.stages[-1]) == ("expect", "expect")


def test_a_deployed_form_with_another_output_is_a_failure_at_its_stage(conditions, monkeypatch):
    def bad_deploy(model):
        return build(BASE, 4, seed=1).double().eval()

    monkeypatch.setattr(static, "deploy", bad_deploy)
    reporter = Reporter()
    with pytest.raises(JobError, match="deploy changed the output by") as caught:
        execute(job(conditions, "static"), reporter)

    assert (caught.value.code, reporter.stages[-1]) == ("deploy", "deploy")


def test_a_deployed_form_whose_output_is_no_number_is_a_failure(monkeypatch):
    class Silent(torch.nn.Module):
        def forward(self, images):
            return tuple(
                torch.full((2, 3, s, s, 9), torch.nan, dtype=torch.float64) for s in (16, 8, 4)
            )

    monkeypatch.setattr(static, "deploy", lambda model: Silent())
    with pytest.raises(JobError, match="changed the output by nan"):
        static.check_deploy(BASE, 4)


def test_folding_the_norms_wrongly_does_not_go_unnoticed(monkeypatch):
    monkeypatch.setattr("suite.nn.layers.fold_norm", lambda conv, norm: conv)

    with pytest.raises(JobError, match="deploy changed the output"):
        static.check_deploy(BASE, 4)


def test_a_variant_that_does_not_build_is_a_failure_named_spec(conditions):
    layers = (
        *BASE.part("backbone"),
        *BASE.part("neck"),
        replace(BASE.layers[-1], inputs=("no_such_tag",)),
    )
    with pytest.raises(JobError) as caught:
        execute(job(conditions, "static", replace(BASE, layers=layers)), Reporter())

    assert caught.value.code == "spec"


def test_the_latency_job_times_variant_base_and_copy(results):
    found = {m.metric: len(m.samples) for m in results["latency"].measurements}
    rounds = {metric: count for metric, count in found.items() if metric.startswith("latency")}
    assert len(set(rounds.values())) == 1
    assert {"latency_wall_ms", "latency_base_cpu_ms", "latency_copy_wall_ms"} <= rounds.keys()


def test_the_latency_job_says_what_was_timed_and_a_baselines_what_the_machine_can_do(results):
    found = {m.metric: m for m in results["latency"].measurements}
    latency = found["latency_wall_ms"]

    assert {"timed_gflop", "peak_gflops", "bandwidth_gbs"} <= found.keys()
    assert all(
        found[name].settings == latency.settings
        for name in ("timed_gflop", "peak_gflops", "bandwidth_gbs")
    )


def test_the_training_job_measures_and_keeps_the_model(conditions):
    training = job(conditions, "train")
    reporter = Reporter()
    result = execute(training, reporter)

    weights, detections, matches, curve = (conditions.out / path for path in result.artifacts)
    assert reporter.stages == ["data", "build", "train", "eval"]
    assert reporter.steps == (2, 2)
    assert {"ap", "ap50", "detections", "loss_curve", "train_seconds"} <= {
        m.metric for m in result.measurements
    }
    load_weights(build(BASE, 4), weights)
    results = json.loads(gzip.decompress(detections.read_bytes()))
    assert len(load_matches(matches).score) <= len(results)
    assert weights.is_relative_to(conditions.out / "artifacts" / training.key)
    assert curve.read_text().splitlines()[1].startswith("2,4,")


def test_the_training_job_says_what_it_used_of_its_budget(conditions, results):
    (steps,) = (m for m in results["train"].measurements if m.metric == "train_steps")
    spent = present(used(steps.notes))

    assert (steps.samples, spent.kind, spent.amount, spent.images, spent.end) == (
        (2.0,),
        "steps",
        2,
        4,
        "budget",
    )
    gmacs = next(
        m for m in results["static"].measurements if (m.metric, m.form) == ("gmacs", "trained")
    ).samples[0]
    assert spent.flops == pytest.approx(4 * 6e9 * gmacs)


def test_two_variants_see_the_same_pictures(conditions, results):
    other = execute(job(conditions, "train", LIBRARY.load("yolov5p_wide")), Reporter())

    both = [
        present(used(m.notes)).pictures
        for found in (results["train"], other)
        for m in found.measurements
        if m.metric == METRIC
    ]
    assert len(both) == 2
    assert len(set(both)) == 1


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"steps": 7}, (7, None)),
        ({"epochs": 3}, (8, None)),  # 3 x 10 pictures in batches of 4
        ({"flops": 9.99}, (9, None)),  # in units of one step
        ({"flops": 0.5}, (1, None)),
        ({"seconds": 2.5}, (MOST, 2.5)),
    ],
)
def test_a_budget_becomes_steps_or_seconds(stated, expected):
    step = 4 * 6e9 * count(build(BASE, 80, device="meta").eval(), "trained", 64).samples[0]
    if "flops" in stated:
        stated = {"flops": stated["flops"] * step}

    allowed = allowance(Budget(4, **stated), BASE, classes=80, image_size=64, pictures=10)

    assert (allowed.steps, allowed.seconds) == expected


def test_a_killed_training_job_goes_on_from_its_checkpoint(conditions, monkeypatch):
    """The second process reads the batches from where the first one was killed."""
    longer = replace(
        conditions,
        protocol=replace(
            conditions.protocol,
            budget=replace(conditions.protocol.budget, steps=4),
            checkpoints=Checkpoints(steps=2),
        ),
    )
    training = job(longer, "train")
    whole = execute(training, Reporter())
    expected = [(longer.out / path).read_bytes() for path in whole.artifacts]
    steps = Engine.step

    def killed(engine, step, batch):
        if step == 3:
            raise KeyboardInterrupt
        steps(engine, step, batch)

    seen = []
    monkeypatch.setattr(Engine, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        execute(training, Reporter())

    def watched(engine, step, batch):
        seen.append(step)
        steps(engine, step, batch)

    monkeypatch.setattr(Engine, "step", watched)
    again = execute(training, Reporter())

    assert seen == [2, 3]
    assert [(longer.out / path).read_bytes() for path in again.artifacts] == expected
    assert not list((longer.out / "artifacts" / training.key).glob("checkpoint*"))


def test_another_trainings_checkpoint_is_a_failure_that_says_what_differs(conditions):
    training = job(conditions, "train")
    folder = conditions.out / "artifacts" / training.key
    Keeper(folder / "checkpoint.json", {"seed": 1}).keep(blank_snapshot(step=1))
    try:
        with pytest.raises(JobError, match=r"another training \(.*seed 1, now 0") as caught:
            execute(training, Reporter())
    finally:
        shutil.rmtree(folder)

    assert caught.value.code == "checkpoint"


def test_the_first_evaluation_of_a_run_is_checked_by_pycocotools_and_the_others_refer_to_it(
    conditions,
):
    proof = conditions.out / "artifacts/evaluator-of-a-run.json"
    training = replace(job(conditions, "train"), proof=proof)
    first, second = (execute(training, Reporter()).measurements for _ in range(2))

    checked, trusted = (
        next(m.notes for m in found if m.metric == "ap") for found in (first, second)
    )
    assert json.loads(proof.read_text()) == checked["agreement"]
    assert (trusted["evaluator"], "agreement" in trusted) == ("fast", False)
    assert values(Result(first), "ap", "trained") == values(Result(second), "ap", "trained")


def test_evaluators_that_disagree_fail_the_job(conditions, monkeypatch):
    monkeypatch.setattr("suite.metrics.accuracy.assess.pycocotools_numbers", lambda *_: (0.5,) * 12)
    with pytest.raises(JobError, match="ap: the fast evaluator gives") as caught:
        execute(job(conditions, "train"), Reporter())

    assert caught.value.code == "evaluator"


def test_the_same_training_gives_the_same_weights(conditions):
    training = job(conditions, "train")
    first, second = (
        (conditions.out / execute(training, Reporter()).artifacts[0]).read_bytes() for _ in range(2)
    )

    assert first == second


def test_a_training_that_diverges_is_a_failure(conditions):
    hot = replace(
        conditions.recipe, optimizer=replace(conditions.recipe.optimizer, rate=1e30, clip=1e30)
    )
    reporter = Reporter()
    longer = replace(conditions.protocol, budget=replace(conditions.protocol.budget, steps=60))
    with pytest.raises(JobError, match="step") as caught:
        execute(job(replace(conditions, recipe=hot, protocol=longer), "train"), reporter)

    assert (caught.value.code, reporter.stages[-1]) == ("non-finite", "train")


@pytest.mark.parametrize("kind", ["static", "latency", "train"])
def test_what_stands_beside_a_jobs_measurements_is_what_their_records_say(results, kind):
    for measurement in results[kind].measurements:
        record = RECORDS.get(measurement.metric)
        read = {} if record is None else record.from_json(measurement.notes).as_json
        assert read == measurement.notes


@pytest.mark.parametrize("kind", ["static", "latency", "train"])
def test_every_measurement_of_a_job_is_of_a_metric_that_is_defined(results, kind):
    known = {(metric.name, metric.version, metric.unit) for metric in METRICS}

    found = {(m.metric, m.metric_version, m.unit) for m in results[kind].measurements}
    assert {name for name, _, _ in found - known} <= {"strides"}
