"""Checkpoints: safetensors for the values, one JSON file beside it for all that must be known to use them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save as save_tensors
from torch import Tensor

from suite.files import replacing
from suite.nn.conv import ACTIVATIONS
from suite.nn.network import Detector
from suite.nn.weights.inert import shown
from suite.nn.weights.pickles import (
    SUFFIXES,
    ReferenceFile,
    WeightsError,
    read_reference_checkpoint,
)
from suite.nn.weights.reference import from_reference
from suite.nn.weights.slots import describe_slots
from suite.nn.weights.values import read_safetensors, require_finite
from suite.record import Json

__all__ = [
    "Checkpoint",
    "WeightsError",
    "about_file",
    "check_weights",
    "fill_from_checkpoint",
    "fill_from_reference",
    "load_checkpoint",
    "load_weights",
    "save_checkpoint",
]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded checkpoint: tensors by name and the facts that its JSON file states."""

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Json]


def save_checkpoint(path: Path, model: Detector, facts: Mapping[str, Json]) -> Path:
    """Write `path` (.safetensors) and `path`.json; a reader sees either the old pair or the new one, never a half.

    The JSON holds `facts`, the model's name, classes, strides, the slots of the tensors (`suite.nn.weights.slots`), by
    which another network takes them over, and their SHA-256, which is checked on reading: a flipped bit in a weights
    file loads without complaint otherwise.

    Raises:
        WriteError: the disk is full, or cannot be written to; no part of a file is left.
    """
    data = save_tensors(
        {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
    )
    about = {
        **facts,
        "variant": model.name,
        "classes": model.classes,
        "strides": list(model.strides),
        "slots": describe_slots(model),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    _replace(path, data)
    _replace(about_file(path), json.dumps(about, indent=1, sort_keys=True).encode())
    return path


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a pair that `save_checkpoint` wrote.

    Raises:
        WeightsError: a file is missing, damaged, or the two do not belong together.
    """
    try:
        data = path.read_bytes()
        facts = json.loads(about_file(path).read_text())
    except FileNotFoundError as error:
        raise WeightsError(
            f"{error.filename}: no such file; a checkpoint is a .safetensors file and its .json"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: cannot be read ({error})") from error
    if not isinstance(facts, dict) or hashlib.sha256(data).hexdigest() != facts.get("sha256"):
        raise WeightsError(
            f"{path}: damaged, or not the file that {about_file(path).name} describes"
        )
    return Checkpoint(read_safetensors(path, data), facts)


def load_weights(model: Detector, path: Path) -> Mapping[str, Json]:
    """Load a checkpoint of ours or a YOLOv5 `.pt` file into `model`, every tensor or none; returns its facts.

    Raises:
        WeightsError: the file cannot be used, or holds another network than `model`.
    """
    if path.suffix in SUFFIXES:
        fill_from_reference(model, read_reference_checkpoint(path), path)
        return {"source": "yolov5"}
    checkpoint = load_checkpoint(path)
    fill_from_checkpoint(model, checkpoint, path)
    return checkpoint.facts


def check_weights(path: Path) -> None:
    """Read a weights file for what any start from it needs, whatever network it is for.

    Raises:
        WeightsError: it cannot be read, or holds values that are no numbers.
    """
    if path.suffix in SUFFIXES:
        require_finite(path, read_reference_checkpoint(path).state)
    elif about_file(path).exists():
        require_finite(path, load_checkpoint(path).tensors)
    else:
        require_finite(path, read_safetensors(path, path.read_bytes()))


def fill_from_reference(model: Detector, file: ReferenceFile, path: Path) -> None:
    """Give `model` all tensors of what was read from the YOLOv5 file `path`.

    Raises:
        WeightsError: it is another network's, was trained with other activations, or holds values that are no numbers.
    """
    try:
        tensors = from_reference(model, file.state)
    except ValueError as error:
        raise WeightsError(f"{path}: {error}") from error
    own = {type(module).__name__ for module in model.modules()}
    known = {type(make()).__name__ for make in ACTIVATIONS.values()}
    if file.activations and file.activations <= known - own:
        theirs = ", ".join(sorted(file.activations))
        raise WeightsError(
            f"{path}: was trained with the activation {theirs}, which {model.name} does not have; "
            "state it as the variant's `activation`"
        )
    require_finite(path, tensors)
    model.load_state_dict(tensors)


def fill_from_checkpoint(model: Detector, checkpoint: Checkpoint, path: Path) -> None:
    """Give `model` all tensors of the checkpoint that was read from `path`.

    Raises:
        WeightsError: it is another network's, or holds values that are no numbers.
    """
    wanted = model.state_dict()
    differ = [
        name
        for name in sorted(set(wanted) | set(checkpoint.tensors))
        if name not in wanted
        or name not in checkpoint.tensors
        or wanted[name].shape != checkpoint.tensors[name].shape
    ]
    if differ:
        held, classes = (shown(checkpoint.facts.get(fact)) for fact in ("variant", "classes"))
        raise WeightsError(
            f"{path}: holds {held} with {classes} classes, not "
            f"{model.name} with {model.classes}: {len(differ)} tensors differ, first {shown(differ[0])}"
        )
    require_finite(path, checkpoint.tensors)
    model.load_state_dict(checkpoint.tensors)


def about_file(path: Path) -> Path:
    """The JSON file that belongs to a checkpoint's tensors."""
    return path.with_name(path.name + ".json")


def _replace(path: Path, data: bytes) -> None:
    with replacing(path, size=len(data)) as part:
        part.write_bytes(data)
