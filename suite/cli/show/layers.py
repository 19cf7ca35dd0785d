"""`show --layers`: what each layer is, what it gives and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass

from suite.cli.output import table
from suite.cli.show.network import GIGA, IMAGE_SIZE, Network
from suite.record import Json
from suite.spec.records.variant import Layer


@dataclass(frozen=True, slots=True)
class _Line:
    """What one layer gives, (channels, height, width) an output, and costs; the head gives raw maps, by level."""

    address: str
    shapes: tuple[tuple[int, ...], ...]
    strides: tuple[int, ...]
    params: int
    macs: int


def print_layers(network: Network) -> None:
    """A table with a row a layer and one for the sum."""
    columns = ("ADDRESS", "BLOCK", "INPUTS", "OUT", "STRIDE", "PARAMS", "MACS")
    rows: list[Sequence[object]] = []
    for layer, line in zip(network.variant.layers, _lines(network), strict=True):
        shapes = " ".join("x".join(map(str, shape)) for shape in line.shapes)
        strides = " ".join(map(str, line.strides))
        rows.append(
            (
                line.address,
                _block(layer),
                " ".join(layer.inputs),
                shapes,
                strides,
                line.params,
                line.macs,
            )
        )
    total = ("total", "", "", "", "", network.params, round(network.gmacs * GIGA))
    table(columns, [*rows, total])


def layers_json(network: Network) -> list[Json]:
    """The same as JSON."""
    return [
        {
            "address": line.address,
            "block": layer.block,
            "inputs": list(layer.inputs),
            "out": [list(shape) for shape in line.shapes],
            "strides": list(line.strides),
            "params": line.params,
            "macs": line.macs,
        }
        for layer, line in zip(network.variant.layers, _lines(network), strict=True)
    ]


def _lines(network: Network) -> list[_Line]:
    lines = []
    for node in network.graph:
        facts = network.facts[node.address]
        sizes = [IMAGE_SIZE // stride for stride in node.strides]
        shapes = tuple(
            (channels, size, size) for channels, size in zip(node.out_channels, sizes, strict=True)
        )
        strides = node.strides
        if not strides:  # the head's are those of what it reads
            strides = tuple(network.graph[s.node].strides[s.output] for s in node.sources)
        macs = round(facts.gmacs * GIGA)
        lines.append(_Line(node.address, shapes, strides, facts.params, macs))
    return lines


def _block(layer: Layer) -> str:
    return f"{layer.block} x{layer.repeat}" if layer.repeat > 1 else layer.block
