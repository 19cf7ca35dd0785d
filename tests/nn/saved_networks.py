"""Files as torch writes them of networks whose classes are not here, made from modules that are named like theirs."""

import sys
import types
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

DETECTOR: Mapping[str, str] = {"": "models.yolo.DetectionModel", "model": "torch.nn.Sequential"}
_CLASSES: dict[str, type] = {}


def class_of(name: str, base: type = nn.Module) -> type:
    """An empty class that says it is `name`, such as "models.common.Conv"; the same one each time."""
    if name.startswith("torch."):
        return getattr(nn, name.rpartition(".")[2])  # type: ignore[no-any-return]
    if name not in _CLASSES:
        module, _, cls = name.rpartition(".")
        _CLASSES[name] = type(cls, (base,), {"__module__": module})
    return _CLASSES[name]


def network(
    state: Mapping[str, Tensor], kinds: Mapping[str, str] = DETECTOR, **attributes: object
) -> nn.Module:
    """Modules that hold `state`, in half precision as YOLOv5 saves them; `kinds` are their classes by path."""
    kinds = {**DETECTOR, **kinds}
    root: nn.Module = class_of(kinds[""])()
    for name, tensor in state.items():
        *path, leaf = name.split(".")
        node, walked = root, ""
        for word in path:
            walked = f"{walked}.{word}".lstrip(".")
            if word not in node._modules:
                node.add_module(word, class_of(kinds.get(walked, "models.common.Conv"))())
            node = node._modules[word]  # type: ignore[assignment]
        if leaf in {"weight", "bias"}:
            node.register_parameter(leaf, nn.Parameter(tensor.clone(), requires_grad=False))
        else:
            node.register_buffer(leaf, tensor.clone())
    for key, value in attributes.items():
        setattr(root, key, value)
    return root.half()


def write(path: Path, content: object, *, legacy: bool = False) -> Path:
    """As torch.save does, in the form of torch before 1.6 if `legacy`."""
    with _importable(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for the source of the classes
        torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


@contextmanager
def _importable() -> Iterator[None]:
    """pickle looks for every class where it says that it is."""
    made: dict[str, Any] = {}
    for name, cls in _CLASSES.items():
        parts = name.split(".")[:-1]
        for depth in range(1, len(parts) + 1):
            made.setdefault(".".join(parts[:depth]), types.ModuleType(".".join(parts[:depth])))
        setattr(made[".".join(parts)], cls.__name__, cls)
    before = {name: sys.modules.get(name) for name in made}
    sys.modules.update(made)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
