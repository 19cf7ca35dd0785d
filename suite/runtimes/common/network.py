"""The network as other runtimes take it: a graph of `torch.export`, and ONNX made of that."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from suite.nn.network import Detector

INPUT, OUTPUT = "images", "predictions"


class Predict(nn.Module):
    """A detector as it is shipped: images (B, 3, H, W) in 0..1 to decoded predictions (B, N, 5 + classes)."""

    def __init__(self, model: Detector) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Decoded predictions."""
        return self.model.predict(images)


def exported(model: Detector, images: Tensor) -> ExportedProgram:
    """The graph of `model.predict` for images of this shape, type and memory format."""
    with quiet(), torch.no_grad():
        return torch.export.export(Predict(model).eval(), (images,), strict=False)


def onnx_model(model: Detector, images: Tensor) -> Any:
    """The network as an ONNX model (`onnx.ModelProto`) with one input, `images`, and one output, `predictions`."""
    program = exported(model, images)
    with quiet():
        network = torch.onnx.export(
            program,
            (images,),
            dynamo=True,
            verbose=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
        )
    assert network is not None, "there is no network without a file only where a file was asked for"
    return network.model_proto


@contextmanager
def quiet() -> Iterator[None]:
    """Without the exporters' remarks on themselves."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
