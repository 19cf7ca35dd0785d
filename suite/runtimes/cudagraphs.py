"""CUDA graphs: the kernels of one eager pass recorded once and launched together, so that no launch is waited for."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from suite.nn.network import Detector
from suite.runtimes import Options, Session
from suite.runtimes.common.place import inferring, pinned_clock, placed, placer
from suite.runtimes.common.session import Call, CallSession, stated

PRECISIONS = {"cuda": ("fp32", "tf32", "fp16", "bf16")}
MODES = ("default",)
MODULES: dict[str, str] = {}
PROGRAMS: dict[str, str] = {}
WARM_UP = (
    3  # passes before the recording, in which cuDNN chooses its algorithms and workspaces are made
)


def open(model: Detector, options: Options, _mode: str, images: Tensor) -> Session:  # noqa: A001
    """Records at once. Inputs and outputs have one place each: preparing, and running, overwrites what was there."""
    clock = pinned_clock(options)
    prepare = placer(options)
    inputs = prepare(images).clone(memory_format=torch.channels_last)
    replay = recorded(inferring(placed(model, options).predict), inputs, torch.cuda)
    settings = stated("cudagraphs", options, "", channels_last=True)
    return CallSession(settings, clock, lambda fresh: inputs.copy_(prepare(fresh)), replay)


def recorded(call: Call, inputs: Tensor, cuda: Any) -> Call:
    """`call` on `inputs` as a graph; what comes back replays it. `cuda` is `torch.cuda`, or a stand-in."""
    aside = cuda.Stream()
    aside.wait_stream(cuda.current_stream())
    with cuda.stream(aside):
        for _ in range(WARM_UP):
            call(inputs)
    cuda.current_stream().wait_stream(aside)
    graph = cuda.CUDAGraph()
    with cuda.graph(graph):
        outputs = call(inputs)
    return _Recorded(call, inputs, graph, outputs)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A graph with all that it reads and writes by address: the network of `call` too, which nobody else may hold."""

    call: Call
    inputs: Tensor
    graph: Any
    outputs: Tensor

    def __call__(self, prepared: Tensor) -> Tensor:
        """The outputs.

        Raises:
            AssertionError: when it is given anything else than `inputs`, which is all that the graph reads.
        """
        assert prepared is self.inputs, "a graph reads what `prepare` gave"
        self.graph.replay()
        return self.outputs
