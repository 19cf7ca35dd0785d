"""Whether a network is fit to be trained and shipped, tried on the meta device: seconds for all variants there are.

What a build alone does not show: parameters that no gradient reaches, layers that fail with one
image, with an image that is not square, or under `torch.export`, and the layer that makes the
strides other than the baseline's.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from suite.metrics.cost.flops import count
from suite.metrics.cost.forms import layer_of, parameter_total
from suite.metrics.cost.work import reached
from suite.nn.conv import MISTAKES
from suite.nn.deploy import Deployable
from suite.nn.detector import build
from suite.nn.freeze import frozen_layers
from suite.nn.network import Detector, Node
from suite.spec.records.variant import Expect, Layer, Variant
from suite.spec.views.expectation import broken_promises
from suite.yaml.errors import Problem, SpecError, first_line

IMAGE_SIZE = 640  # pixels; what `expect` is about
WIDE = (384, 640)  # height and width that are not square, up to a multiple of the coarsest stride
GMACS_DIGITS = 3
_EXPORT_SIZE = 128
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class ExportCheck:
    """A network that was built: what `expect` may state of it, what is wrong with it, and its graph."""

    variant: Variant
    measured: Expect
    problems: tuple[Problem, ...]
    graph: tuple[Node, ...]
    warnings: tuple[Problem, ...] = ()


def run_export_check(variant: Variant, *, export: bool = False) -> ExportCheck:
    """Build a variant with 80 classes and try it; with `export` under `torch.export` too, which takes seconds.

    Promises that do not hold are no part of this, see `judge_strides` and
    `suite.spec.views.expectation`.

    Raises:
        SpecError: the variant does not build, or no image goes through it.
    """
    return check_built(variant, build(variant, device="meta"), export=export)


def check_built(variant: Variant, model: Detector, *, export: bool = False) -> ExportCheck:
    """The check of a network of 80 classes that is built on the meta device already; left in evaluation.

    Raises:
        SpecError: no image goes through it.
    """
    try:
        gmacs = count(model.eval(), "trained", IMAGE_SIZE).samples[0]
    except MISTAKES as error:
        unexplained = (model.graph[0].address, first_line(error))
        address, reason = _failure(model, _image(IMAGE_SIZE, IMAGE_SIZE)) or unexplained
        said = f"fails at {IMAGE_SIZE} x {IMAGE_SIZE}: {reason}"
        problem = _at(variant, model, address, "E304", said=said)
        raise SpecError([problem.within(variant.name)]) from error
    measured = Expect(
        strides=model.strides, params=parameter_total(model), gmacs=round(gmacs, GMACS_DIGITS)
    )
    problems = _try_training(model, variant)
    if export and not problems:
        problems = _try_export(model.eval(), variant)
    warnings = _unmerged(model, variant)
    model.eval()
    return ExportCheck(
        variant,
        measured,
        problems=_within(variant, problems),
        graph=model.graph,
        warnings=_within(variant, warnings),
    )


def _within(variant: Variant, problems: Sequence[Problem]) -> tuple[Problem, ...]:
    return tuple(problem.within(variant.name) for problem in problems)


def broken_expectations(
    check: ExportCheck, baseline: ExportCheck | None, hint: str
) -> list[Problem]:
    """One problem for every promise of the file that does not hold; `hint` is what to write instead."""
    variant = check.variant
    problems = []
    for complaint in broken_promises(variant.expect, check.measured):
        warning = judge_strides(check, baseline) if complaint.startswith("strides") else None
        message = f"{complaint}: {warning.message}" if warning else complaint
        problem = Problem(variant.expect.mark, "E305", message, hint)
        problems.append(problem.within(variant.name))
    return problems


def judge_strides(check: ExportCheck, baseline: ExportCheck | None) -> Problem | None:
    """A warning that says which layer makes the strides other than the baseline's; None where they are the same."""
    if baseline is None or check.measured.strides == baseline.measured.strides:
        return None
    name = baseline.variant.name
    for tag, node in _tagged(check).items():
        usual = _tagged(baseline).get(tag)
        if usual is None or _stride_at(check, tag) == _stride_at(baseline, tag):
            continue
        culprit, verb = _culprit(check, node, _stride_at(baseline, tag))
        layer, at = check.variant.layers[culprit], check.graph[culprit]
        halvings = ", ".join(f"{n.address} to {n.stride}" for n in _halvings(check, node)) or "none"
        message = (
            f"{tag} has stride {_stride_at(check, tag)} where {name} has {_stride_at(baseline, tag)}: "
            f"{at.address} ({at.block}) {verb}; the stride changes at {halvings}"
        )
        return Problem(layer.mark, "W301", message).within(check.variant.name)
    reads = ", ".join(check.variant.layers[-1].inputs)
    message = (
        f"the head reads {reads} at strides {_listed(check)} where {name} has {_listed(baseline)}"
    )
    return Problem(check.variant.layers[-1].mark, "W301", message).within(check.variant.name)


