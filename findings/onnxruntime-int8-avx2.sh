#!/usr/bin/env bash
# ONNX Runtime 1.32.0, int8 convolution (uint8 maps, int8 weights) on x86 with AVX2 and without VNNI: sums saturate.
#
# Input: a white picture (1, 3, 16, 16) and one 3x3 convolution whose 216 weights are 1, quantised by ONNX Runtime's own
# `quantize_static` (QDQ, QUInt8 maps, QInt8 weights). The exact output is 27 everywhere.
# Seen: 14.19, where the same file run without graph optimisation gives 27; with `reduce_range=True` it is 27.
# Why: `pmaddubsw` adds two products in 16 bits, and 2 * 255 * 127 = 64,770 is more than 32,767.
# ONNX Runtime knows: its `reduce_range` "may improve the accuracy for some models running on non-VNNI machine".
#
# Exit code: 0 as seen, or skipped (no x86, no AVX2, or VNNI or AMX is here); 1 if the behaviour is another one.
set -euo pipefail

flags=" $(grep -m1 '^flags' /proc/cpuinfo 2>/dev/null | cut -d: -f2 || true) "
if [[ "$flags" != *" avx2 "* ]]; then
    echo "skipped: no x86 processor with AVX2"
    exit 0
fi
for feature in avx512_vnni avx_vnni amx_int8; do
    if [[ "$flags" == *" $feature "* ]]; then
        echo "skipped: this processor has $feature"
        exit 0
    fi
done

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import logging
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

logging.disable(logging.WARNING)
WHITE = np.ones((1, 3, 16, 16), dtype=np.float32)

weights = numpy_helper.from_array(np.ones((8, 3, 3, 3), dtype=np.float32), "w")
graph = helper.make_graph(
    [helper.make_node("Conv", ["x", "w"], ["y"], "conv")],
    "one convolution",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 16, 16])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 14, 14])],
    [weights],
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), "fp32.onnx")


class Pictures(quantization.CalibrationDataReader):
    def __init__(self):
        self.left = iter([{"x": WHITE}])

    def get_next(self):
        return next(self.left, None)


def output(reduce_range, optimised):
    quantization.quantize_static(
        "fp32.onnx",
        "int8.onnx",
        Pictures(),
        quant_format=quantization.QuantFormat.QDQ,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        per_channel=True,
        reduce_range=reduce_range,
    )
    options = ort.SessionOptions()
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    session = ort.InferenceSession("int8.onnx", options, providers=["CPUExecutionProvider"])
    return float(session.run(None, {"x": WHITE})[0].mean())


found = {
    "8-bit weights, optimised": output(False, True),
    "8-bit weights, as written": output(False, False),
    "7-bit weights, optimised": output(True, True),
}
print(f"onnxruntime {ort.__version__}; exact: 27")
for what, value in found.items():
    print(f"{what}: {value:.6f}")
expected = (14.188, 27.0, 27.0)
as_seen = all(abs(value - known) < 0.01 for value, known in zip(found.values(), expected, strict=True))
print("as seen before" if as_seen else "NOT as seen before")
sys.exit(not as_seen)
PYTHON
