"""ONNX Runtime: on the processor, on CUDA, and (mode `tensorrt`) on CUDA by its TensorRT provider.

Mode `literal` runs every operation as the network has it, none joined or replaced: slow, and what int8 is held against.
"""

from dataclasses import replace
from typing import Any

import onnxruntime
import torch
from torch import Tensor

from suite.machine.eight_bits import stated_weight_bits, weight_bits
from suite.nn.network import Detector
from suite.runtimes import Options, RuntimeUnfitError, Session
from suite.runtimes.common.network import INPUT, OUTPUT, onnx_model
from suite.runtimes.common.place import pinned_clock, placed, placer
from suite.runtimes.common.quantised import quantised
from suite.runtimes.common.session import Call, CallSession, stated

PRECISIONS = {"cpu": ("fp32", "int8"), "cuda": ("fp32", "tf32", "fp16")}
MODES = ("native", "tensorrt", "literal")
MODULES = {
    "onnx": "pip install 'yolov5-ablation-suite[onnx]'",
    "onnxscript": "pip install 'yolov5-ablation-suite[onnx]'",
    "onnxruntime": "pip install 'yolov5-ablation-suite[onnx]'; for CUDA, onnxruntime-gpu in its place",
}
PROGRAMS: dict[str, str] = {}
_ERRORS = 3  # the level of the log; below it there are notes on constants that cannot be folded


def open(model: Detector, options: Options, mode: str, images: Tensor) -> Session:  # noqa: A001
    """Exports for the shape of `images`.

    Raises:
        RuntimeUnfitError: this build of ONNX Runtime lacks the provider; it would run on the processor without a word.
    """
    provider, settings = _provider(options, mode)
    if provider not in onnxruntime.get_available_providers():
        raise RuntimeUnfitError(f"onnxruntime: {provider} is not here: pip install onnxruntime-gpu")
    given = replace(options, precision="fp32") if options.precision == "int8" else options
    clock = pinned_clock(given)
    place = placer(given, channels_last=False)
    example = place(images)
    network = onnx_model(placed(model, given, channels_last=False), example)
    bits = stated_weight_bits(options.precision)
    session = onnxruntime.InferenceSession(
        quantised(network, example, weight_bits()) if bits else network.SerializeToString(),
        _session_options(options, literal=mode == "literal"),
        providers=[(provider, settings)],
    )
    if session.get_providers()[0] != provider:
        raise RuntimeUnfitError(
            f"onnxruntime: {provider} does not start here; it fell back to {session.get_providers()}"
        )
    about = stated(
        "onnxruntime", options, "" if mode == "native" else mode, provider=provider, **bits
    )
    if options.kind == "cpu":
        return CallSession(about, clock, place, _on_cpu(session))
    return CallSession(about, clock, _settled(place, torch.cuda), _on_cuda(session, example))


def _provider(options: Options, mode: str) -> tuple[str, dict[str, str]]:
    """The execution provider and its settings.

    Raises:
        RuntimeUnfitError: there is no TensorRT for the processor.
    """
    if options.kind == "cpu":
        if mode == "tensorrt":
            raise RuntimeUnfitError("onnxruntime: mode tensorrt runs on cuda only")
        return "CPUExecutionProvider", {}
    device = options.device.partition(":")[2] or "0"
    if mode == "tensorrt":
        return "TensorrtExecutionProvider", {
            "device_id": device,
            "trt_fp16_enable": str(options.precision == "fp16"),
        }
    tf32 = "1" if options.precision == "tf32" else "0"
    return "CUDAExecutionProvider", {
        "device_id": device,
        "use_tf32": tf32,
        "cudnn_conv_algo_search": "EXHAUSTIVE",
    }


def _session_options(options: Options, *, literal: bool) -> Any:
    levels = onnxruntime.GraphOptimizationLevel
    chosen = onnxruntime.SessionOptions()
    chosen.log_severity_level = _ERRORS
    chosen.intra_op_num_threads = options.threads
    chosen.inter_op_num_threads = 1
    chosen.graph_optimization_level = levels.ORT_DISABLE_ALL if literal else levels.ORT_ENABLE_ALL
    chosen.add_session_config_entry("session.set_denormal_as_zero", "1")  # as eager does
    return chosen


def _on_cpu(session: Any) -> Call:
    def run(images: Tensor) -> Tensor:
        (outputs,) = session.run([OUTPUT], {INPUT: images.numpy()})
        return torch.from_numpy(outputs)

    return run


def _settled(place: Call, cuda: Any) -> Call:
    """`place`, to its end: ONNX Runtime has a stream of its own, which does not wait for torch's."""

    def prepare(images: Tensor) -> Tensor:
        placed_images = place(images)
        cuda.synchronize()
        return placed_images

    return prepare


def _on_cuda(session: Any, example: Tensor) -> Call:
    """Inputs and outputs stay on the card; a run returns when the card has finished."""
    (about,) = session.get_outputs()
    outputs = torch.empty(about.shape, dtype=example.dtype, device=example.device)
    index = example.device.index or 0
    kind = torch.zeros((), dtype=example.dtype).numpy().dtype

    def run(images: Tensor) -> Tensor:
        binding = session.io_binding()
        binding.bind_input(INPUT, "cuda", index, kind, tuple(images.shape), images.data_ptr())
        binding.bind_output(OUTPUT, "cuda", index, kind, tuple(outputs.shape), outputs.data_ptr())
        session.run_with_iobinding(binding)
        return outputs

    return run
