"""int8: the ONNX network in eight bits, as ONNX Runtime's own tool makes it; the decoding stays in fp32.

Every tensor is written as an integer and a scale (arXiv 1712.05877): weights symmetrically with a scale for each output
channel, maps in 0..255 with one scale, from the least and the largest value that the calibration images bring about.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import onnx
from onnxruntime import quantization
from torch import Tensor

from suite.runtimes.common.network import INPUT

_HEAVY = ("Conv", "ConvTranspose", "MatMul", "Gemm")


def quantised(network: Any, images: Tensor, weight_bits: Literal[7, 8] = 8) -> bytes:
    """A network (`onnx.ModelProto`) in eight bits, calibrated on images (B, 3, H, W) in 0..1.

    Weights of seven bits are integers in -64..64, of eight in -127..127 (`suite.machine.eight_bits` says where which).
    In it stand the fp32 operations between pairs of QuantizeLinear and DequantizeLinear, which a runtime replaces by
    its operations on integers: run as it is written, the network is its own reference.
    """
    copied = onnx.ModelProto()
    copied.CopyFrom(network)  # the tool moves the weights out of what it is given
    with tempfile.TemporaryDirectory(prefix="quantised-") as folder, _quiet():
        file = Path(folder) / "network.onnx"
        quantization.quantize_static(
            copied,
            file,
            _Images(images),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
            reduce_range=weight_bits == 7,
            nodes_to_exclude=after_the_last_weights(network),
        )
        return file.read_bytes()


def after_the_last_weights(network: Any) -> list[str]:
    """Names of the nodes that no convolution and no product follows: decoding, whose pixels need more than 8 bits."""
    makers = {name: node for node in network.graph.node for name in node.output}
    waiting = [node for node in network.graph.node if node.op_type in _HEAVY]
    before: set[str] = set()
    while waiting:
        node = waiting.pop()
        if node.name not in before:
            before.add(node.name)
            waiting += [makers[name] for name in node.input if name in makers]
    return [node.name for node in network.graph.node if node.name not in before]


class _Images(quantization.CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """The images, once, all together."""

    def __init__(self, images: Tensor) -> None:
        self._left: Iterator[dict[str, Any]] = iter([{INPUT: images.numpy()}])

    def get_next(self) -> dict[str, Any] | None:
        return next(self._left, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the tool's advice to prepare what `deploy` has prepared; it speaks through the root of all loggers."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