def _listed(check: ExportCheck) -> str:
    return ", ".join(map(str, check.measured.strides or ()))


def _tagged(check: ExportCheck) -> dict[str, int]:
    """The position of the layer that has each tag, in the order of the layers."""
    return {tag: index for index, layer in enumerate(check.variant.layers) for tag in layer.tags}


def _stride_at(check: ExportCheck, tag: str) -> int:
    index = _tagged(check)[tag]
    return check.graph[index].strides[check.variant.layers[index].tags[tag]]


def _path(check: ExportCheck, position: int) -> list[Node]:
    """The layers from the image to one, each the first input of the next."""
    nodes: list[Node] = []
    while position >= 0:
        nodes.append(check.graph[position])
        position = check.graph[position].sources[0].node
    return nodes[::-1]


def _halvings(check: ExportCheck, position: int) -> list[Node]:
    path = _path(check, position)
    before = [1, *(node.stride for node in path)]
    return [node for node, stride in zip(path, before, strict=False) if node.stride != stride]


def _culprit(check: ExportCheck, position: int, usual: int) -> tuple[int, str]:
    """The layer that goes beyond the usual stride, or the one that falls short of it, and what it does."""
    beyond = [node for node in _path(check, position) if node.stride > usual]
    if beyond:
        return check.graph.index(beyond[0]), f"goes beyond {usual}"
    return position, f"falls short of {usual}"


def _try_training(model: Detector, variant: Variant) -> list[Problem]:
    """One image that is not square, in training; where that fails, each of the two alone says which it is."""
    model.train()
    maps: list[tuple[int, ...]] = []
    with _noting(model, maps) as entered:
        try:
            live = reached(model, _image(*_wide(model)))
        except MISTAKES:
            return _diagnose(model, variant)
    problems = []
    wrong = _wrong_sizes(model, maps)
    if wrong:
        said = f"at {_wide_text(model)} {wrong}"
        problems.append(_at(variant, model, entered[-1], "E308", said=said))
    dead = {path: p.numel() for path, p in model.named_parameters() if path not in live}
    return [*problems, *_dead(model, variant, dead)]


def _diagnose(model: Detector, variant: Variant) -> list[Problem]:
    problems = []
    failed = _failure(model.train(), _image(IMAGE_SIZE, IMAGE_SIZE))
    if failed:
        address, reason = failed
        hint = "a norm needs more than one value a channel: put none behind a pooling to one pixel"
        said = f"fails in training with a batch of one: {reason}"
        problems.append(_at(variant, model, address, "E307", said=said, hint=hint))
    failed = _failure(model.eval(), _image(*_wide(model)))
    if failed:
        address, reason = failed
        hint = "images need not be square: take height and width from the map"
        said = f"fails at {_wide_text(model)}: {reason}"
        problems.append(_at(variant, model, address, "E308", said=said, hint=hint))
    return problems


def _failure(model: Detector, images: Tensor) -> tuple[str, str] | None:
    """The layer that a pass fails in and the first line of why, None if it does not."""
    with torch.no_grad(), _noting(model, []) as entered:
        try:
            model(images)
        except MISTAKES as error:
            return entered[-1], first_line(error)
    return None


def _try_export(model: Detector, variant: Variant) -> list[Problem]:
    with _noting(model, []) as entered:
        try:
            torch.export.export(model, (_image(_EXPORT_SIZE, _EXPORT_SIZE),), strict=False)
        except Exception as error:  # noqa: BLE001  (torch.export raises what it likes)
            said = f"fails in torch.export: {first_line(error)}"
            return [_at(variant, model, entered[-1], "E309", said=said)]
    return []


