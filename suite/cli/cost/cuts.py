"""`cost --by`: the cost of each part, stage or layer of a variant."""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from suite.cli.output import table
from suite.metrics.definitions import ACTIVATIONS, HIDDEN
from suite.record import Form, Json, Measurement

Cut = Literal["part", "stage", "layer"]
CUTS: tuple[str, ...] = get_args(Cut)
_SHARED = ("PARAMS", "GMACS", "SHARE", "ACTS", "HIDDEN")
_LAYER = ("VARIANT", "LAYER", "BLOCK", "STRIDE", "OUT", *_SHARED, "FLOP/B", "FIELD")


def print_cut(costs: Sequence[tuple[str, Sequence[Measurement]]], by: Cut, form: Form) -> None:
    """A line for each piece of each variant; `costs` are names with their measurements."""
    rows: list[Sequence[object]] = []
    for name, measurements in costs:
        found = {m.metric: m for m in measurements if m.form == form}
        rows += [
            [name, *row]
            for row in (_layers(found) if by == "layer" else _pieces(found, f"by_{by}"))
        ]
    table(_LAYER if by == "layer" else ("VARIANT", by.upper(), *_SHARED), rows)


def _layers(found: Mapping[str, Measurement]) -> list[list[object]]:
    layers = found["gmacs"].notes["layers"]
    assert isinstance(layers, list)
    total = found["gmacs"].samples[0]
    rows = []
    for layer in layers:
        assert isinstance(layer, dict)
        about: list[object] = [layer[key] for key in ("address", "block", "stride", "out_channels")]
        costs = _costs(
            layer["params"], layer["gmacs"], layer["activations"], layer["hidden_gops"], total=total
        )
        rows.append([*about, *costs, round(_number(layer["intensity"]), 1), layer.get("field")])
    return rows


def _pieces(found: Mapping[str, Measurement], key: str) -> list[list[object]]:
    cuts = [
        _cut(found[metric].notes[key])
        for metric in ("params", "gmacs", ACTIVATIONS.name, HIDDEN.name)
    ]
    total = found["gmacs"].samples[0]
    return [[piece, *_costs(*(cut[piece] for cut in cuts), total=total)] for piece in cuts[0]]


def _costs(
    params: Json, gmacs: Json, activations: Json, hidden: Json, *, total: float
) -> list[object]:
    share = _number(gmacs) / total if total else 0.0
    work = [
        round(_number(gmacs), 4),
        f"{share:.1%}",
        round(_number(activations), 3),
        round(_number(hidden), 4),
    ]
    return [int(_number(params)), *work]


def _cut(noted: Json) -> Mapping[str, Json]:
    assert isinstance(noted, dict)
    return noted


def _number(value: Json) -> float:
    assert isinstance(value, int | float)
    return float(value)
