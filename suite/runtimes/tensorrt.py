"""TensorRT by its own Python interface: an engine built from the ONNX network, in that network's types."""

import tensorrt
import torch
from torch import Tensor

from suite.nn.network import Detector
from suite.runtimes import Options, Session
from suite.runtimes.common.engine import build_engine, engine_call
from suite.runtimes.common.network import OUTPUT, onnx_model
from suite.runtimes.common.place import pinned_clock, placed, placer
from suite.runtimes.common.session import CallSession, stated

PRECISIONS = {"cuda": ("fp32", "tf32", "fp16", "bf16")}
MODES = ("default",)
MODULES = {
    "tensorrt": "pip install 'yolov5-ablation-suite[tensorrt]'",
    "onnx": "pip install 'yolov5-ablation-suite[onnx]'",
    "onnxscript": "pip install 'yolov5-ablation-suite[onnx]'",
}
PROGRAMS: dict[str, str] = {}


def open(model: Detector, options: Options, _mode: str, images: Tensor) -> Session:  # noqa: A001
    """Builds for the shape of `images`, which takes from seconds to minutes.

    Raises:
        RuntimeError: TensorRT cannot read or build the network; it says why.
    """
    clock = pinned_clock(options)
    prepare = placer(options, channels_last=False)
    example = prepare(images)
    network = onnx_model(placed(model, options, channels_last=False), example)
    engine = build_engine(network.SerializeToString(), tensorrt, tf32=options.precision == "tf32")
    outputs = torch.empty(
        tuple(engine.get_tensor_shape(OUTPUT)), dtype=example.dtype, device=example.device
    )
    settings = stated("tensorrt", options, "")
    return CallSession(settings, clock, prepare, engine_call(engine, outputs, torch.cuda))
