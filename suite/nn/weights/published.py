"""timm's weights files: their names in the names of a network that has the same backbone.

timm's classifier `stages.0.blocks.0` is `stages_0.blocks.0` in its own list of feature maps, which `timm.Backbone`
holds. A backbone of `convnext.*` lines is matched line by line:

| timm                                        | here                                             |
| ------------------------------------------- | ------------------------------------------------ |
| `stem.0`, `stem.1`                          | `conv`, `norm` of `stem.Patchify`                |
| `stages.S.downsample.0`, `.1`               | `norm`, `conv` of the S-th `convnext.Downsample` |
| `stages.S.blocks.B.conv_dw`, `norm`         | `mix`, `norm` of copy B of the S-th `ConvNeXt`   |
| `stages.S.blocks.B.mlp.fc1`, `mlp.fc2`      | `expand`, `project`, as 1x1 convolutions         |
| `stages.S.blocks.B.gamma`                   | `layer_scale`                                    |

A file is taken whole or not at all: it must have every tensor of that backbone, each of its shape.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from suite.nn.network import Detector
from suite.nn.weights.pickles import WeightsError
from suite.nn.weights.slots import Slot, slots_of, split_address
from suite.spec.records.variant import Variant

STAGES = ("convnext.ConvNeXt", "convnext.Downsample")
_CONVNEXT = {
    "mix": "conv_dw",
    "norm": "norm",
    "expand": "mlp.fc1",
    "project": "mlp.fc2",
    "layer_scale": "gamma",
}
_STEM = {"conv": "stem.0", "norm": "stem.1"}
_DOWN = {"norm": "downsample.0", "conv": "downsample.1"}

Filled = dict[Slot, tuple[str, Tensor]]


def published_slots(
    model: Detector, variant: Variant, path: Path, tensors: Mapping[str, Tensor]
) -> tuple[str, Filled]:
    """The network's name and, for each slot of `model` that the file fills, the file's name and tensor.

    Raises:
        WeightsError: `variant` has no backbone that timm publishes weights of, or the file is another network's.
    """
    layer = next((layer for layer in variant.layers if layer.block == "timm.Backbone"), None)
    name = _stated_name(path)
    try:
        if layer is not None:
            wanted = str(layer.options["name"])
            pairs = _feature_names(model, wanted, name or wanted, tensors)
        elif any(node.block == "convnext.ConvNeXt" for node in model.graph):
            wanted = name or "a ConvNeXt"
            pairs = _convnext_names(model, tensors)
        else:
            message = f"{variant.name} has no backbone of timm; a checkpoint of ours has a {path.name}.json beside it"
            raise WeightsError(f"{path}: {message}")
        slots, state = slots_of(model), model.state_dict()
        return wanted, {
            slots[ours]: (theirs, _fitted(tensors, theirs, state[ours]))
            for ours, theirs in pairs.items()
        }
    except ValueError as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(
            f"{path}: not the weights of {variant.name}'s backbone: {error}"
        ) from error


def _stated_name(path: Path) -> str:
    """The architecture that the config.json of a published folder names, "" where there is none."""
    try:
        stated = json.loads(path.with_name("config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(stated.get("architecture", "")) if isinstance(stated, dict) else ""


def _fitted(tensors: Mapping[str, Tensor], name: str, ours: Tensor) -> Tensor:
    """The file's tensor, a linear layer's as that of a 1x1 convolution."""
    tensor = tensors[name]
    if tensor.ndim == 2 and ours.shape == (*tensor.shape, 1, 1):
        return tensor[:, :, None, None]
    if tensor.shape != ours.shape:
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}, not {tuple(ours.shape)}")
    return tensor


def _feature_names(
    model: Detector, name: str, stated_name: str, tensors: Mapping[str, Tensor]
) -> dict[str, str]:
    """Our names to the file's, which must be the whole of timm's model `name` with or without its classifier."""
    import timm

    if stated_name != name:
        raise ValueError(f"it is of {stated_name}")
    address = next(node.address for node in model.graph if node.block == "timm.Backbone")
    with torch.device("meta"):
        whole: Any = timm.create_model(name, pretrained=False)
    stated = whole.pretrained_cfg.get("classifier") or ()
    heads = (stated,) if isinstance(stated, str) else tuple(stated)
    classifier = tuple(f"{head}." for head in heads)
    body = [n for n in whole.state_dict() if not n.startswith(classifier)]
    _require_all((n for n in body if not n.endswith("num_batches_tracked")), tensors)
    surplus = [n for n in tensors if n not in whole.state_dict()]
    if surplus:
        raise ValueError(f"timm's {name} has no {surplus[0]} ({len(surplus)} such tensors)")
    theirs: dict[str, str] = {}
    for n in body:
        if n in tensors:
            theirs |= dict.fromkeys((n, f"model.{n}", n.replace(".", "_", 1)), n)
    prefix = f"{address}.features."
    ours = [n for n in model.state_dict() if n.startswith(prefix)]
    return {n: theirs[n.removeprefix(prefix)] for n in ours if n.removeprefix(prefix) in theirs}


def _convnext_names(model: Detector, tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Our names to the file's. Lines that an edit has inserted are none of timm's."""
    prefixes: dict[str, str] = {}
    stages = dict.fromkeys(STAGES, 0)
    for node in model.graph:
        if "." not in node.address or " " in node.role:
            continue
        if node.block == "stem.Patchify":
            prefixes[node.address] = ""
        elif node.block in STAGES:
            stages[node.block] += 1
            first = 1 if node.block == "convnext.ConvNeXt" else 0
            prefixes[node.address] = f"stages.{stages[node.block] - first}."
    slots = slots_of(model)
    names = {
        ours: prefixes[split_address(ours)[0]] + _convnext_name(slot)
        for ours, slot in slots.items()
        if split_address(ours)[0] in prefixes and slot.kind.count("/") <= 1
    }
    _require_all(names.values(), tensors)
    taken = set(names.values())
    surplus = [n for n in tensors if n.startswith(("stem.", "stages.")) and n not in taken]
    if surplus:
        raise ValueError(f"the variant has no place for {surplus[0]} ({len(surplus)} such tensors)")
    return names


def _convnext_name(slot: Slot) -> str:
    copy, word, *rest = slot.name.split(".")
    if slot.block == "convnext.ConvNeXt":
        return ".".join((f"blocks.{copy}", _CONVNEXT[word], *rest))
    return ".".join(((_STEM if slot.block == "stem.Patchify" else _DOWN)[word], *rest))


def _require_all(names: Iterable[str], tensors: Mapping[str, Tensor]) -> None:
    missing = [name for name in names if name not in tensors]
    if missing:
        raise ValueError(f"it has no {missing[0]} ({len(missing)} such tensors)")
