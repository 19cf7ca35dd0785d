"""CUDA graphs and TensorRT on machines without a GPU: stand-ins check that things happen in order."""

import gc
import weakref

import pytest
import torch

from suite.runtimes.common.engine import build_engine, engine_call
from suite.runtimes.common.session import CallSession, CudaClock
from suite.runtimes.cudagraphs import WARM_UP, recorded
from tests.runtimes.tiny import IMAGES, FakeCuda, TinyDetector


def test_a_graph_is_recorded_after_a_warm_up_on_a_stream_aside():
    cuda = FakeCuda()

    recorded(cuda.run, IMAGES, cuda)

    assert cuda.log == [
        "aside waits for current",
        "begin aside",
        *["run"] * WARM_UP,
        "end aside",
        "current waits for aside",
        "begin recording",
        "run",
        "end recording",
    ]


def test_a_recorded_graph_is_replayed_and_never_run_again():
    cuda = FakeCuda()
    replay = recorded(cuda.run, IMAGES, cuda)
    cuda.log.clear()

    outputs = [replay(IMAGES), replay(IMAGES)]

    assert cuda.log == ["replay", "replay"]
    assert outputs[0] is outputs[1]


def test_a_graph_refuses_images_that_it_does_not_read():
    cuda = FakeCuda()
    replay = recorded(cuda.run, IMAGES, cuda)

    with pytest.raises(AssertionError, match="reads what `prepare` gave"):
        replay(IMAGES.clone())


def test_a_recorded_graph_keeps_the_network_whose_memory_it_reads():
    """The weights' addresses are in the graph: freed, they are another network's by the time of a replay."""
    cuda = FakeCuda()
    model = TinyDetector()
    alive = weakref.ref(model)
    replay = recorded(model.predict, IMAGES, cuda)

    del model
    gc.collect()
    assert alive() is not None
    del replay
    gc.collect()
    assert alive() is None


def test_a_replay_is_timed_between_events():
    cuda = FakeCuda()
    session = CallSession(
        {}, CudaClock(cuda), lambda images: images, recorded(cuda.run, IMAGES, cuda)
    )
    cuda.log.clear()

    session.time(IMAGES)

    assert cuda.log == ["synchronize", "record", "replay", "record", "synchronize", "elapsed"]


class FakeTensorRT:
    """Stands in for the module `tensorrt`, and for all that it makes; writes down what decides the result."""

    class Logger:
        ERROR = 2

        def __init__(self, level):
            pass

    class NetworkDefinitionCreationFlag:
        STRONGLY_TYPED = 1

    class BuilderFlag:
        TF32 = "tf32"

    def __init__(self, *, readable=True, plan=b"plan"):
        self.log, self.readable, self.plan = [], readable, plan

    def Builder(self, logger):
        return self

    def create_network(self, flags):
        self.log.append(f"network {flags}")
        return self

    def OnnxParser(self, network, logger):
        return self

    def parse(self, network):
        self.log.append(f"parse {network!r}")
        return self.readable

    def get_error(self, index):
        return self

    def desc(self):
        return "no such operator"

    def create_builder_config(self):
        return self

    def set_flag(self, flag):
        self.log.append(f"with {flag}")

    def clear_flag(self, flag):
        self.log.append(f"without {flag}")

    def build_serialized_network(self, network, config):
        self.log.append("build")
        return self.plan

    def Runtime(self, logger):
        return self

    def deserialize_cuda_engine(self, plan):
        self.log.append(f"load {plan!r}")
        return self

    def create_execution_context(self):
        return self

    def set_tensor_address(self, name, address):
        self.log.append(f"{name} at {address}")

    def execute_async_v3(self, stream):
        self.log.append(f"execute on {stream}")


@pytest.mark.parametrize(("tf32", "flag"), [(False, "without tf32"), (True, "with tf32")])
def test_an_engine_is_built_in_the_networks_own_types(tf32, flag):
    trt = FakeTensorRT()

    build_engine(b"onnx", trt, tf32=tf32)

    assert trt.log == ["network 2", "parse b'onnx'", flag, "build", "load b'plan'"]


@pytest.mark.parametrize(
    ("trt", "message"),
    [
        (FakeTensorRT(readable=False), "no such operator"),
        (FakeTensorRT(plan=None), "cannot build the network"),
    ],
)
def test_a_network_that_tensorrt_cannot_take_is_an_error_that_says_why(trt, message):
    with pytest.raises(RuntimeError, match=message):
        build_engine(b"onnx", trt, tf32=False)


def test_an_engine_runs_on_torchs_current_stream_between_known_places():
    trt, outputs = FakeTensorRT(), torch.zeros(1)

    run = engine_call(trt, outputs, FakeCuda())

    assert run(IMAGES) is outputs
    assert trt.log == [
        f"predictions at {outputs.data_ptr()}",
        f"images at {IMAGES.data_ptr()}",
        "execute on 7",
    ]
