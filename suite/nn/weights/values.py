"""The values of weights files: read from safetensors, and held to be numbers."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor

from suite.nn.weights.inert import WeightsError, shown


def read_safetensors(path: Path, data: bytes) -> dict[str, Tensor]:
    """The tensors of a safetensors file, whose content is `data`.

    Raises:
        WeightsError: it is none, or holds values of a kind that torch does not have.
    """
    try:
        return load_tensors(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: not a safetensors file ({shown(error)})") from error


def require_finite(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise WeightsError with the name of the first tensor of `path` that holds a NaN or an infinity."""
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise WeightsError(
            f"{path}: holds values that are no numbers in {len(broken)} tensors, first {shown(broken[0])}"
        )
