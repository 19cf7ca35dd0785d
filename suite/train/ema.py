"""Exponential moving average of a model's weights and norm statistics: what is evaluated and kept."""

import math

import torch
from torch import Tensor

from suite.train.recipe import EmaSettings


def ema_decay(settings: EmaSettings, update: int) -> float:
    """Share of the old average that the `update`-th update, counted from 1, keeps."""
    return (
        settings.decay * (1 - math.exp(-update / settings.ramp))
        if settings.ramp
        else settings.decay
    )


class Ema:
    """The average of one flat tensor of numbers, which starts at their present values; `updates` so many were made."""

    def __init__(self, values: Tensor, settings: EmaSettings) -> None:
        self.average = values.clone()
        self.updates = 0
        self._values = values
        self._settings = settings

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the values."""
        self.updates += 1
        self.average.lerp_(self._values, 1 - ema_decay(self._settings, self.updates))
