from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite import protocols
from suite.plan import Conditions, Data, plan
from suite.protocols import Setup
from suite.protocols.setups import Offer, offer_of
from suite.record import Metric
from suite.spec.records.variant import Expect, Layer, Variant
from suite.train.recipe import recipe
from suite.yaml.errors import SpecError

METRICS = (
    Metric("params", "parameters", "1", "lower", 1, 0, "size"),
    Metric("gmacs", "multiply-adds", "GMACs", "lower", 1, 3, "compute"),
    Metric("latency_wall_ms", "latency", "ms", "lower", 1, 2, "latency"),
    Metric("ap", "AP", "", "higher", 1, 3, "accuracy"),
)
MACHINE: dict[str, Any] = {
    "class": "toaster",
    "gpus": [],
    "libraries": {"torch": "2.10.0", "fvcore": "0.1", "thop": "0.1"},
}
DEMO = protocols.load("demo")


def variant(name, *, out=8, block="conv.Conv", **fields):
    layers = (Layer(block, "backbone", out=out), Layer("anchor.AnchorHead", "head"))
    return Variant(name, f"title of {name}", layers, **fields)


BASE = variant("base")
WIDE = variant("wide", out=16, base="base", baseline="base")
WIDER = variant("wider", out=32, base="wide", baseline="wide")
LIBRARY = {known.name: known for known in (BASE, WIDE, WIDER)}


def conditions(**changes):
    settings: dict[str, Any] = {
        "protocol": DEMO,
        "recipe": recipe("tiny"),
        "data": Data(Path("data"), "d0", ("disc", "square")),
        "machine": MACHINE,
        "metrics": METRICS,
        "out": Path("out"),
    }
    return Conditions(**(settings | changes))


def planned(*trained, counted=(), **changes):
    return plan(conditions(**changes), trained, counted, LIBRARY.__getitem__)


def keys(laid_out, name="wide"):
    return {
        (job.kind, job.seed, job.replica, job.setup): job.key
        for job in laid_out.jobs
        if job.variant.name == name
    }


def kinds_that_differ(first, second, name="wide"):
    one, other = keys(first, name), keys(second, name)
    assert one.keys() == other.keys()
    return {place[0] for place in one if one[place] != other[place]}


def with_protocol(**changes):
    return {"protocol": replace(DEMO, **changes)}


def test_every_variant_gets_one_static_job_three_timings_and_a_training_for_each_seed():
    jobs = [job for job in planned(BASE).jobs if job.variant is BASE]

    assert [(job.kind, job.seed, job.replica) for job in jobs] == [
        ("static", None, None),
        ("latency", None, 0),
        ("latency", None, 1),
        ("latency", None, 2),
        ("train", 0, None),
        ("train", 1, None),
        ("train", 2, None),
    ]


def test_a_missing_baseline_is_added_before_what_refers_to_it():
    assert [v.name for v in planned(WIDER).variants] == ["base", "wide", "wider"]


def test_counting_comes_first_then_timing_then_training():
    kinds = [job.kind for job in planned(BASE, WIDE).jobs]

    assert kinds == sorted(kinds, key=["static", "latency", "train"].index)


def test_all_variants_of_a_seed_are_trained_before_the_next_seed():
    trainings = [
        (job.seed, job.variant.name) for job in planned(BASE, WIDE).jobs if job.kind == "train"
    ]

    assert trainings == [(seed, name) for seed in (0, 1, 2) for name in ("base", "wide")]


def test_variants_to_count_are_timed_and_not_trained():
    kinds = {job.kind for job in planned(BASE, counted=[WIDE]).jobs if job.variant is WIDE}

    assert kinds == {"static", "latency"}


def test_a_baseline_is_timed_beside_itself():
    timings = [job for job in planned(BASE, WIDE).jobs if job.kind == "latency"]

    assert {(job.variant.name, job.baseline and job.baseline.name) for job in timings} == {
        ("base", None),
        ("wide", "base"),
    }


