"""Writes files as YOLOv5's `.pt` checkpoints are: a zip with a pickle that names foreign classes."""

import collections
import io
import pickle
import zipfile
from pathlib import Path

import torch

from suite.nn.detector import Detector
from suite.nn.weights.reference import reference_names


def reference_state(model: Detector) -> dict[str, torch.Tensor]:
    state = {theirs: model.state_dict()[ours] for ours, theirs in reference_names(model).items()}
    strides = torch.tensor(model.strides)[:, None, None]
    return {**state, "model.24.anchors": state["model.24.anchors"] / strides}


def write_reference(
    path: Path, state: dict[str, torch.Tensor], *, first_class: str = "Conv"
) -> None:
    """A checkpoint of the reference's model classes, none of which exist here, holding `state` in half precision."""
    storages: dict[str, torch.Tensor] = {}
    root = _node("models.yolo", "DetectionModel")
    for name, tensor in state.items():
        *parents, leaf = name.split(".")
        node = root
        for depth, word in enumerate(parents):
            cls = first_class if depth == 1 and word == "0" else "Conv"
            node = node["_modules"].setdefault(word, _node("models.common", cls))
        half = tensor.half() if tensor.is_floating_point() else tensor
        node[
            "_buffers" if "running" in leaf or leaf in {"anchors", "anchor_grid"} else "_parameters"
        ][leaf] = half
    buffer = io.BytesIO()
    _Pickler(buffer, storages).dump({"epoch": -1, "ema": None, "model": _Ref(root)})
    write_archive(path, buffer.getvalue(), storages)


def _node(module: str, cls: str) -> dict:
    return {
        "class": (module, cls),
        "_parameters": collections.OrderedDict(),
        "_buffers": collections.OrderedDict(),
        "_modules": collections.OrderedDict(),
    }


class _Ref:
    def __init__(self, node: dict) -> None:
        self.node = node


# the Python one: its save_global can be told a name that does not exist
class _Pickler(pickle._Pickler):
    def __init__(self, file: io.BytesIO, storages: dict[str, torch.Tensor]) -> None:
        super().__init__(file, protocol=2)
        self.storages = storages

    def persistent_id(self, obj: object) -> object:
        return obj.pid if isinstance(obj, _Storage) else None

    def save(self, obj: object, save_persistent_id: bool = True) -> None:
        if isinstance(obj, _Ref):
            module, cls = obj.node["class"]
            self.write(pickle.GLOBAL + f"{module}\n{cls}\n".encode())
            self.save(())
            self.write(pickle.NEWOBJ)
            state = {k: v for k, v in obj.node.items() if k != "class"}
            state["_modules"] = collections.OrderedDict(
                (k, _Ref(v)) for k, v in state["_modules"].items()
            )
            self.save(state)
            self.write(pickle.BUILD)
        elif isinstance(obj, torch.Tensor):
            self._save_tensor(obj)
        elif isinstance(obj, _Global):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        else:
            super().save(obj, save_persistent_id)

    def _save_tensor(self, tensor: torch.Tensor) -> None:
        storage = torch.tensor([], dtype=tensor.dtype).set_(tensor.untyped_storage())
        key = str(len(self.storages))
        self.storages[key] = storage
        kind = {
            torch.float16: "HalfStorage",
            torch.float32: "FloatStorage",
            torch.int64: "LongStorage",
        }[tensor.dtype]
        pid = ("storage", _Global("torch", kind), key, "cpu", storage.numel())
        self.write(pickle.GLOBAL + b"torch._utils\n_rebuild_tensor_v2\n")
        order = collections.OrderedDict()
        self.save(
            (
                _Storage(pid),
                tensor.storage_offset(),
                tuple(tensor.shape),
                tuple(tensor.stride()),
                False,
                order,
            )
        )
        self.write(pickle.REDUCE)


class _Storage:
    def __init__(self, pid: tuple) -> None:
        self.pid = pid


class _Global:
    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


def write_archive(path: Path, data: bytes, storages: dict[str, torch.Tensor]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", data)
        for key, storage in storages.items():
            archive.writestr(f"model/data/{key}", storage.numpy().tobytes())
