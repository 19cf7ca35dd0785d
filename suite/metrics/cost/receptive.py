"""Receptive fields: which pixels each place of a map can depend on, followed through every operator of a pass.

The formulas are those of Araujo, Norris and Sim (Computing Receptive Fields of Convolutional Neural
Networks, Distill 2019, doi 10.23915/distill.00021): kernel, stride, padding and dilation say which
places an output place reads. They are carried out on the intervals themselves and not on their
sizes alone (`suite.metrics.cost.axes`), so that they also hold where paths join whose centres
differ, and after enlarging, where neighbouring places see their own intervals.

What reads everything (global means, attention, gates made of either, sampling where the network
says) sees the whole image. That is noted beside the field of all other paths, with the layer that
does it first.
"""

from dataclasses import replace
from typing import Any

from torch import Tensor

from suite.metrics.cost import receptive_views
from suite.metrics.cost.axes import Axis, enlarged, transposed, windowed
from suite.metrics.cost.reach import (
    Handler,
    Reach,
    Step,
    begin,
    listed_dims,
    mapped,
    mark,
    reach_of,
)
from suite.metrics.cost.recorder import Event, Observer, tensors

# their other results are statistics
_FIRST_ONLY = {"native_batch_norm", "native_layer_norm", "native_group_norm"}


class Fields(Observer):
    """What each output of a layer sees of the image: `reaches`, by address."""

    def __init__(self, images: Tensor) -> None:
        self.reaches: dict[str, tuple[Reach, ...]] = {}
        self._layer = ""  # the last that began, to be named by what sees everything
        begin(images)

    def entered(self, layer: str) -> None:
        """From here on it is this layer's doing."""
        self._layer = layer

    def ran(self, event: Event) -> None:
        """The results of an operator are marked with what they see, where an argument was."""
        if not any(reach_of(tensor) for tensor in event.reads):
            return
        handler = _HANDLERS.get(event.operator, _pointwise)
        results = event.writes[:1] if event.operator in _FIRST_ONLY else event.writes
        for position, result in enumerate(results):
            mark(result, handler(Step(event.args, result, position, self._layer)))

    def left(self, layer: str, out: Any) -> None:
        """The marks of its outputs are kept."""
        self.reaches[layer] = tuple(reach_of(tensor) or Reach() for tensor in tensors([out]))


def _pair(value: Any) -> tuple[int, int]:
    both = tuple(value) if isinstance(value, list | tuple) else (value,)
    return (int(both[0]), int(both[-1]))


def _convolution(step: Step) -> Reach:
    weight = step.args[1]
    strides, paddings, dilations = (_pair(step.args[i]) for i in (3, 4, 5))
    kernels = _pair(weight.shape[2:])
    form = transposed if step.args[6] else windowed
    window = mapped(
        step, lambda axis, i: form(axis, kernels[i], strides[i], paddings[i], dilations[i])
    )
    computed = reach_of(weight)
    return step.global_(window) if computed and computed.whole else window


def _deformed(step: Step) -> Reach:
    x, weight, offset, mask = step.args[:4]
    kernels = _pair(weight.shape[2:])
    strides, paddings, dilations = (step.args[i : i + 2] for i in (5, 7, 9))
    taps = mapped(
        step, lambda axis, i: windowed(axis, kernels[i], strides[i], paddings[i], dilations[i])
    )
    where = [reach for tensor in (offset, mask) if (reach := reach_of(tensor))]
    return step.global_(step.union([taps, *where] if reach_of(x) else where))


def _pool(step: Step) -> Reach:
    kernels = _pair(step.args[1])
    strides = _pair(step.argument(2, ()) or kernels)
    paddings = _pair(step.argument(3, 0))
    dilated = step.argument(4, 1)
    # average pooling has no dilation, but a flag at its position
    dilations = (1, 1) if isinstance(dilated, bool) else _pair(dilated)
    return mapped(
        step, lambda axis, i: windowed(axis, kernels[i], strides[i], paddings[i], dilations[i])
    )