@pytest.mark.parametrize(
    ("metrics", "kinds"), [(("size",), {"static"}), (("size", "latency"), {"static", "latency"})]
)
def test_metrics_that_a_protocol_leaves_out_give_no_jobs(metrics, kinds):
    assert {job.kind for job in planned(BASE, **with_protocol(metrics=metrics)).jobs} == kinds


def test_gpu_set_ups_are_timed_only_where_there_is_a_gpu():
    setups = (Setup("cpu", "eager", "fp32"), Setup("cuda", "eager", "fp16"))
    protocol = with_protocol(latency=replace(DEMO.latency, setups=setups))
    with_gpu = {**MACHINE, "gpus": [{"name": "a card"}]}

    assert {job.setup for job in planned(BASE, **protocol).jobs if job.setup} == {setups[0]}
    assert {
        job.setup for job in planned(BASE, machine=with_gpu, **protocol).jobs if job.setup
    } == set(setups)


def test_keys_are_different_from_each_other():
    jobs = planned(BASE, WIDE, WIDER).jobs

    assert len({job.key for job in jobs}) == len(jobs)


def test_a_key_is_the_same_whoever_else_takes_part_and_in_whatever_order():
    assert keys(planned(WIDE)) == keys(planned(WIDER, WIDE, BASE))


@pytest.mark.parametrize(
    "change",
    [
        {"title": "another title"},
        {"paper": "arXiv 2201.03545"},
        {"control": "broken"},
    ],
)
def test_what_is_only_said_of_a_variant_changes_no_key(change):
    assert kinds_that_differ(planned(WIDE), planned(replace(WIDE, **change))) == set()


def test_another_name_for_the_same_network_changes_no_key():
    renamed = replace(WIDE, name="broad")

    assert set(keys(planned(WIDE)).values()) == set(keys(planned(renamed), "broad").values())


ALL = {"static", "latency", "train"}


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({"layers": variant("wide", out=24).layers}, ALL),
        ({"freeze": ("backbone",)}, ALL),
        ({"expect": Expect(params=1)}, {"static"}),
    ],
)
def test_a_changed_variant_is_measured_again(change, kinds):
    assert kinds_that_differ(planned(WIDE), planned(replace(WIDE, **change))) == kinds


def metrics_with(name, **changes):
    return tuple(replace(m, **changes) if m.name == name else m for m in METRICS)


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({"data": Data(Path("elsewhere"), "d0", ("disc", "square"))}, set()),
        ({"data": Data(Path("data"), "d1", ("disc", "square"))}, {"train"}),
        ({"data": Data(Path("data"), "d1", ("disc", "square", "cross"))}, ALL),
        ({"out": Path("elsewhere")}, set()),
        ({"recipe": recipe("scratch-low")}, {"train"}),
        ({"recipe": replace(recipe("tiny"), name="small", title="another title")}, set()),
        ({"metrics": metrics_with("params", version=2)}, {"static"}),
        ({"metrics": metrics_with("latency_wall_ms", version=2)}, {"latency"}),
        ({"metrics": metrics_with("ap", version=2)}, {"train"}),
        ({"metrics": metrics_with("ap", title="average precision")}, set()),
        ({"machine": {**MACHINE, "class": "kettle"}}, {"latency"}),
        ({"machine": {**MACHINE, "libraries": {**MACHINE["libraries"], "torch": "2.11.0"}}}, ALL),
        (
            {"machine": {**MACHINE, "libraries": {**MACHINE["libraries"], "thop": "0.2"}}},
            {"static"},
        ),
        (with_protocol(title="another title", certifies="nothing"), set()),
        (with_protocol(timeouts=replace(DEMO.timeouts, train=1)), set()),
        (with_protocol(parallel=1), set()),
        (with_protocol(verdict=replace(DEMO.verdict, ap_floor=0.5)), set()),
        (with_protocol(budget=replace(DEMO.budget, steps=601)), {"train"}),
        (with_protocol(evaluation=replace(DEMO.evaluation, max_detections=99)), {"train"}),
        (with_protocol(image_size=160), {"train"}),
        (with_protocol(cost=replace(DEMO.cost, image_size=320)), {"static"}),
        (with_protocol(latency=replace(DEMO.latency, threads=2)), {"latency"}),
    ],
)
def test_exactly_the_jobs_that_depend_on_a_setting_are_done_again(change, kinds):
    assert kinds_that_differ(planned(WIDE), planned(WIDE, **change)) == kinds


