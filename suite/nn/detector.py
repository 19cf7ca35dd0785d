"""From variant to Detector: a pass on the meta device infers channels and strides, then the network is built once."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from suite.nn.classes import describe_failure, find_class, owner_of
from suite.nn.conv import MISTAKES, ConvFactory, Operator, Site
from suite.nn.limits import require_size
from suite.nn.network import Detector, Node, Source, apply_schedules
from suite.nn.seeding import seeded
from suite.nn.shapes import Shapes
from suite.spec.records.blockfile import BlockFile
from suite.spec.records.variant import Layer, Variant
from suite.spec.solve.matching import explain
from suite.spec.solve.roles import numbered
from suite.yaml.errors import SpecError

__all__ = ["PROBE", "Detector", "apply_schedules", "build", "convolutions"]

PROBE = 512  # pixels: every stride up to 512 divides it
_signature: Callable[[Any], inspect.Signature] = cache(inspect.signature)


def build(
    variant: Variant, classes: int = 80, *, seed: int | None = None, device: str = "cpu"
) -> Detector:
    """Build the detector that `variant` describes, in training mode.

    With a `seed` every layer starts from values that depend on the seed and the layer's role alone,
    and so does every convolution that it asks for: what two variants share starts equal, whatever
    was inserted before it or replaced beside it.

    Args:
        variant: resolved, as `suite.spec.library.Library.load` gives it.
        classes: that the head scores.
        seed: of the start values; None draws them from torch's own generator.
        device: where the parameters lie. On "meta" nothing is allocated, and the network knows its shapes only.

    Example:
        >>> model = build(Library().load("yolov5s"), classes=20, seed=0).eval()
        >>> model.predict(torch.zeros(1, 3, 640, 640)).shape
        torch.Size([1, 25200, 25])

    Raises:
        SpecError: the layers do not fit together, an edit matches nothing or not the number it says, or the network
            is too large to be built.
    """
    with _named(variant):
        probe = _probe(variant, classes, {})
        operators = _choose(variant, probe)
        if operators:  # they too must fit, and say where they do not
            probe = _probe(variant, classes, operators)
    if device == "meta":
        return Detector(variant.name, probe.graph, probe.layers)
    layers = []
    for index, (plan, node) in enumerate(zip(probe.plans, probe.graph, strict=True)):
        make = ConvFactory(
            operators.get(index, {}),
            activation=variant.activation,
            norm=variant.norm,
            start=partial(seeded, seed, node.role),
        )
        with torch.device(device), seeded(seed, node.role):
            layers.append(_construct(plan, make))
    return Detector(variant.name, probe.graph, layers)


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """How one layer is constructed, once its input is known: `repeat` copies of the class, then the arguments."""

    layer: Layer
    arguments: tuple[tuple[tuple[object, ...], Mapping[str, object]], ...]
    cls: type[nn.Module]
    takes_make: bool


@dataclass(slots=True)
class Probe:
    """The network on the meta device, and all that was learnt from sending an image through it."""

    plans: list[LayerPlan] = field(default_factory=list)
    layers: list[nn.Module] = field(default_factory=list)
    makes: list[ConvFactory] = field(default_factory=list)
    graph: list[Node] = field(default_factory=list)


def sites_of(probe: Probe) -> list[tuple[int, Site]]:
    """Every convolution that a layer asked for, with the position of its layer."""
    sites = []
    for position, (node, layer, make) in enumerate(
        zip(probe.graph, probe.layers, probe.makes, strict=True)
    ):
        paths = {id(module): path for path, module in layer.named_modules()}
        for index, asked in enumerate(make.asked):
            site = Site(
                part=node.part,
                layer=node.address,
                block=node.block,
                stage=node.stride if node.strides else 0,
                tags=node.tags,
                index=index,
                path=f"{node.address}.{paths[id(asked.module)]}".rstrip("."),
                kernel=asked.shape.kernel,
                stride=asked.shape.stride,
                groups=asked.shape.groups,
                in_channels=asked.shape.in_channels,
                out_channels=asked.shape.out_channels,
            )
            sites.append((position, site))
    return sites


def convolutions(variant: Variant) -> tuple[Site, ...]:
    """Every convolution of `variant` that an edit can select, in the order of the layers."""
    with _named(variant):
        return tuple(site for _, site in sites_of(_probe(variant, 80, {})))


def replaced_convolutions(variant: Variant) -> tuple[tuple[Site, str], ...]:
    """Every convolution that an edit of `variant` replaces, with the address of the operator that takes its place."""
    with _named(variant):
        probe = _probe(variant, 80, {})
        chosen = _choose(variant, probe)
    pairs = ((site, chosen.get(position, {}).get(site.index)) for position, site in sites_of(probe))
    return tuple((site, operator.address) for site, operator in pairs if operator)


def _probe(
    variant: Variant, classes: int, operators: Mapping[int, Mapping[int, Operator]]
) -> Probe:
    if variant.match is not None and variant.match.solution is None:
        message = (
            f"its width is open: it is matched to the {variant.match.metric} of {variant.match.to}"
        )
        raise SpecError.single(
            variant.match.mark, "E312", message, hint="suite.match.solved makes it final"
        )
    probe, parameters, files = Probe(), 0, variant.blocks
    values: list[tuple[Tensor, ...]] = []
    image = (torch.empty(1, 3, PROBE, PROBE, device="meta"),)
    tags: dict[str, Source] = {}
    positions = {"backbone": 0, "neck": 0, "head": 0}
    for index, layer in enumerate(variant.layers):
        address = "head" if layer.part == "head" else f"{layer.part}.{positions[layer.part]}"
        positions[layer.part] += 1
        sources = tuple(_source(layer, name, index, tags, values) for name in layer.inputs)
        inputs = tuple((image if s.node < 0 else values[s.node])[s.output] for s in sources)
        description = _describe_inputs(layer, sources, inputs, probe.graph)
        plan = _plan(layer, inputs, classes, find_class(layer.block, files))
        make = ConvFactory(
            operators.get(index, {}), activation=variant.activation, norm=variant.norm
        )
        if not _takes_list(plan.cls):
            _require_one_size(layer, address, inputs, description)
        with (
            torch.device("meta"),
            torch.no_grad(),
            _located(layer, address, description, owner_of(layer.block, files)),
        ):
            module = _construct(plan, make).eval()
            with Shapes(), make.watching():
                out = module(_merged(plan, inputs))
            outputs = (out,) if isinstance(out, Tensor) else tuple(out)
        parameters = require_size(layer, address, module, outputs, parameters)
        node = _node(layer, address, sources, outputs, joined=not _takes_list(plan.cls))
        for tag, output in layer.tags.items():
            tags[tag] = Source(index, output)
        probe.plans.append(plan)
        probe.layers.append(module.train())
        probe.makes.append(make)
        probe.graph.append(node)
        values.append(outputs)
    roles = numbered([layer.role for layer in variant.layers])
    copies = [len(plan.arguments) for plan in probe.plans]
    named = [
        replace(n, role=r, copies=c) for n, r, c in zip(probe.graph, roles, copies, strict=True)
    ]
    probe.graph = _mark_kept(named)
    return probe


def _source(
    layer: Layer,
    name: str,
    index: int,
    tags: Mapping[str, Source],
    values: Sequence[tuple[Tensor, ...]],
) -> Source:
    if name == "last":
        return Source(index - 1, len(values[index - 1]) - 1 if index else 0)
    if name not in tags:
        raise SpecError.single(
            layer.mark,
            "E204",
            f"no layer above has the tag '{name}'",
            hint=f"there are: {', '.join(tags)}",
        )
    return tags[name]


def _plan(layer: Layer, inputs: Sequence[Tensor], classes: int, cls: type[nn.Module]) -> LayerPlan:
    parameters = _signature(cls).parameters
    takes_make = "make" in parameters
    widths = tuple(x.shape[1] for x in inputs)
    channels: object = widths if _takes_list(cls) else sum(widths)
    if layer.part == "head":
        strides = tuple(PROBE // x.shape[-1] for x in inputs)
        arguments = ((channels,), {"classes": classes, "strides": strides, **layer.options})
        return LayerPlan(layer, (arguments,), cls, takes_make)
    shared: dict[str, object] = dict(layer.options)
    if "repeat" in parameters:
        shared["repeat"] = layer.repeat
    copies = 1 if "repeat" in parameters else layer.repeat
    first = dict(shared) if layer.stride is None else {**shared, "stride": layer.stride}
    if "out_channels" not in parameters:
        return LayerPlan(layer, (((channels,), first),) * copies, cls, takes_make)
    out = layer.out if layer.out is not None else channels
    rest = {**shared, "stride": 1} if "stride" in parameters else shared
    # copies are stacked: stride and the change of channels happen in the first only
    stack = (((channels, out), first), *(((out, out), rest),) * (copies - 1))
    return LayerPlan(layer, stack, cls, takes_make)


def _construct(plan: LayerPlan, make: ConvFactory) -> nn.Module:
    extra = {"make": make} if plan.takes_make else {}
    copies = [plan.cls(*positional, **named, **extra) for positional, named in plan.arguments]
    return copies[0] if len(copies) == 1 else nn.Sequential(*copies)


def _choose(variant: Variant, probe: Probe) -> dict[int, dict[int, Operator]]:
    """The operator of every convolution that is replaced, by its layer's position and its own within the layer."""
    chosen: dict[int, dict[int, Operator]] = {}
    sites = sites_of(probe) if variant.conv_edits else []
    for edit in variant.conv_edits:
        matched = [(position, site) for position, site in sites if site.matches(edit.select)]
        if not matched:
            reason, hint = explain(edit.select, [site for _, site in sites])
            message = f"the edit matches none of {len(sites)} convolutions: {reason}"
            raise SpecError.single(
                edit.mark, "E301", message, hint="; ".join([hint, *_closed(probe)])
            )
        if edit.select.count not in {None, len(matched)}:
            listed = ", ".join(str(site) for _, site in matched)
            message = (
                f"the edit matches {len(matched)} convolutions, count says {edit.select.count}"
            )
            raise SpecError.single(edit.mark, "E302", message, hint=f"matched: {listed}")
        operator = find_class(edit.operator, variant.blocks)
        for position, site in matched:
            chosen.setdefault(position, {})[site.index] = Operator(
                operator, edit.options, edit.operator, str(site), edit.mark
            )
    return chosen


