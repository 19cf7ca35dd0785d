"""int8 by its definition: q = clip(round(x / scale) + zero), where scale and zero are of the range that was seen."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import nn

from suite.machine.eight_bits import weight_bits
from suite.runtimes import Options
from tests.narrowing import stand_in

onnx = pytest.importorskip("onnx", reason="needs .[onnx]")
ort = pytest.importorskip("onnxruntime", reason="needs .[onnx]")
quantised = pytest.importorskip("suite.runtimes.common.quantised", reason="needs .[onnx]")

IMAGES = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))


def network() -> Any:
    """images -> first (1x1) -> Sigmoid -> second (1x1) -> Mul by itself: the last is what decoding is."""
    shape = [2, 3, 4, 4]
    generator = np.random.default_rng(0)
    weights = {n: generator.normal(size=(3, 3, 1, 1)).astype(np.float32) for n in ("w1", "w2")}
    nodes = [
        onnx.helper.make_node("Conv", ["images", "w1"], ["a"], "first"),
        onnx.helper.make_node("Sigmoid", ["a"], ["b"], "squash"),
        onnx.helper.make_node("Conv", ["b", "w2"], ["c"], "second"),
        onnx.helper.make_node("Mul", ["c", "c"], ["predictions"], "decode"),
    ]
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name in ("images", "predictions")
    ]
    kept = [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = onnx.helper.make_graph(nodes, "network", ends[:1], ends[1:], kept)
    return onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10
    )


def in_eight_bits(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """(Jacob et al. 2018, equation 1) on 0..255; the range always holds zero, which is exact."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 255
    zero = round(-low / scale)
    array: np.ndarray = (np.clip(np.rint(x / scale) + zero, 0, 255) - zero) * scale
    return array


def seen(x: np.ndarray) -> np.ndarray:
    return in_eight_bits(x, x.min(), x.max())


def by_channel(weights: np.ndarray, largest: int) -> np.ndarray:
    """Symmetric, -largest..largest over the largest of each output channel."""
    scale = np.abs(weights).max(axis=(1, 2, 3), keepdims=True) / largest
    array: np.ndarray = np.rint(weights / scale) * scale
    return array


def conv(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return nn.functional.conv2d(
        torch.from_numpy(x), torch.from_numpy(weights.astype(x.dtype))
    ).numpy()


def test_what_no_weights_follow_stays_in_single_precision() -> None:
    assert quantised.after_the_last_weights(network()) == ["decode"]


@pytest.mark.parametrize(("bits", "largest"), [(8, 127), (7, 64)])
def test_a_network_in_eight_bits_is_the_one_that_the_formula_gives(
    bits: Literal[7, 8], largest: int
) -> None:
    given = network()
    w1, w2 = (
        onnx.numpy_helper.to_array(tensor).astype(np.float64) for tensor in given.graph.initializer
    )
    images = IMAGES.double().numpy()

    made = quantised.quantised(given, IMAGES, bits)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    (found,) = ort.InferenceSession(made, options, providers=["CPUExecutionProvider"]).run(
        None, {"images": IMAGES.numpy()}
    )

    def squashed(x: np.ndarray) -> np.ndarray:
        array: np.ndarray = 1 / (1 + np.exp(-x))
        return array

    exact = [conv(images, w1)]
    exact += [squashed(exact[0])]
    exact += [conv(exact[1], w2)]
    ranges = [(x.min(), x.max()) for x in exact]
    a = in_eight_bits(conv(seen(images), by_channel(w1, largest)), *ranges[0])
    b = in_eight_bits(squashed(a), *ranges[1])
    c = in_eight_bits(conv(b, by_channel(w2, largest)), *ranges[2])
    step = (max(ranges[2][1], 0) - min(ranges[2][0], 0)) / 255
    apart = np.abs(found - c * c)
    assert np.median(apart) < 1e-6
    # a value between two steps may be rounded to the other
    assert apart.max() < 2.1 * step * np.abs(c).max()


def test_the_network_that_is_given_keeps_its_weights() -> None:
    given = network()
    before = given.SerializeToString()

    quantised.quantised(given, IMAGES)

    assert given.SerializeToString() == before


def all_alike() -> Any:
    """One 3x3 convolution of 8 channels whose weights are all 1: every product has the one sign."""
    weights = onnx.numpy_helper.from_array(np.ones((8, 3, 3, 3), dtype=np.float32), "w")
    node = onnx.helper.make_node("Conv", ["images", "w"], ["predictions"], "only")
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("images", [1, 3, 16, 16]), ("predictions", [1, 8, 14, 14]))
    ]
    graph = onnx.helper.make_graph([node], "network", ends[:1], ends[1:], [weights])
    return onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10
    )


def in_onnxruntime(network: bytes, images: np.ndarray) -> np.ndarray:
    (found,) = ort.InferenceSession(network, providers=["CPUExecutionProvider"]).run(
        None, {"images": images}
    )
    array: np.ndarray = found
    return array


def in_openvino(network: bytes, images: np.ndarray) -> np.ndarray:
    core = pytest.importorskip("openvino", reason="needs .[openvino]").Core()
    compiled = core.compile_model(
        core.read_model(network), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    array: np.ndarray = compiled.create_infer_request().infer({0: images})[0]
    return array


@pytest.mark.parametrize("run", [in_onnxruntime, in_openvino])
def test_no_sum_saturates_with_the_weights_that_this_processor_gets(
    run: Callable[[bytes, np.ndarray], np.ndarray],
) -> None:
    """White pictures and equal weights are the worst case: each output is 27 times 255 · the largest weight."""
    white = torch.ones(1, 3, 16, 16)

    found = run(quantised.quantised(all_alike(), white, weight_bits()), white.numpy())

    assert found == pytest.approx(np.full((1, 8, 14, 14), 27.0), abs=27 / 255)


@pytest.mark.parametrize("runtime", ["onnxruntime", "onnxruntime+literal", "openvino"])
def test_a_session_in_eight_bits_states_what_its_scales_are_from(runtime: str) -> None:
    from suite.runtimes import RuntimeUnfitError, open_session
    from tests.runtimes.tiny import TinyDetector

    try:
        session = open_session(
            runtime, stand_in(TinyDetector().eval()), Options(precision="int8"), IMAGES
        )
    except RuntimeUnfitError as error:
        pytest.skip(str(error))

    assert session.settings["precision"] == "int8"
    assert (
        session.settings["calibration"]
        == "least and largest values on the images that it was opened with"
    )
    assert session.settings["weight_bits"] == weight_bits()


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_session_in_another_precision_states_no_bits_of_weights(runtime: str) -> None:
    from suite.runtimes import RuntimeUnfitError, open_session
    from tests.runtimes.tiny import TinyDetector

    try:
        session = open_session(runtime, stand_in(TinyDetector().eval()), Options(), IMAGES)
    except RuntimeUnfitError as error:
        pytest.skip(str(error))

    assert "weight_bits" not in session.settings
