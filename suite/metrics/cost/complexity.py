"""What a network costs beside parameters and multiply-adds: activations, bytes, hidden work, receptive fields.

Everything is counted in one pass a form on the meta device (`suite.metrics.cost.trace`), for one image in fp32:

- activations: the numbers that convolutions and matrix products write, as fvcore's count of that name has it;
- hidden work: operations that no public counter sees, by formula (`suite.metrics.cost.unseen`);
- intensity: floating-point operations (twice the multiply-adds) for each byte of weights, maps in and maps out of
  convolutions and matrix products, each map read and written once an operator;
- peak of maps: what has to be kept at once, each map from the operator that writes it to the last that reads it;
- bytes of weights: 4 a parameter in fp32, 2 in fp16; in int8 1 a number of convolution and matrix weights, 4 a scale
  (one for each output channel) and 4 for everything else.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from suite.metrics.cost import flops
from suite.record import Form, Json, Measurement, Metric

if TYPE_CHECKING:
    from torch import nn

    from suite.metrics.cost.forms import Forms
    from suite.metrics.cost.trace import Trace, Work
    from suite.nn.network import Detector

VERSION = 1
_MEGA, _GIGA, _MIB = 1e6, 1e9, 2**20
ACTIVATIONS = Metric("activations", "activations", "M", "lower", VERSION, 2, "compute")
HIDDEN = Metric("hidden_gops", "work that no counter sees", "Gops", "lower", VERSION, 3, "compute")
INTENSITY = Metric("intensity", "arithmetic intensity", "FLOP/byte", "", VERSION, 1, "compute")
PEAK = Metric("peak_maps_mib", "peak of maps", "MiB", "lower", VERSION, 2, "compute")
WEIGHTS = Metric("weights_mib", "weights in fp32", "MiB", "lower", VERSION, 2, "size")
FIELD = Metric(
    "receptive_field", "receptive fields of the head's maps", "px", "", VERSION, 0, "compute"
)
METRICS: tuple[Metric, ...] = (ACTIVATIONS, HIDDEN, INTENSITY, PEAK, WEIGHTS, FIELD)


def measure_complexity(forms: "Forms", image_size: int = 640) -> tuple[Measurement, ...]:
    """Multiply-adds (`suite.metrics.cost.flops`) and everything above, of both forms; the fields of the trained one."""
    from suite.metrics.cost.forms import blank
    from suite.metrics.cost.trace import trace

    found: list[Measurement] = []
    for form, model in forms.each():
        traced = trace(model, blank(image_size), follow=form == "trained")
        macs = {address: work.macs for address, work in traced.layers.items()}
        found.append(flops.measurement(model, form, image_size, macs, beside=_beside(traced)))
        found += _measured(model, form, image_size, traced)
    return tuple(found)


def weight_bytes(model: "nn.Module") -> dict[str, int]:
    """Bytes of the parameters by precision: fp32, fp16, int8."""
    from suite.metrics.cost.forms import held_by

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


def _beside(traced: "Trace") -> dict[str, dict[str, Json]]:
    """What is noted of each layer beside its parameters and multiply-adds."""
    noted: dict[str, dict[str, Json]] = {}
    for address, work in traced.layers.items():
        noted[address] = {
            "activations": work.products / _MEGA,
            "hidden_gops": work.other.total() / _GIGA,
            "intensity": _intensity(work),
        }
        fields = [reach.pixels for reach in traced.reaches.get(address, ())]
        if fields and fields[-1] is not None:
            noted[address]["field"] = fields[-1]
    return noted


def _intensity(work: "Work") -> float:
    return 2 * work.macs / work.moved if work.moved else 0.0


def _measured(model: "Detector", form: Form, image_size: int, traced: "Trace") -> list[Measurement]:
    from suite.metrics.cost.forms import shares

    total, layers = traced.total, traced.layers
    products = {address: work.products for address, work in layers.items()}
    hidden = {address: work.other.total() for address, work in layers.items()}
    kinds: dict[str, Json] = {kind: count / _GIGA for kind, count in total.other.most_common()}
    weights = weight_bytes(model)
    samples: list[tuple[Metric, float, dict[str, Json]]] = [
        (
            ACTIVATIONS,
            total.products / _MEGA,
            {
                **shares(model, products, _MEGA),
                "all_outputs": total.outputs / _MEGA,
                "bytes": 4 * total.products,
            },
        ),
        (HIDDEN, total.other.total() / _GIGA, {**shares(model, hidden, _GIGA), "kinds": kinds}),
        (INTENSITY, _intensity(total), {"bytes": total.moved}),
        (PEAK, traced.peak / _MIB, {"eager": traced.held / _MIB}),
        (WEIGHTS, weights["fp32"] / _MIB, {name: size / _MIB for name, size in weights.items()}),
    ]
    settings: dict[str, Json] = {"image_size": image_size, "batch": 1, "classes": model.classes}
    found = [
        Measurement(m.name, VERSION, m.unit, form, (value,), settings, notes)
        for m, value, notes in samples
    ]
    return [*found, _fields(model, traced, settings)] if form == "trained" else found


def _fields(model: "Detector", traced: "Trace", settings: Mapping[str, Json]) -> Measurement:
    """One sample for each map that the head reads; notes say the same of every tagged layer.

    A sample is the side of the field over all paths that do not see the whole image, 0 where there is none; `whole`
    names the layer through which a map sees the whole image. Tags are named where a layer has one output.
    """
    seen = traced.reaches
    ends = [(model.graph[source.node].address, source.output) for source in model.graph[-1].sources]
    taps: list[Json] = [
        {
            "address": node.address,
            "tags": list(node.tags) if len(node.strides) == 1 else [],
            "stride": stride,
            "pixels": seen[node.address][output].pixels,
            "whole": seen[node.address][output].whole,
            "head": (node.address, output) in ends,
        }
        for node in model.graph
        for output, stride in enumerate(node.strides)
        if node.tags or (node.address, output) in ends
    ]
    samples = tuple(float(seen[address][output].pixels or 0) for address, output in ends)
    return Measurement(
        FIELD.name, VERSION, FIELD.unit, "trained", samples, settings, {"taps": taps}
    )
