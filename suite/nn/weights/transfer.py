"""Starting a network from the weights of another one: every tensor goes to its own layer, or nowhere.

A tensor is taken over where the slot (`suite.nn.weights.slots`: the layer's role, its block, the name within it, the
classes around it) and the shape are the same. Nothing else decides: no layer's position and no fitting shape.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from suite.nn.detector import build
from suite.nn.network import Detector
from suite.nn.weights.checkpoint import about_file, load_checkpoint
from suite.nn.weights.inert import shown
from suite.nn.weights.initial import InitialWeights, Skipped, TensorReport
from suite.nn.weights.pickles import SUFFIXES, WeightsError, read_reference_checkpoint
from suite.nn.weights.published import published_slots
from suite.nn.weights.reference import from_reference, reference_classes
from suite.nn.weights.slots import Slot, slots_from, slots_of, split_address
from suite.nn.weights.values import read_safetensors, require_finite
from suite.record import file_digest
from suite.spec.library import Library
from suite.spec.records.variant import Variant

P5 = ("yolov5n", "yolov5s", "yolov5m", "yolov5l", "yolov5x")
SIZES = (*P5, *(f"{size}6" for size in P5))  # what YOLOv5 publishes weights of
OWN_PRIORS = "the anchors are the variant's own"


@dataclass(frozen=True, slots=True)
class Source:
    """What a weights file gives: tensors by slot, the name of the network, the file's name of each slot's tensor."""

    form: str  # "checkpoint", "YOLOv5" or "timm"
    network: str
    tensors: Mapping[Slot, Tensor]
    names: Mapping[Slot, str]
    # what else is in the file, and why it stays there
    foreign: Mapping[str, str] = field(default_factory=dict)


def start_from(model: Detector, variant: Variant, path: Path) -> InitialWeights:
    """Put the tensors of a weights file into `model`, each into its own layer, and say what became of all of them.

    The file is a checkpoint of ours (.safetensors with its .json), a `.pt` file of YOLOv5 (n to x, n6 to x6, or
    `variant` itself), or one of timm's .safetensors files for a variant with that backbone.

    Raises:
        WeightsError: the file cannot be used, or nothing in it belongs to the network; `model` is as it was.
    """
    source = _read(model, variant, path)
    state, slots = model.state_dict(), slots_of(model)
    buffers = [f"head.{name}" for name, _ in model.head.named_buffers(recurse=False)]
    priors = {slots.pop(name) for name in buffers if name in slots}
    reasons = {name: _reason(slot, state[name], source) for name, slot in slots.items()}
    taken = {name: source.tensors[slots[name]] for name, reason in reasons.items() if not reason}
    if not taken:
        raise WeightsError(
            f"{path}: holds {source.network}, of which nothing belongs to {variant.name}"
        )
    require_finite(path, taken)
    with torch.no_grad():
        for name, tensor in taken.items():
            state[name].copy_(tensor)
    unused = _unused(source, {slots[name] for name in taken} | priors, slots, state)
    skipped = [
        Skipped(source.names[slot], slot.role, OWN_PRIORS)
        for slot in source.tensors
        if slot in priors
    ]
    skipped += [Skipped(name, "", reason) for name, reason in source.foreign.items()]
    return InitialWeights(
        path.name,
        file_digest(path),
        source.form,
        source.network,
        _reports(model, slots, reasons),
        (*skipped, *unused),
    )


def _reports(
    model: Detector, slots: Mapping[str, Slot], reasons: Mapping[str, str]
) -> tuple[TensorReport, ...]:
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    stages = {
        n.address: n.part if n.part == "head" else f"{n.part} {n.stride}" for n in model.graph
    }
    return tuple(
        TensorReport(
            name, slot.role, stages[split_address(name)[0]], sizes.get(name, 0), reasons[name]
        )
        for name, slot in slots.items()
    )


def _read(model: Detector, variant: Variant, path: Path) -> Source:
    if not path.is_file():
        raise WeightsError(
            f"{path}: no such file; weights are a .safetensors or a .pt file, and never downloaded"
        )
    if path.suffix in SUFFIXES:
        return _read_reference(variant, path)
    if path.suffix != ".safetensors":
        raise WeightsError(
            f"{path}: is no weights file; there are .safetensors files and YOLOv5's .pt files, also called .pth"
        )
    return _read_own(path) if about_file(path).exists() else _read_published(model, variant, path)


def _read_own(path: Path) -> Source:
    checkpoint = load_checkpoint(path)
    described: Any = checkpoint.facts.get("slots")
    if not isinstance(described, dict):
        raise WeightsError(
            f"{path}: does not say which layer a tensor belongs to; train it again with this version"
        )
    try:
        slots = slots_from(described["layers"], described["tensors"])
        tensors = {slot: checkpoint.tensors[name] for name, slot in slots.items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(
            f"{about_file(path)}: does not describe the tensors of {path.name} ({shown(repr(error))})"
        ) from error
    names = {slot: name for name, slot in slots.items()}
    return Source("checkpoint", shown(checkpoint.facts.get("variant")), tensors, names)


def _read_reference(variant: Variant, path: Path) -> Source:
    """A file of YOLOv5 does not name its network: exactly one size has all of its tensors, each of its shape."""
    file = read_reference_checkpoint(path)
    try:
        classes = reference_classes(file.state)
    except ValueError as error:
        raise WeightsError(f"{path}: {error}") from error
    if file.fused:
        raise WeightsError(
            f"{path}: was fused for inference, so that its norms are gone and no training can start from it; take "
            "the file that the training wrote"
        )
    focus = "model.0.conv.conv.weight"
    width = len(file.state.get(focus, file.state.get("model.0.conv.weight", ())))
    library = Library()
    for candidate in (variant, *map(library.load, SIZES)):
        if candidate.layers[0].out != width:
            continue
        network = build(candidate, classes, device="meta")
        try:
            tensors = from_reference(network, file.state)
        except ValueError:
            continue
        slots = slots_of(network)
        named = {slots[name]: tensor for name, tensor in tensors.items()}
        names = {slot: name for name, slot in slots.items()}
        return Source("YOLOv5", candidate.name, named, names, file.left_out)
    mend = "; it has a Focus stem: `import` its model file, and start from that variant"
    raise WeightsError(
        f"{path}: is neither {variant.name} nor one of {', '.join(SIZES)}, which YOLOv5 publishes"
        f"{mend if focus in file.state else ''}"
    )


def _read_published(model: Detector, variant: Variant, path: Path) -> Source:
    tensors = read_safetensors(path, path.read_bytes())
    network, slots = published_slots(model, variant, path, tensors)
    used = {name for name, _ in slots.values()}
    by_slot = {slot: tensor for slot, (_, tensor) in slots.items()}
    names = {slot: name for slot, (name, _) in slots.items()}
    foreign = {name: "belongs to no layer of a detector" for name in tensors if name not in used}
    return Source("timm", network, by_slot, names, foreign)


def _reason(slot: Slot, tensor: Tensor, source: Source) -> str:
    """Why a tensor of the network stays at its own start, "" where it does not."""
    given = source.tensors.get(slot)
    if given is not None and given.shape != tensor.shape:
        return f"shape {_shape(tensor)}, in the file {_shape(given)}"
    if given is not None:
        return ""
    same_layer = [other for other in source.tensors if other.role == slot.role]
    if not same_layer:
        return "the file has no such layer"
    if same_layer[0].block != slot.block:
        return f"a {slot.block}, in the file a {same_layer[0].block}"
    return "the file has nothing of this kind in the layer"


def _unused(
    source: Source, known: AbstractSet[Slot], slots: Mapping[str, Slot], state: Mapping[str, Tensor]
) -> Iterator[Skipped]:
    """What of the file nobody has taken, and why."""
    blocks = {slot.role: slot.block for slot in slots.values()}
    here = {slot: state[name] for name, slot in slots.items()}
    for slot, tensor in source.tensors.items():
        if slot in known:
            continue
        if slot in here:
            reason = f"shape {_shape(tensor)}, in the network {_shape(here[slot])}"
        elif slot.role not in blocks:
            reason = "the network has no such layer"
        elif blocks[slot.role] != slot.block:
            reason = f"a {slot.block}, in the network a {blocks[slot.role]}"
        else:
            reason = "the network has nothing of this kind in the layer"
        yield Skipped(source.names[slot], slot.role, reason)


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"
