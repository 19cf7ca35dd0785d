"""Multiply-adds of convolutions and matrix products per image: batch 1, evaluation, at the size that is stated.

GFLOPs are twice the GMACs. Counted at the level of dispatched operators on the meta device (`suite.metrics.cost.work`);
second opinions are in `suite.metrics.audit`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from suite.record import Form, Json, Measurement, Metric

if TYPE_CHECKING:
    from suite.metrics.cost.forms import Forms
    from suite.nn.network import Detector

VERSION = 1
GIGA = 1e9
GMACS = Metric("gmacs", "multiply-adds", "GMACs", "lower", VERSION, 3, "compute")
METRICS: tuple[Metric, ...] = (
    GMACS,
    Metric("gmacs_fvcore", "multiply-adds as fvcore counts", "GMACs", "", VERSION, 3, "compute"),
    Metric("gmacs_thop", "multiply-adds as thop counts", "GMACs", "", VERSION, 3, "compute"),
)


def measure_flops(forms: "Forms", image_size: int = 640) -> tuple[Measurement, ...]:
    """GMACs of both forms, with their shares by part, stage and layer."""
    return tuple(count(model, form, image_size) for form, model in forms.each())


def count(model: "Detector", form: Form, image_size: int) -> Measurement:
    """GMACs of one form of a detector on the meta device."""
    from suite.metrics.cost.forms import blank
    from suite.metrics.cost.work import by_layer

    return measurement(model, form, image_size, by_layer(model, blank(image_size)))


def measurement(
    model: "Detector",
    form: Form,
    image_size: int,
    macs: Mapping[str, int],
    *,
    beside: Mapping[str, Mapping[str, Json]] | None = None,
) -> Measurement:
    """The measurement of multiply-adds that were counted by layer; `beside` has more to note of layers, by address."""
    from suite.metrics.cost.forms import parameters_by_layer, shares

    params = parameters_by_layer(model)
    layers: list[Json] = [
        {
            "address": node.address,
            "block": node.block,
            "stride": node.stride if node.strides else None,
            "out_channels": node.out_channels[-1] if node.out_channels else None,
            "params": params.get(node.address, 0),
            "gmacs": macs.get(node.address, 0) / GIGA,
            **(beside or {}).get(node.address, {}),
        }
        for node in model.graph
    ]
    return Measurement(
        metric=GMACS.name,
        metric_version=VERSION,
        unit=GMACS.unit,
        form=form,
        samples=(sum(macs.values()) / GIGA,),
        settings={"image_size": image_size, "batch": 1, "classes": model.classes},
        notes={**shares(model, macs, GIGA), "layers": layers},
    )
