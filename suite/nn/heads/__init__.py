"""Heads turn the neck's maps into predictions. Each owns its decoding, its priors and its first biases."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn


class Head(nn.Module, ABC):
    """What the suite asks of every head.

    `assigners` are those that can train it; they are read from the source, so a head with others than YOLOv5's states
    them itself, as a tuple of words. `per_level` is the number of predictions of a cell.
    """

    assigners: ClassVar[tuple[str, ...]] = ("yolov5",)
    classes: int
    strides: tuple[int, ...]  # pixels a cell, one a level
    per_level: int

    @abstractmethod
    def decode(self, raw: Sequence[Tensor]) -> Tensor:
        """Raw maps to (B, N, 5 + classes): centre x, y, width, height in pixels, objectness, class scores."""


class AnchorFreeHead(Head):
    """A head that SimOTA can train: it decodes its boxes for the loss too."""

    assigners: ClassVar[tuple[str, ...]] = ("simota",)

    @abstractmethod
    def predictions(self, raw: Sequence[Tensor]) -> "Predictions":
        """Raw maps to boxes, logits and priors, in single precision at least."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What an assigner that looks at predictions sees: decoded boxes, logits, priors; N over all levels."""

    boxes: Tensor  # (B, N, 4) centre, width, height in pixels
    objectness: Tensor  # (B, N) before the sigmoid
    classes: Tensor  # (B, N, classes) before the sigmoid
    centres: Tensor  # (N, 2) of the cells, in pixels
    strides: Tensor  # (N,) pixels
    size: tuple[int, int]  # width and height of the image, in pixels


def cells(level: Tensor) -> Tensor:
    """(rows, columns, 2) column and row of every cell of a raw map (B, predictions, rows, columns, ...)."""
    rows, columns = level.shape[2:4]
    y, x = torch.meshgrid(
        torch.arange(rows, device=level.device, dtype=level.dtype),
        torch.arange(columns, device=level.device, dtype=level.dtype),
        indexing="ij",
    )
    return torch.stack((x, y), -1)
