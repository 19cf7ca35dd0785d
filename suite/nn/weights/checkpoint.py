"""Checkpoints: safetensors for the values, one JSON file beside it for all that must be known to use them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from suite.files import replacing
from suite.nn.network import Detector
from suite.nn.weights.pickles import WeightsError, read_reference_checkpoint
from suite.nn.weights.reference import from_reference
from suite.nn.weights.slots import describe_slots
from suite.record import Json

__all__ = [
    "Checkpoint",
    "WeightsError",
    "about_file",
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
    path.parent.mkdir(parents=True, exist_ok=True)
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
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: cannot be read ({error})") from error
    if hashlib.sha256(data).hexdigest() != facts.get("sha256"):
        raise WeightsError(
            f"{path}: damaged, or not the file that {about_file(path).name} describes"
        )
    try:
        return Checkpoint(load_tensors(data), facts)
    except SafetensorError as error:
        raise WeightsError(f"{path}: not a safetensors file ({error})") from error


def load_weights(model: Detector, path: Path) -> Mapping[str, Json]:
    """Load a checkpoint of ours or a YOLOv5 `.pt` file into `model`, every tensor or none; returns its facts.

    Raises:
        WeightsError: the file cannot be used, or holds another network than `model`.
    """
    if path.suffix == ".pt":
        try:
            tensors: Mapping[str, Tensor] = from_reference(model, read_reference_checkpoint(path))
        except WeightsError:
            raise
        except ValueError as error:
            raise WeightsError(f"{path}: {error}") from error
        model.load_state_dict(tensors)
        return {"source": "yolov5"}
    checkpoint = load_checkpoint(path)
    wanted = model.state_dict()
    differ = [
        name
        for name in sorted(set(wanted) | set(checkpoint.tensors))
        if name not in wanted
        or name not in checkpoint.tensors
        or wanted[name].shape != checkpoint.tensors[name].shape
    ]
    if differ:
        raise WeightsError(
            f"{path}: holds {checkpoint.facts.get('variant')} with {checkpoint.facts.get('classes')} classes, not "
            f"{model.name} with {model.classes}: {len(differ)} tensors differ, first {differ[0]}"
        )
    model.load_state_dict(checkpoint.tensors)
    return checkpoint.facts


def about_file(path: Path) -> Path:
    """The JSON file that belongs to a checkpoint's tensors."""
    return path.with_name(path.name + ".json")


def _replace(path: Path, data: bytes) -> None:
    with replacing(path) as part:
        part.write_bytes(data)
