"""torch.export, then ONNX, then onnxruntime: what it gives beside what torch gives."""

import onnxruntime
import torch
from torch import Tensor, nn

from suite.runtimes.common.network import quiet

ERRORS = 3  # onnxruntime's level; below it there are notes on constants that it cannot fold


def exported(model: nn.Module, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The outputs of `model(x)` here, and those of its exported form in onnxruntime."""
    model = model.eval()
    with torch.no_grad():
        found = model(x)
    with quiet():
        program = torch.export.export(model, (x,))
        network = torch.onnx.export(program, (x,), dynamo=True, verbose=False, optimize=False)
        assert network is not None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERRORS
        options.intra_op_num_threads = 1
        data = network.model_proto.SerializeToString()
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    (name,) = (value.name for value in session.get_inputs())
    there = [torch.from_numpy(array) for array in session.run(None, {name: x.numpy()})]
    return [found] if isinstance(found, Tensor) else list(found), there
