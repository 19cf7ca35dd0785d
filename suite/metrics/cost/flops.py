"""Multiply-adds of convolutions and matrix products per image: batch 1, evaluation, at the size that is stated.

GFLOPs are twice the GMACs. Counted at the level of dispatched operators on the meta device
(`suite.metrics.cost.work`); second opinions are in `suite.metrics.audit`.
"""

from collections.abc import Mapping

from suite.metrics.cost.forms import blank, parameters_by_layer, shares
from suite.metrics.cost.work import by_layer
from suite.metrics.definitions import GMACS
from suite.metrics.evidence.layers import LayerCost, LayerCosts
from suite.nn.network import Detector
from suite.nn.sizes import require_image_size
from suite.record import Form, Json, Measurement

GIGA = 1e9


def count(model: Detector, form: Form, image_size: int) -> Measurement:
    """GMACs of one form of a detector on the meta device, for an image of `image_size` pixels a side.

    Beside the number stand its shares by part, stage and layer
    (`suite.metrics.evidence.layers.LayerCosts`).
    """
    require_image_size(model, image_size)
    macs = by_layer(model, blank(image_size))
    return measurement(model, form, image_size, macs, layers=layer_costs(model, macs))


def layer_costs(model: Detector, macs: Mapping[str, int]) -> tuple[LayerCost, ...]:
    """Parameters and multiply-adds of every layer, in the order of the graph; `macs` are by address."""
    params = parameters_by_layer(model)
    return tuple(
        LayerCost(
            address=node.address,
            block=node.block,
            stride=node.stride if node.strides else None,
            out_channels=node.out_channels[-1] if node.out_channels else None,
            params=params.get(node.address, 0),
            gmacs=macs.get(node.address, 0) / GIGA,
        )
        for node in model.graph
    )


def measurement(
    model: Detector,
    form: Form,
    image_size: int,
    macs: Mapping[str, int],
    *,
    layers: tuple[LayerCost, ...],
) -> Measurement:
    """The measurement of multiply-adds that were counted by layer; `layers` are the evidence beside it."""
    shared = shares(model, macs, GIGA)
    noted = LayerCosts(shared.by_part, shared.by_stage, layers)
    settings: dict[str, Json] = {"image_size": image_size, "batch": 1, "classes": model.classes}
    return GMACS.measured(
        (sum(macs.values()) / GIGA,), form=form, settings=settings, notes=noted.as_json
    )
