"""Where in a network a tensor belongs, said so that it means the same in any other network."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from suite.nn.network import Detector, Node
from suite.record import Json


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a tensor. Two tensors may stand for each other only if all of this is equal, and their shapes too."""

    role: str  # of the layer
    block: str  # that the layer is made of
    name: str  # within the layer: the number of the copy first; levels of a head by their strides
    kind: str  # the classes of the modules that it lies in, outermost first


def slots_of(model: Detector) -> dict[str, Slot]:
    """The slot of every tensor of the state dict."""
    nodes = {node.address: node for node in model.graph}
    modules = dict(model.named_modules())
    slots = {}
    for name in model.state_dict():
        address, inner = split_address(name)
        node = nodes[address]
        steps = inner.split(".")
        lengths = range(node.copies > 1, len(steps))  # what stacks the copies is no part of them
        kind = "/".join(_kind(modules[".".join((address, *steps[:length]))]) for length in lengths)
        slots[name] = Slot(node.role, node.block, _inner_name(steps, node, model), kind)
    return slots


def describe_slots(model: Detector) -> dict[str, Json]:
    """The slots as plain JSON, each layer's role and block once: what a checkpoint says of its tensors."""
    layers: dict[str, Json] = {node.address: [node.role, node.block] for node in model.graph}
    tensors: dict[str, Json] = {
        name: [slot.name, slot.kind] for name, slot in slots_of(model).items()
    }
    return {"layers": layers, "tensors": tensors}


def slots_from(
    layers: Mapping[str, list[str]], tensors: Mapping[str, list[str]]
) -> dict[str, Slot]:
    """The slots that `describe_slots` has described, by the names of the tensors."""
    slots = {}
    for tensor, (name, kind) in tensors.items():
        role, block = layers[split_address(tensor)[0]]
        slots[tensor] = Slot(role, block, name, kind)
    return slots


def split_address(name: str) -> tuple[str, str]:
    """A tensor's name as the address of its layer and the name within it: "neck.3" and "reduce.conv.weight"."""
    part, _, rest = name.partition(".")
    if part == "head":
        return part, rest
    position, _, rest = rest.partition(".")
    return f"{part}.{position}", rest


def _inner_name(steps: list[str], node: Node, model: Detector) -> str:
    if node.part != "head":
        return ".".join(steps if node.copies > 1 else ("0", *steps))
    child = getattr(model.head, steps[0])
    if isinstance(child, nn.ModuleList) and len(child) == len(model.strides):
        steps = [steps[0], f"stride {model.strides[int(steps[1])]}", *steps[2:]]
    return ".".join(steps)


def _kind(module: nn.Module) -> str:
    cls = type(module)
    return f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}"
