"""Optimiser: YOLOv5's three groups of parameters, and the rate, momentum and accumulation of each step."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import nn

from suite.nn.network import Detector
from suite.train.recipe import OptimizerSettings, Recipe

Kind = Literal["bias", "weight", "norm weight"]
Treatment = tuple[Kind, float]  # what it is, and what its learning rate is multiplied by


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that are treated alike; `factor` multiplies their learning rate."""

    kind: Kind
    parameters: tuple[nn.Parameter, ...]
    factor: float = 1.0

    @property
    def treatment(self) -> Treatment:
        """What tells the group from the others."""
        return self.kind, self.factor


def parameter_groups(model: nn.Module, layer_decay: float = 1.0) -> tuple[Group, ...]:
    """Biases; weights and bare parameters, the only ones that decay; weights of norms. Frozen ones are left out.

    With a `layer_decay` below 1, which only a Detector can have, each of the three is split by the stages of the
    backbone: neck and head learn at the full rate, the backbone's last stage at `layer_decay` of it, the stage before
    at its square, and so on. A layer with outputs of several stages counts as of its last.
    """
    factors = _factors(model, layer_decay) if layer_decay != 1 else {}
    groups: dict[Treatment, dict[int, nn.Parameter]] = {(kind, 1.0): {} for kind in get_args(Kind)}
    seen: set[int] = set()
    for path, module in model.named_modules():
        factor = factors.get(".".join(path.split(".")[:2]), 1.0)
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad and id(parameter) not in seen:
                seen.add(id(parameter))
                groups.setdefault((_kind(module, name), factor), {})[id(parameter)] = parameter
    return tuple(
        Group(kind, tuple(members.values()), factor) for (kind, factor), members in groups.items()
    )


def optimizer(
    groups: Mapping[Treatment, nn.Parameter], settings: OptimizerSettings, *, batch: int
) -> torch.optim.Optimizer:
    """The optimiser over one flat parameter a group; every torch group carries its `kind` and its `factor`."""
    decay = settings.decay
    if settings.nominal_batch:
        decay *= batch * accumulation(settings, batch) / settings.nominal_batch
    rows = [
        {
            "params": [flat],
            "kind": kind,
            "factor": factor,
            "weight_decay": decay if kind == "weight" else 0.0,
        }
        for (kind, factor), flat in groups.items()
    ]
    if settings.kind == "sgd":
        return torch.optim.SGD(
            rows, lr=settings.rate, momentum=settings.momentum, nesterov=True, fused=True
        )
    betas = (settings.momentum, settings.second_momentum)
    if settings.kind == "adam":
        return torch.optim.Adam(rows, lr=settings.rate, betas=betas, fused=True)
    return torch.optim.AdamW(rows, lr=settings.rate, betas=betas, fused=True)


def accumulation(settings: OptimizerSettings, batch: int) -> int:
    """Batches that make up the nominal one."""
    return max(round(settings.nominal_batch / batch), 1)


def linear_factor(progress: float, final: float) -> float:
    """From 1 at progress 0 straight to `final` at 1."""
    return (1 - progress) * (1 - final) + final


def cosine_factor(progress: float, final: float) -> float:
    """From 1 at progress 0 along half a cosine to `final` at 1 (arXiv 1812.01187)."""
    return (1 - math.cos(math.pi * progress)) / 2 * (final - 1) + 1


FACTORS: dict[str, Callable[[float, float], float]] = {
    "linear": linear_factor,
    "cosine": cosine_factor,
}


class Pace:
    """Rate, momentum and accumulation of each step of a run of `steps` batches."""

    def __init__(self, recipe: Recipe, *, steps: int, batch: int) -> None:
        self._optimizer = recipe.optimizer
        self._schedule = recipe.schedule
        self._steps = steps
        self._accumulation = accumulation(recipe.optimizer, batch)
        self.warmup = max(recipe.schedule.warmup_steps, round(recipe.schedule.warmup_share * steps))

    def rate(self, step: int, kind: Kind = "weight") -> float:
        """Learning rate of the 0-based step: biases may come down to the schedule, all others rise to it."""
        scheduled = self._optimizer.rate * FACTORS[self._schedule.shape](
            step / self._steps, self._schedule.final
        )
        start = self._schedule.warmup_bias_rate if kind == "bias" else 0.0
        return self._warmed(step, start, scheduled)

    def accumulate(self, step: int) -> int:
        """Batches whose gradients are added before the optimiser moves."""
        return round(self._warmed(step, 1, self._accumulation))

    def set(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        """Give each group of the optimiser the rate and momentum of this step."""
        momentum = self._warmed(step, self._schedule.warmup_momentum, self._optimizer.momentum)
        for group in optimizer.param_groups:
            group["lr"] = self.rate(step, group["kind"]) * group["factor"]
            if "momentum" in group:
                group["momentum"] = momentum
            else:
                group["betas"] = (momentum, group["betas"][1])

    def _warmed(self, step: int, start: float, end: float) -> float:
        return end if step >= self.warmup else start + (end - start) * step / self.warmup


def _kind(module: nn.Module, name: str) -> Kind:
    if name == "bias":
        return "bias"
    return "norm weight" if name == "weight" and "Norm" in type(module).__name__ else "weight"


def _factors(model: nn.Module, layer_decay: float) -> dict[str, float]:
    """What the rate of each layer of the backbone is multiplied by, by the layer's address."""
    assert isinstance(model, Detector)
    backbone = [node for node in model.graph if node.part == "backbone"]
    stages = sorted({node.stride for node in backbone}, reverse=True)
    return {node.address: layer_decay ** (1 + stages.index(node.stride)) for node in backbone}
