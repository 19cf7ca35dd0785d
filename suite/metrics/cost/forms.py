"""The two forms of a variant on the meta device: all that counting needs, without a byte of weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from suite.metrics.evidence.layers import Shares
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.nn.network import Detector, Node
from suite.nn.shapes import Shapes
from suite.record import Form
from suite.spec.records.variant import Variant


@dataclass(frozen=True, slots=True)
class Forms:
    """A variant as it is trained and as it is deployed; both on the meta device, in evaluation mode."""

    variant: Variant
    trained: Detector
    deployed: Detector

    def each(self) -> tuple[tuple[Form, Detector], ...]:
        """The forms with their names."""
        return (("trained", self.trained), ("deployed", self.deployed))


def build_forms(variant: Variant, classes: int = 80) -> Forms:
    """Build both forms. Raises SpecError where the variant does not build."""
    trained = build(variant, classes, device="meta").eval()
    with Shapes():
        return Forms(variant, trained, deploy(trained))


def blank(image_size: int, batch: int = 1) -> Tensor:
    """Images (batch, 3, size, size) on the meta device."""
    return torch.empty(batch, 3, image_size, image_size, device="meta")


def layer_of(path: str) -> str:
    """The address of the layer that the module at `path` belongs to: "neck.3.cv1.conv" is of "neck.3"."""
    part, _, rest = path.partition(".")
    return "head" if part == "head" else f"{part}.{rest.partition('.')[0]}"


def shares(model: Detector, amounts: Mapping[str, int], unit: float | None = None) -> Shares:
    """Sums by part and by stage of amounts that layers have (by address), divided by `unit` if given."""
    return Shares(
        by_part=_summed(model, amounts, lambda node: node.part, unit),
        by_stage=_summed(model, amounts, _stage_of, unit),
    )


def parameters_by_layer(model: Detector) -> dict[str, int]:
    """Parameters of every layer, by address."""
    layers = (*model.backbone, *model.neck, model.head)
    return {
        node.address: parameter_total(layer)
        for node, layer in zip(model.graph, layers, strict=True)
    }


def parameter_total(model: nn.Module) -> int:
    """Parameters of the model, each once."""
    return sum(parameter.numel() for parameter in held_by(model)[0])


def held_by(model: nn.Module) -> tuple[list[nn.Parameter], list[Tensor]]:
    """Parameters and buffers of the model, each once.

    Nobody asks for their names here, and to make those up is most of what `model.parameters()`
    takes.
    """
    parameters: dict[int, nn.Parameter] = {}
    buffers: dict[int, Tensor] = {}
    waiting = [model]
    while waiting:
        module = waiting.pop()
        for parameter in module._parameters.values():  # noqa: SLF001
            if parameter is not None:
                parameters[id(parameter)] = parameter
        for buffer in module._buffers.values():  # noqa: SLF001
            if buffer is not None:
                buffers[id(buffer)] = buffer
        waiting += [child for child in module._modules.values() if child is not None]  # noqa: SLF001
    return list(parameters.values()), list(buffers.values())


def _stage_of(node: Node) -> str:
    """The layer's stride in pixels as text; "head" for the head, which works on all of them."""
    return str(node.stride) if node.strides else "head"


def _summed(
    model: Detector, amounts: Mapping[str, int], key: Callable[[Node], str], unit: float | None
) -> Mapping[str, float]:
    sums: dict[str, int] = {}
    for node in model.graph:
        sums[key(node)] = sums.get(key(node), 0) + amounts.get(node.address, 0)
    if unit is None:  # whole numbers stay whole
        return sums
    return {name: total / unit for name, total in sums.items()}