def _dead(model: Detector, variant: Variant, dead: Mapping[str, int]) -> list[Problem]:
    """One problem for each layer with parameters that nothing trains; frozen parts are not meant to."""
    by_layer: dict[str, dict[str, int]] = {}
    for path, parameters in dead.items():
        address = layer_of(path)
        by_layer.setdefault(address, {})[path.removeprefix(f"{address}.")] = parameters
    frozen: set[str] = set()
    for addresses in frozen_layers(model, variant).values():
        frozen |= set(addresses)
    read = {source.node for node in model.graph for source in node.sources}
    problems = []
    for index, node in enumerate(model.graph):
        parameters_by_name = by_layer.get(node.address)
        if not parameters_by_name or node.address in frozen:
            continue
        hint = "remove what the output does not need"
        if index not in read and node.part != "head":
            hint = "nothing reads the layer: remove it, or read its tag"
        total = sum(parameters_by_name.values())
        said = f"has {total} parameters that no gradient reaches: {_some(list(parameters_by_name))}"
        problems.append(_at(variant, model, node.address, "E306", said=said, hint=hint))
    return problems


def _some(names: Sequence[str]) -> str:
    """The first few names, with an ellipsis for the others."""
    shown = ", ".join(names[:_SHOWN])
    return f"{shown}, ..." if len(names) > _SHOWN else shown


def _unmerged(model: Detector, variant: Variant) -> list[Problem]:
    """One warning for each layer whose batch norms no block merges: it would be measured as nobody ships it."""
    problems = []
    layers = (*model.backbone, *model.neck, model.head)
    for node, layer in zip(model.graph, layers, strict=True):
        names = list(_open_norms(layer, ""))
        if names:
            said = f"keeps {len(names)} batch norms when deployed: {_some(names)}"
            hint = "give the block `deployed()`, or make its layers with `make.conv_norm_act`"
            problems.append(_at(variant, model, node.address, "W302", said=said, hint=hint))
    return problems


def _open_norms(module: nn.Module, path: str) -> Iterator[str]:
    """Batch norms in no module that knows its own deployed form."""
    if isinstance(module, Deployable):
        return
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        yield path
    for name, child in module.named_children():
        yield from _open_norms(child, f"{path}.{name}".lstrip("."))


def _wrong_sizes(model: Detector, maps: Sequence[tuple[int, ...]]) -> str:
    height, width = _wide(model)
    for (*_, rows, columns), stride in zip(maps, model.strides, strict=True):
        if (rows, columns) != (height // stride, width // stride):
            return f"gets a map of {columns} x {rows} at stride {stride}, not {width // stride} x {height // stride}"
    return ""


@contextmanager
def _noting(model: Detector, maps: list[tuple[int, ...]]) -> Iterator[list[str]]:
    """The addresses of the layers in the order they begin; `maps` are filled with the shapes that the head gets."""
    entered: list[str] = []

    def note(address: str, _layer: nn.Module, arguments: Sequence[Sequence[Tensor]]) -> None:
        entered.append(address)
        if address == "head":
            maps.extend(tuple(x.shape) for x in arguments[0])

    handles = [
        model.get_submodule(node.address).register_forward_pre_hook(partial(note, node.address))
        for node in model.graph
    ]
    try:
        yield entered
    finally:
        for handle in handles:
            handle.remove()


def _at(
    variant: Variant, model: Detector, address: str, code: str, *, said: str, hint: str = ""
) -> Problem:
    layer = _layer_at(variant, model.graph, address)
    return Problem(layer.mark, code, f"{address} ({layer.block}) {said}", hint)


def _layer_at(variant: Variant, graph: Sequence[Node], address: str) -> Layer:
    return next(
        layer for layer, node in zip(variant.layers, graph, strict=True) if node.address == address
    )


def _image(height: int, width: int) -> Tensor:
    return torch.empty(1, 3, height, width, device="meta")


def _wide(model: Detector) -> tuple[int, int]:
    coarsest = max(model.strides)
    return -(-WIDE[0] // coarsest) * coarsest, -(-WIDE[1] // coarsest) * coarsest


def _wide_text(model: Detector) -> str:
    height, width = _wide(model)
    return f"{width} x {height}"
