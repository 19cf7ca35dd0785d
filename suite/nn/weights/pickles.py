"""What a YOLOv5 `.pt` file holds: the tensors of its network, the names of its classes, and what kind of network it is.

Nothing that the file says is executed (`suite.nn.weights.inert`). Read are checkpoints of finished and of interrupted
trainings, whole models, state dicts, what DataParallel, AutoShape and torch.compile wrap around them, and segmentation
models, of which boxes are kept and masks are not.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from suite.nn.weights.archives import open_archive
from suite.nn.weights.inert import StandIn, StoredTensor, WeightsError, shown

__all__ = ["SUFFIXES", "ReferenceFile", "WeightsError", "read_reference_checkpoint"]

SUFFIXES = (".pt", ".pth")
_HOLDERS = ("ema", "model", "state_dict", "model_state_dict")  # what checkpoints call their network
_LAYER = re.compile(r"(?:(?:module|model|_orig_mod)\.)*(\d+\..+)")
_COUNTERS = ("total_ops", "total_params")  # buffers that thop leaves in every module
_NUMBERED = re.compile(r"(class)?[ _]?\d+")  # what stands for a name where none was given
_MOST_MODULES = 20_000  # published networks have less than 2000
_DEEPEST = 50  # modules within modules


@dataclass(frozen=True, slots=True)
class ReferenceFile:
    """What was read.

    Attributes:
        state: tensors by the reference's names, `model.0.conv.weight` and so on, numbers in float32.
        class_names: by class index, as the file states them; () where it does not.
        activations: the classes of the activations of its convolutions; none of a state dict.
        left_out: what else the file holds, by name, and why it is not needed.
    """

    state: Mapping[str, Tensor]
    class_names: tuple[str, ...] = ()
    activations: frozenset[str] = frozenset()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def fused(self) -> bool:
        """Whether norms lie folded in convolutions, as they do after `model.fuse()`."""
        return any(
            name.endswith(".conv.bias")
            and f"{name.removesuffix('conv.bias')}bn.weight" not in self.state
            for name in self.state
        )


def read_reference_checkpoint(path: Path) -> ReferenceFile:
    """The network in `path`: its average where the file has one.

    Raises:
        WeightsError: not such a file, damaged, naming something outside a model's classes, or of another kind of
            network; the message says which.
    """
    with _named(path), open_archive(path) as archive:
        network = _network(archive.content)
        stored, modules = _flat(network)
        names = {found[1]: name for name in stored if (found := _LAYER.fullmatch(name)) is not None}
        _refuse_others(names)
        counters = {
            f"model.{name}": "a counter of thop"
            for name in names
            if name.rpartition(".")[2] in _COUNTERS
        }
        state = {
            f"model.{name}": _number(archive.tensor(stored[held]))
            for name, held in names.items()
            if f"model.{name}" not in counters
        }
        masks = _without_masks(state)
        activations = {cls for name, cls in modules.items() if name.rpartition(".")[2] == "act"}
        names_of_classes, seen = _class_names(network), frozenset(activations)
        return ReferenceFile(state, names_of_classes, seen, {**counters, **masks})


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    except Exception as error:  # what a damaged or hostile file may lead to has no end
        reason = shown(error) or type(error).__name__
        raise WeightsError(
            f"{path}: not a readable YOLOv5 checkpoint ({reason}); it may be damaged"
        ) from error


def _network(content: object) -> StandIn | dict[object, object]:
    """The model, or the dictionary of its tensors, wherever it is in the file."""
    held: dict[object, object] = content if isinstance(content, dict) else {}
    found = None
    for name in _HOLDERS:
        found = found or _as_network(held.get(name))
    found = found or _as_network(content)
    if found is None:
        what = ", ".join(shown(key) for key in list(held)[:8]) or type(content).__name__
        raise WeightsError(
            f"holds no model; a YOLOv5 checkpoint has one under 'ema' or 'model', here there is: {what}"
        )
    return found


def _as_network(value: object) -> StandIn | dict[object, object] | None:
    if isinstance(value, tuple | list):  # an average with its number of updates, in v4.0
        value = next(iter(value), None)
    if isinstance(value, StandIn):
        inner = value.state.get("ema")  # the object that keeps the average
        return inner if isinstance(inner, StandIn) else value
    if isinstance(value, dict) and any(isinstance(held, StoredTensor) for held in value.values()):
        return value
    return None


def _flat(
    network: StandIn | dict[object, object],
) -> tuple[dict[str, StoredTensor], dict[str, str]]:
    """Every tensor of the state dict by its name, and the class of every module; a state dict names no modules."""
    if isinstance(network, dict):
        return {str(k): v for k, v in network.items() if isinstance(v, StoredTensor)}, {}
    tensors: dict[str, StoredTensor] = {}
    modules: dict[str, str] = {}
    waiting = [("", network)]
    while waiting:
        name, module = waiting.pop()
        modules[name] = module.original.rpartition(".")[2]
        if len(modules) > _MOST_MODULES or name.count(".") > _DEEPEST:
            raise WeightsError("is nested deeper, or of more modules, than any network is")
        prefix = f"{name}." if name else ""
        tensors |= {f"{prefix}{key}": tensor for key, tensor in _own_tensors(module)}
        children = _held(module, "_modules").items()
        waiting += [
            (f"{prefix}{key}", child) for key, child in children if isinstance(child, StandIn)
        ]
    return tensors, modules


def _own_tensors(module: StandIn) -> Iterator[tuple[str, StoredTensor]]:
    passing = module.state.get("_non_persistent_buffers_set")
    left_out = passing if isinstance(passing, set) else set()
    for group in ("_parameters", "_buffers"):
        for name, tensor in _held(module, group).items():
            if isinstance(tensor, StoredTensor) and name not in left_out:
                yield name, tensor


def _held(module: StandIn, group: str) -> dict[str, Any]:
    held = module.state.get(group)
    return held if isinstance(held, dict) else {}


def _refuse_others(names: Mapping[str, str]) -> None:
    """Say what a network is that no variant describes."""
    if not names:
        raise WeightsError(
            "holds no YOLOv5 network: no tensor has a name such as model.0.conv.weight"
        )
    if any(".dfl." in name for name in names):
        raise WeightsError(
            "is a network of ultralytics (YOLOv5u, YOLOv8 or later), whose head has no anchors; "
            "take the file of YOLOv5's own releases, such as yolov5s.pt in the place of yolov5su.pt"
        )
    if not any(name.endswith(".anchors") for name in names) and any(
        name.endswith(".linear.weight") for name in names
    ):
        raise WeightsError(
            "is a classification model, which has no boxes; take the detector, "
            "yolov5s.pt in the place of yolov5s-cls.pt"
        )


def _number(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor.clone()


def _without_masks(state: dict[str, Tensor]) -> dict[str, str]:
    """Leave a segmentation head's masks out, which change none of its boxes; the names of what is left out whole."""
    mark = next((name for name in state if name.endswith(".proto.cv3.conv.weight")), "")
    head = mark.removesuffix("proto.cv3.conv.weight")
    anchors = state.get(f"{head}anchors")
    if not mark or anchors is None:
        return {}
    masks, boxes = len(state[mark]), anchors.shape[1]
    left_out = [name for name in state if name.startswith(f"{head}proto.")]
    for name in left_out:
        del state[name]
    outputs_of_head = re.compile(re.escape(head) + r"m\.\d+\.(weight|bias)")
    for name in filter(outputs_of_head.fullmatch, list(state)):
        outputs = state[name]
        kept = outputs.reshape(boxes, -1, *outputs.shape[1:])[:, :-masks]
        state[name] = kept.reshape(-1, *outputs.shape[1:])
    return dict.fromkeys(left_out, "of the masks of a segmentation model, whose boxes are used")


def _class_names(network: StandIn | dict[object, object]) -> tuple[str, ...]:
    """The names that the model, or what is wrapped, states; () where they are only numbers."""
    module: object = network
    for _ in range(_DEEPEST):
        if not isinstance(module, StandIn):
            return ()
        stated = module.state.get("names")
        if stated:
            break
        inner = _held(module, "_modules")
        module = inner.get("module") or inner.get("model") or inner.get("_orig_mod")
    else:
        return ()
    if isinstance(stated, dict):
        stated = [stated.get(index) for index in range(len(stated))]
    if not isinstance(stated, list | tuple) or not all(isinstance(name, str) for name in stated):
        return ()
    names = tuple(str(name).encode("utf-8", "replace").decode() for name in stated)
    return () if all(_NUMBERED.fullmatch(name) for name in names) else names
