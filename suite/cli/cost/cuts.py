"""`cost --by`: the cost of each part, stage or layer of a variant."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from suite.cli.cost.options import Cut
from suite.cli.output import table
from suite.metrics.definitions import ACTIVATIONS, GMACS, HIDDEN, PARAMS
from suite.metrics.evidence.layers import LayerCost, LayerCosts, Shares
from suite.record import Form, Measurement

ByMetric: TypeAlias = Mapping[str, Measurement]
_SHARED = ("PARAMS", "GMACS", "SHARE", "ACTS", "HIDDEN")
_LAYER = ("VARIANT", "LAYER", "BLOCK", "STRIDE", "OUT", *_SHARED, "FLOP/B", "FIELD")


def print_cut(costs: Sequence[tuple[str, Sequence[Measurement]]], by: Cut, form: Form) -> None:
    """A line for each piece of each variant; `costs` are names with their measurements."""
    rows: list[Sequence[object]] = []
    for name, measurements in costs:
        by_metric = {m.metric: m for m in measurements if m.form == form}
        pieces = _layers(by_metric) if by == "layer" else _pieces(by_metric, by)
        rows += [[name, *piece] for piece in pieces]
    table(_LAYER if by == "layer" else ("VARIANT", by.upper(), *_SHARED), rows)


def _layers(by_metric: ByMetric) -> list[list[object]]:
    gmacs = by_metric[GMACS.name]
    layers = LayerCosts.from_json(gmacs.notes).layers or ()
    return [_layer(layer, total=gmacs.samples[0]) for layer in layers]


def _layer(layer: LayerCost, *, total: float) -> list[object]:
    costs = _costs(
        layer.params, layer.gmacs, layer.activations or 0.0, layer.hidden_gops or 0.0, total=total
    )
    return [
        *(layer.address, layer.block, layer.stride, layer.out_channels),
        *costs,
        round(layer.intensity or 0.0, 1),
        layer.field,
    ]


def _pieces(by_metric: ByMetric, by: Cut) -> list[list[object]]:
    params, gmacs, activations, hidden = (
        _shares(by_metric[metric.name], by) for metric in (PARAMS, GMACS, ACTIVATIONS, HIDDEN)
    )
    total = by_metric[GMACS.name].samples[0]
    return [
        [
            piece,
            *_costs(params[piece], gmacs[piece], activations[piece], hidden[piece], total=total),
        ]
        for piece in params
    ]


def _shares(measurement: Measurement, by: Cut) -> Mapping[str, float]:
    shares = Shares.from_json(measurement.notes)
    return (shares.by_part if by == "part" else shares.by_stage) or {}


def _costs(
    params: float, gmacs: float, activations: float, hidden: float, *, total: float
) -> list[object]:
    share = gmacs / total if total else 0.0
    return [
        *(int(params), round(gmacs, 4), f"{share:.1%}"),
        *(round(activations, 3), round(hidden, 4)),
    ]
