from pathlib import Path

import pytest

from suite import protocols
from suite.protocols import Checkpoints, Setup
from suite.protocols.loading import AUTOMATIC, Cache, Loading
from suite.spec.library import Library
from suite.train.recipe import recipe
from suite.yaml.errors import SpecError
from tests.narrowing import present

WHOLE = """\
title: a title
certifies: nothing
data: {train: 8, val: 4, size: 64, seed: 0}
device: cpu
image_size: 64
variants: [yolov5p]
seeds: [0]
recipe: tiny
budget: {steps: 2, batch: 2}
evaluation: {confidence: 0.001, iou: 0.6, max_detections: 100}
metrics: [size]
cost: {image_size: 64}
latency:
  {setups: [cpu-fp32], image_size: 64, batch: 1, threads: 1, replicas: 1, seconds: 0.5, half_width: 0.01}
parallel: 1
timeouts: {static: 9, latency: 9, train: 9}
verdict: {ap_floor: 0.004, latency_floor: 0.02, trains: 0.57, broken: 0.15, base_trains: 0.1}
"""


def load(tmp_path, text):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    return protocols.load(str(file))


def problems(tmp_path, text):
    with pytest.raises(SpecError) as caught:
        load(tmp_path, text)
    return [
        (problem.mark.line if problem.mark else None, problem.message)
        for problem in caught.value.problems
    ]


@pytest.mark.parametrize("name", protocols.names())
def test_every_shipped_protocol_can_be_read_and_names_a_recipe_that_there_is(name):
    protocol = protocols.load(name)

    assert protocol.name == name
    assert recipe(protocol.recipe).name == protocol.recipe


def test_the_protocols_of_the_design_are_there():
    assert set(protocols.names()) == {"smoke", "demo", "nightly", "coco"}


def test_the_demo_trains_as_long_and_as_often_as_promised():
    demo = protocols.load("demo")

    assert (demo.budget.steps, demo.budget.batch, demo.seeds, demo.image_size) == (
        600,
        8,
        (0, 1, 2),
        128,
    )
    data = present(demo.data)
    assert (data.train, data.val, demo.latency.replicas) == (1000, 200, 3)


@pytest.mark.parametrize(
    ("stated", "evaluator"), [("", "fast"), (", evaluator: pycocotools", "pycocotools")]
)
def test_the_evaluator_may_be_pycocotools_itself(tmp_path, stated, evaluator):
    text = WHOLE.replace("max_detections: 100", f"max_detections: 100{stated}")

    assert load(tmp_path, text).evaluation.evaluator == evaluator


@pytest.mark.parametrize("name", ["smoke", "demo"])
def test_the_quick_protocols_train_neither_ladders_nor_matched_variants(name):
    trained = Library().select(protocols.load(name).variants)

    assert [variant.name for variant in trained if variant.rung or variant.match] == []


def test_coco_has_no_data_of_its_own_and_trains_300_epochs():
    coco = protocols.load("coco")

    assert coco.data is None
    assert (coco.budget.kind, coco.budget.amount) == ("epochs", 300)


def test_a_file_gives_a_protocol_named_by_its_stem(tmp_path):
    protocol = load(tmp_path, WHOLE)

    assert (protocol.name, protocol.latency.setups, protocol.cost.only) == (
        "mine",
        (Setup("cpu", "eager", "fp32"),),
        (),
    )


def test_an_unknown_protocol_gets_the_nearest_name():
    with pytest.raises(SpecError, match="did you mean 'smoke'"):
        protocols.load("smoek")


def test_an_unknown_key_is_named_with_its_line(tmp_path):
    line = len(WHOLE.splitlines()) + 1

    assert problems(tmp_path, f"{WHOLE}epochs: 3\n") == [(line, "unknown key 'epochs'")]


def test_a_missing_key_is_named(tmp_path):
    assert problems(tmp_path, WHOLE.replace("seeds: [0]\n", "")) == [(1, "needs the key 'seeds'")]


