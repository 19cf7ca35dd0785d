"""Runtimes on a real GPU: equal to eager in fp32, and timed by its own clock."""

import gc
import math

import pytest
import torch

from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.protocols.setups import setups
from suite.runtimes import Options, RuntimeUnfitError, open_session
from suite.runtimes.common.lively import liven
from suite.runtimes.common.proof import open_proved
from suite.spec.library import Library

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]
SIDE = 320
TRIED = (
    *("cuda-fp32", "cuda-tf32", "cuda-fp16", "cuda-bf16"),
    *("cuda-cudagraphs-fp32", "cuda-cudagraphs-fp16"),
    *("cuda-compiled-fp32", "cuda-aotinductor-fp32"),
    *("cuda-onnxruntime-fp32", "cuda-onnxruntime-tf32", "cuda-onnxruntime-fp16"),
    *("cuda-onnxruntime+tensorrt-fp16", "cuda-tensorrt-fp32", "cuda-tensorrt-fp16"),
)


@pytest.mark.parametrize("written", TRIED)
def test_a_runtime_on_a_gpu_equals_eager_and_takes_a_finite_time(written):
    setup = setups()[written]
    images = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    model = deploy(liven(build(Library().load("yolov5p"), 3, seed=0), images))
    try:
        proved = open_proved(setup.runtime, model, Options("cuda", setup.precision), images)
    except RuntimeUnfitError as error:
        pytest.skip(str(error))

    timings = [proved.session.time(proved.prepared) for _ in range(3)]

    assert proved.session.run(proved.prepared).device.type == "cuda"
    assert proved.session.settings["device_name"] == torch.cuda.get_device_name(0)
    assert all(math.isfinite(t.wall_ms) and t.wall_ms > 0 for t in timings)
    proved.session.close()


def test_a_graph_reads_what_is_prepared_last():
    images = torch.rand(1, 3, SIDE, SIDE)
    model = deploy(liven(build(Library().load("yolov5p"), 3, seed=0), images))
    session = open_proved("cudagraphs", model, Options("cuda"), images).session

    first = session.run(session.prepare(images)).clone()
    second = session.run(session.prepare(1 - images)).clone()
    again = session.run(session.prepare(images))

    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_a_graph_outlives_every_other_hold_on_its_network():
    images = torch.rand(1, 3, SIDE, SIDE)
    session = open_session(
        "cudagraphs", deploy(build(Library().load("yolov5p"), 3, seed=0)), Options("cuda"), images
    )
    prepared = session.prepare(images)
    first = session.run(prepared).clone()

    gc.collect()
    torch.cuda.empty_cache()
    taken = [torch.full((2**20,), float("nan"), device="cuda") for _ in range(64)]

    assert torch.equal(session.run(prepared), first)
    assert len(taken) == 64
