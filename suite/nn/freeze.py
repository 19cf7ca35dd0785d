"""Which layers a variant's `freeze` keeps as they are."""

from collections.abc import Mapping

from suite.nn.network import Detector
from suite.spec.records.variant import Variant
from suite.yaml.errors import SpecError


def frozen_layers(model: Detector, variant: Variant) -> Mapping[str, tuple[str, ...]]:
    """For each entry of `freeze`, a part or a part and a stride such as "backbone 8", the addresses of its layers.

    Raises:
        SpecError: the part has no layer of that stride.
    """
    frozen: dict[str, tuple[str, ...]] = {}
    for entry in variant.freeze:
        part, _, stride = entry.partition(" ")
        nodes = [node for node in model.graph if node.part == part]
        chosen = tuple(
            node.address
            for node in nodes
            if not stride or (node.strides and node.stride == int(stride))
        )
        if not chosen:
            there = sorted({node.stride for node in nodes if node.strides})
            message = f"`freeze` matches no layer with {entry!r}"
            hint = f"the strides of {part} are: {', '.join(map(str, there))}"
            raise SpecError.single(variant.mark, "E207", message, hint=hint)
        frozen[entry] = chosen
    return frozen
