"""The fill rule of tests/golden/yolov5/README.md: every value follows from its name."""

import hashlib
import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from suite.nn.network import Detector
from suite.nn.weights.reference import from_reference, reference_names

GOLDEN = Path(__file__).parents[1] / "golden" / "yolov5"
LEFT_AS_BUILT = ("anchors", "anchor_grid", "num_batches_tracked")
SEED = 20230517


def golden(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
    return document


def uniform(key: str, shape: tuple[int, ...]) -> np.ndarray:
    count = math.prod(shape)
    raw = np.random.PCG64([SEED, zlib.crc32(key.encode())]).random_raw(count)
    return ((raw >> np.uint64(11)) * 2.0**-53).reshape(shape)


def filled_value(key: str, shape: tuple[int, ...]) -> np.ndarray:
    u = uniform(key, shape)
    if key.endswith("running_mean"):
        value = 0.2 * (u - 0.5)
    elif key.endswith("running_var"):
        value = 0.75 + 0.5 * u
    elif len(shape) >= 2:
        value = (2 * u - 1) * 2.6 / math.sqrt(math.prod(shape[1:]))
    elif key.endswith("weight"):
        value = 0.75 + 0.5 * u
    else:
        value = 0.4 * (u - 0.5)
    return value.astype(np.float32)


def fill(model: Detector) -> str:
    """Fill `model` through the mapping of names; the SHA-256 of the values in the order of the reference's names."""
    ours = model.state_dict()
    state: dict[str, torch.Tensor] = {}
    hashed = hashlib.sha256()
    for theirs, names in _whole_tensors(model).items():
        shape = ours[names[0]].shape
        if theirs.endswith(LEFT_AS_BUILT):
            state[theirs] = ours[names[0]].clone()
            continue
        value = filled_value(theirs, (len(names) * shape[0], *shape[1:]))
        hashed.update(value.astype("<f4").tobytes())
        state[theirs] = torch.from_numpy(value)
    anchors = reference_names(model)["head.anchors"]
    state[anchors] /= torch.tensor(model.strides)[:, None, None]
    model.load_state_dict(from_reference(model, state))
    return hashed.hexdigest()


def _whole_tensors(model: Detector) -> dict[str, list[str]]:
    """The reference's names, each with ours: several, where the reference has one tensor for query, key and value."""
    found: dict[str, list[str]] = {}
    for name, theirs in reference_names(model).items():
        whole, _, part = theirs.rpartition(".")
        found.setdefault(whole if "in_proj" in theirs and part.isdigit() else theirs, []).append(
            name
        )
    return found


def image(shape: str) -> torch.Tensor:
    size = tuple(int(n) for n in shape.split("x"))
    return torch.from_numpy(uniform(f"input:{shape}", size).astype(np.float32))


def statistic(x: torch.Tensor) -> tuple[list[int], float, float, float]:
    wide = x.double()
    return list(x.shape), wide.mean().item(), wide.std(correction=0).item(), wide.abs().max().item()
