"""Work that no public counter sees, by formula: everything that is no convolution and no matrix product.

The unit is an operation on one number: an addition, a multiplication, a comparison, one value of a
function. Where values are weighed and summed, a multiplication with its addition is one, as in a
multiply-add. Copies cost none.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

MIXING = "kernel mixing"
SAMPLING = "sampling"
GATES = "gates and other broadcast products"
ELEMENTWISE = "elementwise arithmetic"
ACTIVATIONS = "activation functions"
POOLING = "pooling and means"
RESAMPLING = "resampling"
NORMS = "normalisation"
SOFTMAX = "softmax"

_PRODUCTS = ("mul", "div")
_ARITHMETIC = (
    "add",
    "sub",
    "rsub",
    "pow",
    "neg",
    "exp",
    "log",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "abs",
    "square",
    "maximum",
    "minimum",
    "clamp",
    "clamp_min",
    "clamp_max",
    "where",
    "floor",
    "round",
    "sign",
    "bitwise_and",
    "logical_and",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
    "masked_fill",
    "remainder",
    "sin",
    "cos",
    "atan2",
)
_FUNCTIONS = (
    "silu",
    "relu",
    "gelu",
    "sigmoid",
    "hardswish",
    "hardtanh",
    "hardsigmoid",
    "leaky_relu",
    "mish",
    "elu",
    "tanh",
    "softplus",
    "log_sigmoid",
    "prelu",
    "_prelu_kernel",
    "celu",
    "selu",
)
_REDUCTIONS = (
    "mean",
    "sum",
    "amax",
    "amin",
    "max",
    "min",
    "prod",
    "norm",
    "linalg_vector_norm",
    "argmax",
    "cumsum",
)
_WINDOWS = ("max_pool2d_with_indices", "avg_pool2d", "max_pool2d")
Formula = Callable[[Sequence[Any], Tensor], tuple[str, int]]


def unseen(operator: str, args: Sequence[Any], out: Tensor) -> tuple[str, int] | None:
    """What kind of work a dispatched operator is, and how many operations; None where there is no formula.

    Args:
        operator: its name without namespace, overload and the underscore of the in-place form, such as "mul".
        args: what it was called with.
        out: its first result.
    """
    formula = FORMULAS.get(operator)
    return None if formula is None else formula(args, out)


def _each(kind: str, times: int = 1) -> Formula:
    return lambda _, out: (kind, times * out.numel())


def _product(args: Sequence[Any], out: Tensor) -> tuple[str, int]:
    """A factor that is smaller than the result was broadcast: a gate, unless it is a single number."""
    sizes = [value.numel() for value in args[:2] if isinstance(value, Tensor)]
    gate = any(1 < size < out.numel() for size in sizes)
    return (GATES if gate else ELEMENTWISE), out.numel()


def _weighed_sum(args: Sequence[Any], _: Tensor) -> tuple[str, int]:
    return MIXING, args[0].numel()


def _reduction(args: Sequence[Any], _: Tensor) -> tuple[str, int]:
    return POOLING, args[0].numel()


def _spread(args: Sequence[Any], _: Tensor) -> tuple[str, int]:
    """A variance: the mean, the difference, and the square added to the sum."""
    return POOLING, 3 * args[0].numel()


def _window(args: Sequence[Any], out: Tensor) -> tuple[str, int]:
    kernel = args[1] if isinstance(args[1], Sequence) else [args[1]]
    return POOLING, out.numel() * math.prod(kernel if len(kernel) == 2 else [kernel[0]] * 2)


def _batch_norm(args: Sequence[Any], out: Tensor) -> tuple[str, int]:
    """Scale and shift; with statistics of the input itself also mean, difference and square."""
    return NORMS, (5 if args[5] else 2) * out.numel()


def _deformed(args: Sequence[Any], out: Tensor) -> tuple[str, int]:
    """A value is read between four, for every input channel, tap and place; with a mask it is multiplied once more."""
    weight = args[1]
    values = (
        args[0].shape[0] * args[0].shape[1] * math.prod(weight.shape[2:]) * math.prod(out.shape[2:])
    )
    return SAMPLING, (5 if args[-1] else 4) * values


FORMULAS: Mapping[str, Formula] = {
    **dict.fromkeys(_PRODUCTS, _product),
    **dict.fromkeys(_ARITHMETIC, _each(ELEMENTWISE)),
    **dict.fromkeys(("addcmul", "addcdiv", "lerp"), _each(ELEMENTWISE, 2)),
    **dict.fromkeys(_FUNCTIONS, _each(ACTIVATIONS)),
    **dict.fromkeys(_REDUCTIONS, _reduction),
    **dict.fromkeys(("var", "std", "var_mean", "std_mean"), _spread),
    **dict.fromkeys(_WINDOWS, _window),
    **dict.fromkeys(("_adaptive_avg_pool2d", "adaptive_max_pool2d"), _reduction),
    **dict.fromkeys(("upsample_nearest2d", "_upsample_nearest_exact2d"), _each(RESAMPLING)),
    "upsample_bilinear2d": _each(RESAMPLING, 4),
    "upsample_bicubic2d": _each(RESAMPLING, 16),
    "grid_sampler_2d": _each(SAMPLING, 4),
    "deform_conv2d": _deformed,
    **dict.fromkeys(("mv", "dot", "vdot"), _weighed_sum),
    "addmv": lambda args, _: _weighed_sum(args[1:], _),
    "native_batch_norm": _batch_norm,
    **dict.fromkeys(("native_layer_norm", "native_group_norm"), _each(NORMS, 5)),
    **dict.fromkeys(("_softmax", "_log_softmax"), _each(SOFTMAX, 5)),
}
"""By name of the operator; what stands in no formula copies, views, or makes tensors without arithmetic."""