def test_all_problems_of_a_file_are_told_at_once(tmp_path):
    text = (
        WHOLE.replace("steps: 2", "steps: none")
        .replace("[size]", "[speed]")
        .replace("device: cpu", "device: tpu")
    )

    wrong = [
        n
        for n, line in enumerate(text.splitlines(), 1)
        if any(w in line for w in ("none", "speed", "tpu"))
    ]
    assert len(wrong) == 3
    assert [line for line, _ in problems(tmp_path, text)] == wrong


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("[0]", "[]", "`seeds` has at least one member"),
        ("[0]", "[0, 0]", "`seeds` names nothing twice"),
        ("[0]", "[-1]", "a seed is from 0"),
        ("cpu-fp32", "cpu-int8", "a set-up cannot be 'cpu-int8'"),
        ("batch: 2}", "batch: 0}", "`batch` is from 1"),
        ("parallel: 1", "parallel: yes", "`parallel` is a whole number"),
        ("train: 9", "train: -1", "`train` is from 0"),
        ("{steps: 2, ", "{", "`budget` has exactly one of steps, epochs, flops, seconds, not none"),
        (
            "steps: 2,",
            "steps: 2, epochs: 3,",
            "`budget` has exactly one of steps, epochs, flops, seconds, not steps and epochs",
        ),
        ("steps: 2,", "seconds: 0,", "`seconds` is above 0"),
        ("steps: 2,", "epochs: 1.5,", "`epochs` is a whole number"),
        (
            "parallel: 1",
            "parallel: 1\ncheckpoints: {steps: 5, minutes: 1}",
            "`checkpoints` has one of minutes, steps",
        ),
    ],
)
def test_values_that_make_no_sense_are_refused(tmp_path, before, after, message):
    (found,) = problems(tmp_path, WHOLE.replace(before, after))

    assert found[1].startswith(message)


@pytest.mark.parametrize(
    ("stated", "kind", "amount"),
    [("epochs: 3", "epochs", 3), ("flops: 2e15", "flops", 2e15), ("seconds: 90", "seconds", 90)],
)
def test_a_budget_is_stated_in_one_of_four_ways(tmp_path, stated, kind, amount):
    protocol = load(tmp_path, WHOLE.replace("steps: 2,", f"{stated},"))

    assert (protocol.budget.kind, protocol.budget.amount, protocol.budget.batch) == (
        kind,
        amount,
        2,
    )
    assert protocol.as_json["budget"] == {kind: amount, "batch": 2}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("", Checkpoints(10, 0)),
        ("{minutes: 2.5}", Checkpoints(2.5)),
        ("{steps: 5}", Checkpoints(10, 5)),
    ],
)
def test_checkpoints_come_every_ten_minutes_or_as_stated(tmp_path, stated, expected):
    text = f"{WHOLE}checkpoints: {stated}\n" if stated else WHOLE

    assert load(tmp_path, text).checkpoints == expected


def test_a_protocol_may_say_how_pictures_are_loaded(tmp_path):
    loading = "loading: {workers: 3, cache: 'disk:/tmp/x:10G', broken_pictures: skip}\n"

    found = load(tmp_path, WHOLE + loading)

    assert found.loading == Loading(3, Cache(10 * 2**30, Path("/tmp/x")), "skip")
    assert found.as_json["loading"] == {
        "workers": 3, "cache": "disk:/tmp/x:10737418240", "broken_pictures": "skip"
    }  # fmt: skip


def test_a_protocol_that_says_nothing_of_loading_fails_on_broken_pictures(tmp_path):
    assert load(tmp_path, WHOLE).loading == Loading(None, Cache(2**30), "fail")


@pytest.mark.parametrize(
    ("loading", "said"),
    [
        ("{workers: 65}", "`workers` is from 0 to 64, not 65"),
        (
            "{cache: tape}",
            "`cache`: 'tape' is no cache; it is 'ram:4G', 'disk:DIR', 'disk:DIR:100G' or 'none'",
        ),
        ("{broken_pictures: ignore}", "`broken_pictures` cannot be 'ignore'"),
        ("{shuffle: 1}", "unknown key 'shuffle'"),
    ],
)
def test_a_mistake_in_loading_is_named(tmp_path, loading, said):
    assert problems(tmp_path, f"{WHOLE}loading: {loading}\n") == [(18, said)]


@pytest.mark.parametrize(
    ("cores", "accelerated", "workers"),
    [(1, False, 0), (2, False, 1), (16, False, 1), (1, True, 1), (16, True, 8)],
)
def test_automatic_workers_go_by_the_cores_that_a_training_has(cores, accelerated, workers):
    assert AUTOMATIC.settled(cores=cores, accelerated=accelerated).workers == workers


def test_coco_states_the_published_ap_of_the_official_variants():
    published = present(protocols.load("coco").published)

    # README of YOLOv5 v7.0, table of checkpoints at 640 pixels
    assert {result.variant: result.ap for result in published.results} == {
        "yolov5n": 0.280,
        "yolov5s": 0.374,
        "yolov5m": 0.454,
        "yolov5l": 0.490,
        "yolov5x": 0.507,
    }
    assert (published.pictures, published.categories, published.image_size, published.band) == (
        5000,
        80,
        640,
        0.004,
    )
    assert {recipe(result.recipe).name for result in published.results} == {
        "scratch-low",
        "scratch-high",
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("published: 3", "`published` is a mapping"),
        (
            "published: {source: a, pictures: 1, categories: 1, image_size: 64, band: 0.1, results: []}",
            "at least one",
        ),
        (
            "published: {source: a, pictures: 1, categories: 1, image_size: 64, band: 0.1, results: [{ap: 2}]}",
            "`ap`",
        ),
    ],
)
def test_published_results_have_their_own_keys(tmp_path, line, words):
    assert any(words in message for _, message in problems(tmp_path, f"{WHOLE}{line}\n"))


