"""Everything that a process shares, as far as building a network could change it."""

import os
import random
import sys
import warnings
from typing import Any

import numpy as np
import torch
from torch import nn

WATCHED = ("suite.nn.", "torch.nn.modules.")


def snapshot() -> dict[str, Any]:
    """What it is now, by name. Attributes of classes stand under the class's own name."""
    found: dict[str, Any] = {
        "default dtype": torch.get_default_dtype(),
        "torch's random state": torch.get_rng_state().numpy().tobytes(),
        "numpy's random state": str(np.random.get_state()),  # noqa: NPY002  (the state that everybody shares)
        "Python's random state": random.getstate(),
        "warning filters": list(warnings.filters),
        "gradients": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "attention's fast path": torch.backends.mha.get_fastpath_enabled(),
        "environment": dict(os.environ),
    }
    return found | {f"{cls.__module__}.{cls.__qualname__}": attributes(cls) for cls in _classes()}


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The names of what differs; a class that was not there before is no change."""
    return [name for name, value in before.items() if after[name] != value]


def attributes(cls: type) -> dict[str, int]:
    """The identity of every attribute of a class that is no machinery of Python's."""
    return {name: id(value) for name, value in vars(cls).items() if not name.startswith("__")}


def _classes() -> set[type[nn.Module]]:
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(WATCHED)]
    values = [value for module in modules for value in vars(module).values()]
    return {value for value in values if isinstance(value, type) and issubclass(value, nn.Module)}