def _closed(probe: Probe) -> list[str]:
    """A remark on every block that builds its convolutions itself."""
    closed: dict[str, None] = {}
    for layer, make, node in zip(probe.layers, probe.makes, probe.graph, strict=True):
        has_convolutions = any(isinstance(module, nn.Conv2d) for module in layer.modules())
        if node.part != "head" and not make.asked and has_convolutions:
            closed[f"no edit reaches into {node.block}, which builds its own"] = None
    return list(closed)


def _takes_list(cls: type[nn.Module]) -> bool:
    """Whether the block receives the list of maps: its constructor wants one channel count an input."""
    return "tuple" in str(_signature(cls).parameters["in_channels"].annotation)


def _merged(plan: LayerPlan, inputs: Sequence[Tensor]) -> Tensor | Sequence[Tensor]:
    if _takes_list(plan.cls):
        return inputs
    return inputs[0] if len(inputs) == 1 else torch.cat(tuple(inputs), 1)


def _node(
    layer: Layer,
    address: str,
    sources: tuple[Source, ...],
    outputs: Sequence[Tensor],
    *,
    joined: bool,
) -> Node:
    maps = outputs if layer.part != "head" else ()
    for out in maps:
        _require_map(layer, address, out)
    return Node(
        address=address,
        part=layer.part,
        block=layer.block,
        sources=sources,
        joined=joined,
        out_channels=tuple(out.shape[1] for out in maps),
        strides=tuple(PROBE // out.shape[-1] for out in maps),
        tags=tuple(layer.tags),
        kept=False,
        row=layer.row,
    )


def _require_map(layer: Layer, address: str, out: object) -> None:
    """Raise SpecError unless `out` is a map (B, C, H, W) of a whole stride."""
    shape = "x".join(map(str, out.shape)) if isinstance(out, Tensor) else type(out).__name__
    if not isinstance(out, Tensor) or out.ndim != 4:
        message = f"{address} ({layer.block}) gives {shape}, which is no feature map (B, C, H, W)"
        raise SpecError.single(
            layer.mark, "E303", message, hint="leave out the mean over places and the classifier"
        )
    if any(side == 0 or PROBE % side for side in out.shape[2:]):
        message = f"{address} ({layer.block}) turns a {PROBE}-pixel image into {shape}, which has no whole stride"
        kernel = layer.options.get("kernel", layer.options.get("kernel_size"))
        odd = (
            f": {kernel // 2} for a kernel of {kernel}"
            if isinstance(kernel, int) and kernel % 2
            else ""
        )
        raise SpecError.single(
            layer.mark, "E303", message, hint=f"use a padding that keeps the resolution{odd}"
        )


def _mark_kept(graph: Sequence[Node]) -> list[Node]:
    far = {s.node for index, node in enumerate(graph) for s in node.sources if s.node != index - 1}
    return [replace(node, kept=index in far) for index, node in enumerate(graph)]


@contextmanager
def _named(variant: Variant) -> Iterator[None]:
    """Let what is wrong name the variant, where its place in a file does not: a design's, or a base's line."""
    try:
        yield
    except SpecError as error:
        raise SpecError(
            problem.within(variant.name) for problem in error.problems
        ) from error.__cause__


@contextmanager
def _located(layer: Layer, address: str, inputs: str, file: BlockFile | None) -> Iterator[None]:
    """Turn what a constructor or a first pass raises into an error at the layer's line; `file` is the user's code."""
    try:
        yield
    except SpecError:
        raise
    except MISTAKES as error:
        reason = describe_failure(file, error) if file else str(error)
        message = f"{address} ({layer.block}) cannot take {inputs}: {reason}"
        raise SpecError.single(layer.mark, "E304", message) from error


def _describe_inputs(
    layer: Layer, sources: Sequence[Source], inputs: Sequence[Tensor], graph: Sequence[Node]
) -> str:
    """The channels that a layer is given, and by whom: "64 channels of p3 (backbone.4), 128 of neck.1"."""
    channels = []
    for name, source, x in zip(layer.inputs, sources, inputs, strict=True):
        address = graph[source.node].address if source.node >= 0 else "the image"
        channels.append(f"{x.shape[1]} of {address if name == 'last' else f'{name} ({address})'}")
    first, _, rest = ", ".join(channels).partition(" of ")
    return f"{first} channels of {rest}"


def _require_one_size(
    layer: Layer, address: str, inputs: Sequence[Tensor], description: str
) -> None:
    """Raise SpecError unless maps that are to be joined have one resolution."""
    if len({x.shape[2:] for x in inputs}) > 1:
        strides = ", ".join(str(PROBE // x.shape[-1]) for x in inputs)
        message = (
            f"{address} ({layer.block}) cannot join {description}: their strides are {strides}"
        )
        raise SpecError.single(layer.mark, "E304", message, hint="bring them to one stride first")