def test_threads_may_be_left_to_the_machine(tmp_path):
    assert load(tmp_path, WHOLE.replace("threads: 1", "threads: auto")).latency.threads == "auto"
    assert problems(tmp_path, WHOLE.replace("threads: 1", "threads: many"))[0][1] == (
        "`threads` is a whole number, not the word 'many'"
    )


def test_settings_take_the_place_of_what_a_protocol_states():
    found = protocols.load("smoke", ["budget.steps=10", "latency.seconds=1", "seeds=[3, 4]"])

    assert (found.budget.steps, found.budget.batch) == (10, 8)
    assert (found.latency.seconds, found.latency.replicas) == (1, 1)
    assert found.seeds == (3, 4)


def test_settings_are_part_of_the_name_and_the_name_gives_the_same_protocol():
    found = protocols.load("smoke", ["budget.steps=10", "seeds=[3, 4]"])

    assert found.name == "smoke[budget.steps=10,seeds=[3, 4]]"
    assert protocols.load(found.name) == found


def test_the_last_of_two_settings_of_a_key_holds():
    assert protocols.load("smoke[budget.steps=10]", ["budget.steps=3"]).budget.steps == 3


def test_another_amount_takes_the_place_of_the_one_that_is_stated():
    budget = protocols.load("smoke", ["budget.epochs=2"]).budget

    assert (budget.kind, budget.amount, budget.batch) == ("epochs", 2, 8)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("latency.secnds=1", "unknown key 'secnds'; did you mean 'seconds'?"),
        ("budgit.steps=1", "unknown key 'budgit'; did you mean 'budget'?"),
        ("budget.steps=many", "`steps` is a whole number, not the word 'many'"),
        ("budget.steps=0", "`steps` is from 1 to 1e+08, not 0"),
        ("budget=3", "`budget` is a mapping, not 3"),
        ("seeds=[0", "not YAML"),
        ("steps", "'steps' is no KEY=VALUE; such as budget.steps=10"),
        ("=3", "'=3' is no KEY=VALUE; such as budget.steps=10"),
        ("budget.steps=", "'budget.steps=' is no KEY=VALUE; such as budget.steps=10"),
        ("base=demo", "`base` is of a file and cannot be set"),
    ],
)
def test_a_setting_that_cannot_be_is_named(setting, message):
    with pytest.raises(SpecError) as caught:
        protocols.load("smoke", [setting])

    assert str(caught.value).startswith(f"--set {setting}:")
    assert message in str(caught.value)


def test_all_wrong_settings_are_told_at_once():
    with pytest.raises(SpecError) as caught:
        protocols.load("smoke", ["budget.steps=many", "latency.secnds=1"])

    assert len(caught.value.problems) == 2


def test_a_protocol_may_state_only_what_differs_from_its_base(tmp_path):
    found = load(tmp_path, "base: smoke\ntitle: mine\nlatency: {replicas: 3}\n")
    smoke = protocols.load("smoke")

    assert (found.name, found.title, found.certifies) == ("mine", "mine", smoke.certifies)
    assert (found.latency.replicas, found.latency.seconds) == (3, smoke.latency.seconds)
    assert (found.budget, found.data) == (smoke.budget, smoke.data)


def test_a_base_may_be_a_file_beside_the_protocol_and_have_settings(tmp_path):
    (tmp_path / "below.yaml").write_text("base: 'smoke[budget.epochs=3]'\nparallel: 1\n")
    found = load(tmp_path, "base: below.yaml\n")

    assert (found.budget.kind, found.budget.amount, found.parallel) == ("epochs", 3, 1)


def test_what_a_run_keeps_of_a_protocol_does_not_depend_on_how_it_was_written(tmp_path):
    (tmp_path / "whole.yaml").write_text(WHOLE)

    assert load(tmp_path, "base: whole.yaml\n").as_json == load(tmp_path, WHOLE).as_json


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: smok\n", "there is no protocol 'smok'; did you mean 'smoke'?"),
        ("base: mine.yaml\n", "the bases go in a circle or too far: mine.yaml"),
        ("base: [smoke]\n", "`base` is a word, not a list"),
        ("base: gone.yaml\n", "cannot be read"),
        ("base: smoke\nbudget: {stepz: 3}\n", "unknown key 'stepz'"),
        ("base: 'smoke[budget.stepz=3]'\n", "unknown key 'stepz'"),
    ],
)
def test_a_base_that_cannot_be_is_named(tmp_path, text, message):
    with pytest.raises(SpecError) as caught:
        load(tmp_path, text)

    assert message in str(caught.value)
