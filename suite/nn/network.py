"""A variant made into a network: layers in order, channels and strides inferred, tags connected."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from suite.nn.heads import Head
from suite.nn.layers import DropPath
from suite.nn.recompute import recomputed
from suite.spec.records.variant import Part, Schedule, Variant
from suite.spec.records.vocabulary import DROP_PATH


@dataclass(frozen=True, slots=True)
class Source:
    """Where a layer's input comes from: a layer by position (-1 is the image), one of its outputs."""

    node: int
    output: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """One layer of the graph; what is known of it without running it."""

    address: str  # the module's path: part and position, such as "backbone.3"
    part: Part
    block: str
    sources: tuple[Source, ...]
    joined: bool  # several inputs are concatenated on channels, unless the block takes the list
    out_channels: tuple[int, ...]  # one an output
    strides: tuple[int, ...]  # in pixels, one an output
    tags: tuple[str, ...]
    kept: bool  # a later layer than the next one reads an output
    role: str = ""  # which layer it is, whatever stands around it (`suite.spec.solve.roles`)
    copies: int = 1  # of the block, stacked
    row: tuple[int, ...] = ()  # of an imported model file, and which of the row's copies

    @property
    def stride(self) -> int:
        """The coarsest stride of the layer's outputs, in pixels."""
        return max(self.strides)


class Detector(nn.Module):
    """A detector in three parts. What describes the graph stands beside the modules, never inside them."""

    def __init__(self, name: str, graph: Sequence[Node], layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.name = name
        self.graph = tuple(graph)
        by_part = {
            part: [m for n, m in zip(graph, layers, strict=True) if n.part == part]
            for part in _BODY
        }
        self.backbone = nn.ModuleList(by_part["backbone"])
        self.neck = nn.ModuleList(by_part["neck"])
        head = layers[-1]
        assert isinstance(head, Head)
        self.head = head
        # keep only each layer's input for the backward pass, and compute the rest again
        self.checkpointing = False

    @property
    def classes(self) -> int:
        """The number of classes that the head scores."""
        return self.head.classes

    @property
    def strides(self) -> tuple[int, ...]:
        """The head's strides in pixels, one a level."""
        return self.head.strides

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Raw maps of the head, one a level, before any sigmoid: what the losses read.

        Args:
            images: (B, 3, H, W) in 0..1, RGB; H and W are multiples of the coarsest stride.

        Returns:
            For each of `strides`, finest first, (B, per cell, H / stride, W / stride, 5 + classes): x, y, w, h in the
            head's own units, objectness, class scores.

        Raises:
            RuntimeError: H or W is no multiple of the coarsest stride, so maps that are joined do not fit.

        Example:
            >>> model = build(Library().load("yolov5s"))
            >>> [tuple(level.shape) for level in model(torch.zeros(1, 3, 640, 640))]
            [(1, 3, 80, 80, 85), (1, 3, 40, 40, 85), (1, 3, 20, 20, 85)]
        """
        kept: dict[int, tuple[Tensor, ...]] = {-1: (images,)}
        last: tuple[Tensor, ...] = (images,)
        body = (*self.backbone, *self.neck)
        for index, (node, layer) in enumerate(zip(self.graph, body, strict=False)):
            inputs = _gather(node, index, last, kept)
            given = _joined(node, inputs)
            computed_again = self.checkpointing and torch.is_grad_enabled()
            out = recomputed(layer, given) if computed_again else layer(given)
            last = (out,) if isinstance(out, Tensor) else tuple(out)
            if node.kept:
                kept[index] = last
        return self.head(_gather(self.graph[-1], len(body), last, kept))

    def predict(self, images: Tensor) -> Tensor:
        """Decoded boxes, before suppression (`suite.nn.suppression.nms`).

        Args:
            images: (B, 3, H, W) in 0..1, RGB; H and W are multiples of the coarsest stride.

        Returns:
            (B, N, 5 + classes): centre x, centre y, width, height in pixels of `images`, objectness in 0..1, class
            scores in 0..1 that are not multiplied by objectness. N counts all cells of all levels: 25,200 for a YOLOv5
            at 640 pixels.
        """
        return self.head.decode(self(images))


_BODY: tuple[Part, ...] = ("backbone", "neck")


def apply_schedules(model: nn.Module, variant: Variant, progress: float) -> None:
    """Set every scheduled attribute to its value at `progress` (0 at the start of the run, 1 at its end)."""
    for schedule in variant.schedules:
        passed = min(progress / schedule.over, 1.0) if schedule.over else 1.0
        targets = _scheduled(model, schedule)
        for index, (module, attribute) in enumerate(targets):
            share = index / (len(targets) - 1) if schedule.across and len(targets) > 1 else 1.0
            setattr(
                module, attribute, schedule.start + (schedule.end - schedule.start) * share * passed
            )


def _scheduled(model: nn.Module, schedule: Schedule) -> list[tuple[nn.Module, str]]:
    """The modules whose attribute the schedule sets, in the order they run."""
    blocks = [module for module in model.modules() if _address(module) == schedule.block]
    if schedule.attribute != DROP_PATH:
        return [(block, schedule.attribute) for block in blocks]
    return [
        (inner, "rate")
        for block in blocks
        for inner in block.modules()
        if isinstance(inner, DropPath)
    ]


def _address(module: nn.Module) -> str:
    return f"{type(module).__module__.rpartition('.')[2]}.{type(module).__name__}"


def _joined(node: Node, inputs: tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
    """What the layer is called with: one map, several joined on channels, or the tuple of them."""
    if len(inputs) == 1:
        return inputs[0]
    return torch.cat(inputs, 1) if node.joined else inputs


def _gather(
    node: Node, index: int, last: tuple[Tensor, ...], kept: dict[int, tuple[Tensor, ...]]
) -> tuple[Tensor, ...]:
    return tuple((last if s.node == index - 1 else kept[s.node])[s.output] for s in node.sources)
