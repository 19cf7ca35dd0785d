"""The files that a network can be written as, each read back and run."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from suite.nn.network import Detector
from suite.runtimes.common.network import INPUT, OUTPUT, exported, onnx_model


@dataclass(frozen=True, slots=True)
class Source:
    """The deployed network, an example of what it takes, and what its file says of it."""

    model: Detector
    images: Tensor
    facts: Mapping[str, str]


def _write_onnx(source: Source, path: Path) -> Tensor:
    import onnxruntime  # an extra, as openvino is

    model = onnx_model(source.model, source.images)
    for key, value in source.facts.items():
        model.metadata_props.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run([OUTPUT], {INPUT: source.images.numpy()})[0])


def _write_openvino(source: Source, path: Path) -> Tensor:
    import openvino

    from suite.runtimes.openvino import converted

    model: Any = converted(source.model, source.images)
    for key, value in source.facts.items():
        model.set_rt_info(value, key)
    openvino.save_model(model, path, compress_to_fp16=False)
    pinned = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", pinned)
    return torch.from_numpy(compiled(source.images.numpy())[0])


def _write_torch(source: Source, path: Path) -> Tensor:
    # through memory: on a disk that is full torch's own writer aborts the process
    written = io.BytesIO()
    program = exported(source.model, source.images)
    torch.export.save(program, written, extra_files=dict(source.facts))
    path.write_bytes(written.getbuffer())
    predictions: Tensor = torch.export.load(path).module()(source.images)
    return predictions.detach()


WRITERS: Mapping[str, Callable[[Source, Path], Tensor]] = {
    "onnx": _write_onnx,
    "openvino": _write_openvino,
    "torch": _write_torch,
}
