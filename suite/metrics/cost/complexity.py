"""What a network costs beside parameters and multiply-adds: activations, bytes, hidden work, receptive fields.

Everything is counted in one pass a form on the meta device (`suite.metrics.cost.trace`), for one
image in fp32:

- activations: the numbers that convolutions and matrix products write, as fvcore's count of that name has it;
- hidden work: operations that no public counter sees, by formula (`suite.metrics.cost.unseen`);
- intensity: floating-point operations (twice the multiply-adds) for each byte of weights, maps in and maps out of
  convolutions and matrix products, each map read and written once an operator;
- peak of maps: what has to be kept at once, each map from the operator that writes it to the last that reads it;
- bytes of weights: 4 a parameter in fp32, 2 in fp16; in int8 1 a number of convolution and matrix weights, 4 a scale
  (one for each output channel) and 4 for everything else.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from torch import nn

from suite.metrics.cost import flops
from suite.metrics.cost.forms import Forms, blank, held_by, shares
from suite.metrics.cost.trace import Trace, Work, trace
from suite.metrics.definitions import (
    ACTIVATIONS,
    FIELDS,
    HIDDEN,
    INTENSITY,
    PEAK_MAPS,
    WEIGHTS,
)
from suite.metrics.evidence.graph import ReceptiveFields, Tap
from suite.metrics.evidence.layers import Activations, HiddenWork, LayerCost
from suite.metrics.evidence.memory import MovedBytes, PeakMaps, WeightSizes
from suite.nn.network import Detector, Node
from suite.nn.sizes import require_image_size
from suite.record import Form, Json, Measurement

_MEGA, _GIGA, _MIB = 1e6, 1e9, 2**20


def measure_complexity(forms: Forms, image_size: int = 640) -> tuple[Measurement, ...]:
    """Multiply-adds (`suite.metrics.cost.flops`) and everything above, of both forms; the fields of the trained one."""
    require_image_size(forms.trained, image_size)
    measurements: list[Measurement] = []
    for form, model in forms.each():
        traced = trace(model, blank(image_size), follow=form == "trained")
        macs = {address: work.macs for address, work in traced.layers.items()}
        layers = tuple(_detailed(layer, traced) for layer in flops.layer_costs(model, macs))
        measurements.append(flops.measurement(model, form, image_size, macs, layers=layers))
        settings: dict[str, Json] = {"image_size": image_size, "batch": 1, "classes": model.classes}
        measurements += _measure_work(model, form, traced, settings)
        measurements += _measure_memory(model, form, traced, settings)
        if form == "trained":
            measurements.append(_measure_fields(model, traced, settings))
    return tuple(measurements)


def weight_bytes(model: nn.Module) -> dict[str, int]:
    """Bytes of the parameters by precision: fp32, fp16, int8."""
    numbers = matrices = scales = 0
    for parameter in held_by(model)[0]:
        numbers += parameter.numel()
        if parameter.ndim > 1 and parameter.numel() > parameter.shape[0]:
            matrices += parameter.numel()
            scales += parameter.shape[0]
    return {
        "fp32": 4 * numbers,
        "fp16": 2 * numbers,
        "int8": matrices + 4 * (scales + numbers - matrices),
    }


def _detailed(layer: LayerCost, traced: Trace) -> LayerCost:
    """The layer with what is counted beside its parameters and multiply-adds."""
    work = traced.layers.get(layer.address)
    if work is None:
        return layer
    reaches = traced.reaches.get(layer.address, ())
    return replace(
        layer,
        activations=work.products / _MEGA,
        hidden_gops=work.other.total() / _GIGA,
        intensity=_intensity(work),
        field=reaches[-1].pixels if reaches else None,
    )


def _intensity(work: Work) -> float:
    return 2 * work.macs / work.moved if work.moved else 0.0


def _measure_work(
    model: Detector, form: Form, traced: Trace, settings: Mapping[str, Json]
) -> tuple[Measurement, ...]:
    """What is computed: activations, and the operations that no counter sees."""
    total, layers = traced.total, traced.layers
    written = shares(model, {at: work.products for at, work in layers.items()}, _MEGA)
    activations = Activations(
        written.by_part,
        written.by_stage,
        all_outputs=total.outputs / _MEGA,
        bytes=4 * total.products,
    )
    unseen = shares(model, {at: work.other.total() for at, work in layers.items()}, _GIGA)
    hidden = HiddenWork(unseen.by_part, unseen.by_stage, _in_giga(total.other))
    return (
        ACTIVATIONS.measured(
            (total.products / _MEGA,), form=form, settings=settings, notes=activations.as_json
        ),
        HIDDEN.measured(
            (total.other.total() / _GIGA,), form=form, settings=settings, notes=hidden.as_json
        ),
    )


def _in_giga(operations: Counter[str]) -> dict[str, float]:
    """10⁹ operations by kind, the most first."""
    return {kind: count / _GIGA for kind, count in operations.most_common()}


def _measure_memory(
    model: Detector, form: Form, traced: Trace, settings: Mapping[str, Json]
) -> tuple[Measurement, ...]:
    """What is moved and held: bytes of an operation, the peak of the maps, the weights."""
    weights = weight_bytes(model)
    samples = (
        (INTENSITY, _intensity(traced.total), MovedBytes(traced.total.moved)),
        (PEAK_MAPS, traced.peak / _MIB, PeakMaps(traced.held / _MIB)),
        (
            WEIGHTS,
            weights["fp32"] / _MIB,
            WeightSizes(**{name: size / _MIB for name, size in weights.items()}),
        ),
    )
    return tuple(
        metric.measured((value,), form=form, settings=settings, notes=evidence.as_json)
        for metric, value, evidence in samples
    )


def _measure_fields(model: Detector, traced: Trace, settings: Mapping[str, Json]) -> Measurement:
    """One sample for each map that the head reads; the evidence says the same of every tagged layer.

    A sample is the side of the field over all paths that do not see the whole image, 0 where there
    is none; `whole` names the layer through which a map sees the whole image. Tags are named where
    a layer has one output.
    """
    ends = [(model.graph[source.node].address, source.output) for source in model.graph[-1].sources]
    taps = tuple(
        _tap(node, output, traced, head=(node.address, output) in ends)
        for node in model.graph
        for output in range(len(node.strides))
        if node.tags or (node.address, output) in ends
    )
    samples = [float(traced.reaches[address][output].pixels or 0) for address, output in ends]
    noted = ReceptiveFields(taps)
    return FIELDS.measured(samples, form="trained", settings=settings, notes=noted.as_json)


def _tap(node: Node, output: int, traced: Trace, *, head: bool) -> Tap:
    reach = traced.reaches[node.address][output]
    return Tap(
        address=node.address,
        tags=tuple(node.tags) if len(node.strides) == 1 else (),
        stride=node.strides[output],
        pixels=reach.pixels,
        whole=reach.whole,
        head=head,
    )
