"""Optimiser: YOLOv5's three groups of parameters, and the rate, momentum and accumulation of each step."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from suite.train.recipe import OptimizerSettings, Recipe

Kind = Literal["bias", "weight", "norm weight"]


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that are treated alike."""

    kind: Kind
    parameters: tuple[nn.Parameter, ...]


def parameter_groups(model: nn.Module) -> tuple[Group, ...]:
    """Biases; weights and bare parameters, the only ones that decay; weights of norms. Frozen ones are left out."""
    found: dict[Kind, dict[int, nn.Parameter]] = {"bias": {}, "weight": {}, "norm weight": {}}
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad:
                found[_kind(module, name)][id(parameter)] = parameter
    return tuple(Group(kind, tuple(parameters.values())) for kind, parameters in found.items())


def optimizer(groups: Mapping[Kind, nn.Parameter], settings: OptimizerSettings, *, batch: int) -> torch.optim.Optimizer:
    """The optimiser over one flat parameter a group; every torch group carries its `kind`. Only weights decay."""
    decay = settings.decay
    if settings.nominal_batch:
        decay *= batch * accumulation(settings, batch) / settings.nominal_batch
    rows = [
        {"params": [flat], "kind": kind, "weight_decay": decay if kind == "weight" else 0.0}
        for kind, flat in groups.items()
    ]
    if settings.kind == "sgd":
        return torch.optim.SGD(rows, lr=settings.rate, momentum=settings.momentum, nesterov=True, fused=True)
    betas = (settings.momentum, settings.second_momentum)
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


FACTORS: dict[str, Callable[[float, float], float]] = {"linear": linear_factor, "cosine": cosine_factor}


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
        scheduled = self._optimizer.rate * FACTORS[self._schedule.shape](step / self._steps, self._schedule.final)
        start = self._schedule.warmup_bias_rate if kind == "bias" else 0.0
        return self._warmed(step, start, scheduled)

    def accumulate(self, step: int) -> int:
        """Batches whose gradients are added before the optimiser moves."""
        return round(self._warmed(step, 1, self._accumulation))

    def set(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        """Give each group of the optimiser the rate and momentum of this step."""
        momentum = self._warmed(step, self._schedule.warmup_momentum, self._optimizer.momentum)
        for group in optimizer.param_groups:
            group["lr"] = self.rate(step, group["kind"])
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
