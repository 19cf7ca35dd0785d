"""TensorRT's engines, apart from the module `tensorrt` itself, which few machines have."""

from typing import Any

from torch import Tensor

from suite.runtimes.common.network import INPUT, OUTPUT
from suite.runtimes.common.session import Call


def build_engine(network: bytes, trt: Any, *, tf32: bool) -> Any:
    """The engine of an ONNX network. `trt` is the module `tensorrt`, or a stand-in.

    Raises:
        RuntimeError: the network cannot be read or built.
    """
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    # strongly typed: the types are the network's own, TensorRT chooses no narrower ones
    definition = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(definition, logger)
    if not parser.parse(network):
        raise RuntimeError(f"tensorrt: cannot read the network: {parser.get_error(0).desc()}")
    config = builder.create_builder_config()
    if tf32:
        config.set_flag(trt.BuilderFlag.TF32)
    else:
        config.clear_flag(trt.BuilderFlag.TF32)
    plan = builder.build_serialized_network(definition, config)
    if plan is None:
        raise RuntimeError("tensorrt: cannot build the network; its log says why")
    return trt.Runtime(logger).deserialize_cuda_engine(plan)


def engine_call(engine: Any, outputs: Tensor, cuda: Any) -> Call:
    """A call that runs the engine on torch's current stream and leaves its result in `outputs`."""
    context = engine.create_execution_context()
    context.set_tensor_address(OUTPUT, outputs.data_ptr())

    def run(images: Tensor) -> Tensor:
        context.set_tensor_address(INPUT, images.data_ptr())
        context.execute_async_v3(cuda.current_stream().cuda_stream)
        return outputs

    return run