def _adaptive(step: Step) -> Reach:
    before, after = step.x.shape[-2:], step.out.shape[-2:]
    if tuple(after) == (1, 1):
        return step.global_(Reach(whole=step.reach.whole))
    if any(old % new for old, new in zip(before, after, strict=True)):
        return step.lost()
    sizes = [old // new for old, new in zip(before, after, strict=True)]
    return mapped(step, lambda axis, i: windowed(axis, sizes[i], sizes[i], 0, 1))


def _resized(step: Step, *, bilinear: bool) -> Reach:
    before, after = step.x.shape[-2:], step.out.shape[-2:]

    def change(axis: Axis, i: int) -> Axis | None:
        if after[i] % before[i] == 0:
            return enlarged(axis, after[i] // before[i], bilinear=bilinear)
        if before[i] % after[i] or bilinear:
            return None
        return windowed(axis, 1, before[i] // after[i], 0, 1)

    aligned = bilinear and bool(step.argument(2, default=False))
    return step.lost() if aligned else mapped(step, change)


def _shuffled(step: Step) -> Reach:
    return mapped(step, lambda axis, _: enlarged(axis, int(step.args[1]), bilinear=False))


def _unshuffled(step: Step) -> Reach:
    factor = int(step.args[1])
    return mapped(step, lambda axis, _: windowed(axis, factor, factor, 0, 1))


def _unfolded(step: Step) -> Reach:
    """im2col: the windows lie along the last dimension, row by row."""
    kernels, dilations, paddings, strides = (_pair(value) for value in step.args[1:5])
    window = mapped(
        step, lambda axis, i: windowed(axis, kernels[i], strides[i], paddings[i], dilations[i])
    )
    grid = [
        (step.x.shape[i - 2] + 2 * paddings[i] - dilations[i] * (kernels[i] - 1) - 1) // strides[i]
        + 1
        for i in (0, 1)
    ]
    rows, columns = (axis and replace(axis, dim=-1) for axis in (window.rows, window.columns))
    return replace(window, rows=rows, columns=columns, grid=(grid[0], grid[1]))


def _padded(step: Step) -> Reach:
    amounts = list(step.args[1])  # pairs before and after, of the last dimension first
    before = [amounts[2] if len(amounts) > 2 else 0, amounts[0]]
    return mapped(step, lambda axis, i: windowed(axis, 1, 1, before[i], 1))


def _pointwise(step: Step) -> Reach:
    """Every place reads the same place of each argument; lost where the shapes do not allow that."""
    reaches = []
    for tensor in tensors(step.args):
        reach = reach_of(tensor)
        if reach is None:
            continue
        for axis in reach.axes:
            if -axis.dim > step.out.ndim or tensor.shape[axis.dim] != step.out.shape[axis.dim]:
                return step.lost()
        reaches.append(reach)
    return step.union(reaches)


def _batch_normed(step: Step) -> Reach:
    """Norms by given statistics are pointwise; norms by those of the map see all of it."""
    return step.global_(step.reach) if step.args[5] else step.reach


def _layer_normed(step: Step) -> Reach:
    inside = len(step.args[1])
    over_places = any(-axis.dim <= inside for axis in step.reach.axes)
    return step.global_(step.reach) if over_places else step.reach


def _softmax(step: Step) -> Reach:
    dim = step.args[1] - (step.x.ndim if step.args[1] >= 0 else 0)
    over_places = any(axis.dim == dim for axis in step.reach.axes)
    return step.global_(step.reach) if over_places else step.reach


def _reduced(step: Step) -> Reach:
    """A mean, sum, extreme or variance over some dimensions."""
    reach, ndim = step.reach, step.x.ndim
    dims = step.argument(1, None)
    gone = set(listed_dims(None if dims == [] else dims, ndim))
    kept = [dim for dim in range(ndim) if dim not in gone or step.out.ndim == ndim]

    def moved(axis: Axis | None) -> Axis | None:
        if axis is None or axis.dim % ndim in gone:
            return None
        return replace(axis, dim=kept.index(axis.dim % ndim) - len(kept))

    result = replace(reach, rows=moved(reach.rows), columns=moved(reach.columns))
    over_places = any(axis.dim % ndim in gone for axis in reach.axes)
    return step.global_(result) if over_places else result


def _product(step: Step) -> Reach:
    """A matrix product: a place that is summed over is seen by all, the others stay where the result has them."""
    pair = [value for value in step.args if isinstance(value, Tensor)][-2:]
    reaches = []
    for summed, tensor in zip((-1, -2), pair, strict=True):
        reach = reach_of(tensor)
        if reach is None:
            continue
        if tensor.ndim == 1:
            return step.lost()
        rows, columns = (_unless(axis, summed) for axis in (reach.rows, reach.columns))
        kept = replace(reach, rows=rows, columns=columns)
        over_places = any(axis.dim == summed for axis in reach.axes)
        reaches.append(step.global_(kept) if over_places else kept)
    return step.union(reaches)


def _unless(axis: Axis | None, dim: int) -> Axis | None:
    """The axis, unless it lies along a dimension."""
    return None if axis and axis.dim == dim else axis


def _everywhere(step: Step) -> Reach:
    return step.global_(step.reach)


def _sampled(step: Step) -> Reach:
    """A result's place is where the grid (B, H, W, 2) has it; what it reads may lie anywhere."""
    where = reach_of(step.args[1]) or Reach()
    axes = [axis and replace(axis, dim=axis.dim + 1) for axis in (where.rows, where.columns)]
    return step.global_(Reach(axes[0], axes[1], where.whole or step.reach.whole))


def _concatenated(step: Step) -> Reach:
    dim = step.argument(1, 0)
    dim -= step.out.ndim if dim >= 0 else 0
    reaches = [reach for value in step.args[0] if (reach := reach_of(value))]
    if any(axis.dim == dim for reach in reaches for axis in reach.axes):
        return step.lost()
    return step.union(reaches)


def _lost(step: Step) -> Reach:
    return step.lost()


_REDUCTIONS = (
    "mean",
    "sum",
    "amax",
    "amin",
    "max",
    "min",
    "var",
    "std",
    "var_mean",
    "prod",
    "linalg_vector_norm",
)
_ATTENTIONS = tuple(
    f"_scaled_dot_product_{kind}"
    for kind in (
        *("flash_attention", "flash_attention_for_cpu", "efficient_attention", "attention_math"),
        "fused_attention_overrideable",
    )
)
_HANDLERS: dict[str, Handler] = {
    "convolution": _convolution,
    "deform_conv2d": _deformed,
    **dict.fromkeys(("max_pool2d_with_indices", "max_pool2d", "avg_pool2d"), _pool),
    **dict.fromkeys(("_adaptive_avg_pool2d", "adaptive_max_pool2d"), _adaptive),
    **dict.fromkeys(
        ("upsample_nearest2d", "_upsample_nearest_exact2d"),
        lambda step: _resized(step, bilinear=False),
    ),
    "upsample_bilinear2d": lambda step: _resized(step, bilinear=True),
    "pixel_shuffle": _shuffled,
    "pixel_unshuffle": _unshuffled,
    "im2col": _unfolded,
    **dict.fromkeys(("constant_pad_nd", "reflection_pad2d", "replication_pad2d"), _padded),
    "grid_sampler_2d": _sampled,
    "native_batch_norm": _batch_normed,
    "native_layer_norm": _layer_normed,
    "native_group_norm": _everywhere,
    **dict.fromkeys(("_softmax", "_log_softmax"), _softmax),
    **dict.fromkeys(_REDUCTIONS, _reduced),
    **dict.fromkeys(("mm", "addmm", "bmm", "baddbmm", "mv"), _product),
    **dict.fromkeys(_ATTENTIONS, _everywhere),
    "cat": _concatenated,
    **dict.fromkeys(
        ("roll", "flip", "index", "gather", "scatter", "as_strided", "col2im", "cumsum"), _lost
    ),
    **dict.fromkeys(("repeat", "unfold", "sort", "topk"), _lost),
    **receptive_views.HANDLERS,
}
