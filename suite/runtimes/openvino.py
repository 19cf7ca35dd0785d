"""OpenVINO on the processor, its precision pinned: left alone it computes in bf16 where the processor can."""

from typing import Any

import openvino
import torch
from torch import Tensor

from suite.machine.eight_bits import stated_weight_bits, weight_bits
from suite.nn.network import Detector
from suite.protocols.setups import offers
from suite.runtimes import Options, RuntimeUnfitError, Session
from suite.runtimes.common.network import exported, onnx_model
from suite.runtimes.common.place import pinned_clock, placed, placer
from suite.runtimes.common.session import Call, CallSession, stated

PRECISIONS = {"cpu": ("fp32", "bf16", "fp16", "int8")}
MODES = ("default",)
MODULES = {"openvino": "pip install 'yolov5-ablation-suite[openvino]'"}
PROGRAMS: dict[str, str] = {}
# of int8, what is not in eight bits
_HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16", "int8": "f32"}
_ABILITIES = {"bf16": "BF16", "fp16": "FP16", "int8": "INT8"}


def open(model: Detector, options: Options, _mode: str, images: Tensor) -> Session:  # noqa: A001
    """Converts for the shape of `images`; the network is given in fp32 and computes in the precision.

    In int8 it is given ONNX Runtime's network in eight bits, so that the two compute the same.

    Raises:
        RuntimeUnfitError: this processor, or OpenVINO on it, does not compute in that precision; or what makes the
            network in eight bits is not here.
    """
    core = openvino.Core()
    abilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if options.precision in _ABILITIES and _ABILITIES[options.precision] not in abilities:
        raise RuntimeUnfitError(
            f"openvino: this processor has no {options.precision}; it has: {', '.join(abilities)}"
        )
    plain = Options(options.device, "fp32", options.threads)
    clock = pinned_clock(plain)
    place = placer(plain, channels_last=False)
    example = place(images)
    model = placed(model, plain, channels_last=False)
    eight_bits = options.precision == "int8"
    network = (
        core.read_model(_in_eight_bits(model, example)) if eight_bits else converted(model, example)
    )
    compiled = core.compile_model(
        network,
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": _HINTS[options.precision],
            "INFERENCE_NUM_THREADS": options.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        },
    )
    bits = stated_weight_bits(options.precision)
    settings = stated("openvino", options, "", precision_hint=_HINTS[options.precision], **bits)
    return CallSession(settings, clock, place, _runner(compiled))


def converted(model: Detector, images: Tensor) -> Any:
    """The network as an `openvino.Model`."""
    return openvino.convert_model(exported(model, images))


def _in_eight_bits(model: Detector, images: Tensor) -> bytes:
    lacking = offers()["onnxruntime"].lacking
    if lacking:
        raise RuntimeUnfitError(f"openvino: for int8, {lacking}")
    from suite.runtimes.common.quantised import quantised

    return quantised(onnx_model(model, images), images, weight_bits())


def _runner(compiled: Any) -> Call:
    request = compiled.create_infer_request()

    def run(images: Tensor) -> Tensor:
        outputs = request.infer({0: images.numpy()}, share_inputs=True, share_outputs=True)
        return torch.from_numpy(outputs[0])

    return run