def test_another_baseline_is_counted_and_timed_against_but_not_trained_again():
    other = replace(WIDE, baseline="wider")

    assert kinds_that_differ(planned(WIDE), planned(other, replace(WIDER, baseline="base"))) == {
        "static",
        "latency",
    }


def test_more_replicas_and_seeds_leave_the_keys_of_the_first_ones():
    more = with_protocol(seeds=(0, 1, 2, 3), latency=replace(DEMO.latency, replicas=5))

    assert keys(planned(WIDE)).items() <= keys(planned(WIDE, **more)).items()


@pytest.mark.parametrize(("precision", "differs"), [("int8", True), ("fp32", False)])
def test_bits_of_weights_are_in_the_key_of_an_int8_timing_alone(precision, differs):
    setups = (Setup("cpu", "onnxruntime", precision),)
    timed = with_protocol(metrics=("latency",), latency=replace(DEMO.latency, setups=setups))
    eight, seven = (MACHINE | {"int8_weight_bits": bits} for bits in (8, 7))

    kinds = kinds_that_differ(
        planned(WIDE, machine=eight, **timed), planned(WIDE, machine=seven, **timed)
    )

    assert kinds == ({"latency"} if differs else set())


def test_labels_are_different_and_fit_for_file_names():
    labels = [job.label for job in planned(BASE, WIDE).jobs]

    assert len(set(labels)) == len(labels)
    assert "latency-wide-cpu-eager-fp32-2" in labels
    assert "train-base-seed1" in labels


def test_a_setup_that_the_machine_lacks_is_left_out_and_recorded(monkeypatch):
    setups = (
        Setup("cpu", "eager", "fp32"),
        Setup("cpu", "absent", "fp32"),
        Setup("cuda", "eager", "fp16"),
    )
    offer = Offer(
        "absent", {"cpu": ("fp32",)}, ("default",), {"no_such_module": "pip install it"}, {}
    )
    monkeypatch.setattr(
        "suite.plan.offer_of", lambda runtime: offer if runtime == "absent" else offer_of(runtime)
    )
    found = conditions(**with_protocol(latency=replace(DEMO.latency, setups=setups)))

    assert found.setups == setups[:1]
    assert found.not_here == {
        "cpu-absent-fp32": "no_such_module is not here: pip install it",
        "cuda-eager-fp16": "no GPU here",
    }


def test_a_latency_depends_on_the_version_of_its_runtime():
    setups = (Setup("cpu", "onnxruntime", "fp32"),)
    protocol = with_protocol(latency=replace(DEMO.latency, setups=setups))
    newer = {**MACHINE, "libraries": {**MACHINE["libraries"], "onnxruntime": "9.9"}}

    assert kinds_that_differ(
        planned(BASE, **protocol), planned(BASE, machine=newer, **protocol), "base"
    ) == {"latency"}


def test_placeholders_for_anchors_are_counted_and_timed_but_never_trained():
    head = Layer("anchor.AnchorHead", "head", options={"anchors": 3})
    unknown = replace(BASE, layers=(BASE.layers[0], head))

    jobs = planned(counted=(unknown,), **with_protocol(metrics=("size", "latency"))).jobs

    assert {job.kind for job in jobs} == {"static", "latency"}
    with pytest.raises(SpecError, match="3 anchors a level that are placeholders"):
        planned(unknown)
