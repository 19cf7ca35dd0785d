"""The runtimes' matrices: which times stand where, and how a gap is told."""

from dataclasses import replace

import pytest

from reports.model import Report
from reports.run.gather import gather
from reports.run.latency import setup_of
from reports.sections import runtimes
from suite.record import Measurement
from tests.narrowing import opened
from tests.reports.fixture_store import PROTOCOL, VARIANTS, Plan, build

CPU, OPENVINO, GPU, GRAPHS = (
    ("cpu", "fp32"),
    ("cpu", "fp32", "openvino"),
    ("cuda", "fp16"),
    ("cuda", "fp16", "cudagraphs"),
)
LACKS = {"cpu-onnxruntime-fp32": "onnxruntime is not here: pip install it"}


def gathered(folder, *devices, **protocol) -> Report:
    plan = Plan(
        variants=VARIANTS[:2], train=False, devices=devices, protocol={**PROTOCOL, **protocol}
    )
    return gather(build(folder / "store.sqlite", plan))


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> Report:
    return gathered(tmp_path_factory.mktemp("runtimes"), CPU, OPENVINO, GPU, GRAPHS, not_here=LACKS)


def test_a_run_in_eager_mode_alone_says_so(tmp_path):
    section = runtimes.build(gathered(tmp_path, CPU))

    assert section.missing == "Nothing but eager mode was asked for in this run."


def test_no_time_of_the_processor_stands_under_a_gpu(both):
    cpu, gpu = opened(runtimes.build(both).content["matrices"])

    assert cpu.title == "CPU"
    assert cpu.columns == ("eager, fp32, 1 thread", "openvino, fp32, 1 thread")
    assert all("thread" not in name and "openvino" not in name for name in gpu.columns)
    assert gpu.columns == ("eager, fp16", "cudagraphs, fp16")


def test_every_cell_has_the_ratio_to_the_base_and_those_of_other_runtimes_the_one_to_eager(both):
    cpu, _ = opened(runtimes.build(both).content["matrices"])
    (_, (eager, openvino)) = next(line for line in cpu.rows if line[0].name == VARIANTS[0].name)

    assert eager.eager == ""
    assert openvino.eager == "×0.67 of eager"  # the made-up eager takes half as long again
    # the variant is slower by 42 %
    assert all(cell.base.startswith("▼ ×1.4") for cell in (eager, openvino))


@pytest.mark.parametrize(
    ("more", "key", "title"),
    [
        (
            {"weight_bits": 7},
            "cpu-onnxruntime-int8-7bit-1t",
            "CPU, onnxruntime, int8, 7-bit weights, 1 thread",
        ),
        ({"weight_bits": 8}, "cpu-onnxruntime-int8-1t", "CPU, onnxruntime, int8, 1 thread"),
        ({}, "cpu-onnxruntime-int8-1t", "CPU, onnxruntime, int8, 1 thread"),
    ],
    ids=["seven", "eight", "not recorded"],
)
def test_weights_of_fewer_bits_are_told_and_a_setup_of_their_own(both, more, key, title):
    item = both.rows[1].items[0]
    settings = {
        "device": "cpu",
        "runtime": "onnxruntime",
        "precision": "int8",
        "threads": 1,
        **more,
    }

    setup = setup_of(replace(item, measurement=replace(item.measurement, settings=settings)))

    assert (setup.key, setup.title) == (key, title)


def test_what_the_machine_lacks_is_told_with_what_would_mend_it(both):
    assert runtimes.build(both).content["absent"] == tuple(LACKS.items())


def test_what_shows_only_when_it_is_opened_is_an_empty_cell_and_told_too(both):
    row = both.rows[1]
    own = [i for i in row.items if i.measurement.settings.get("runtime") != "openvino"]
    item = next(i for i in row.items if i not in own)
    lacks = Measurement(
        "latency_wall_ms",
        2,
        "ms",
        "deployed",
        (),
        item.measurement.settings,
        {"not_here": "no bf16"},
    )
    found = replace(row, items=(*own, replace(item, measurement=lacks)))
    report = replace(both, rows=(both.rows[0], found, *both.rows[2:]))

    section = runtimes.build(report)

    _, (_, cell) = next(
        line for line in opened(section.content["matrices"])[0].rows if line[0].name == row.name
    )
    assert (cell.ms, cell.why) == ("", "not here")
    assert dict(opened(section.content["absent"]))["CPU, openvino, fp32, 1 thread"] == "no bf16"


def test_other_runtimes_add_no_column_to_the_comparison_and_no_verdict(both):
    assert [setup.key for setup in both.plain_setups] == ["cpu-fp32-1t", "cuda-fp16"]
    assert {setup.key for setup in both.setups} - {setup.key for setup in both.plain_setups} == {
        "cpu-openvino-fp32-1t",
        "cuda-cudagraphs-fp16",
    }
