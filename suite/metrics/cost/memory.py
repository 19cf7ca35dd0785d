"""How much memory one pass, or one training step, needs at its worst moment: estimated on the meta device.

A pass needs the weights of the deployed form, and what eager PyTorch holds at once from the images to the
decoded boxes (`suite.metrics.cost.maps`: tensors come and go on the meta device as they would). A training
step needs the weights, as many numbers again for each of: gradients, the optimiser's one (SGD) or two (Adam)
moments, the averaged model; and the maps that the backward pass still wants, found by sending a batch forward
and backward on the meta device with one gradient for each of the head's maps in the place of a loss. With
bf16 or fp16 in training weights and what belongs to them stay fp32, maps are half as large, and a half-size
copy of the weights is kept for the pass.

Left out, because no network decides it: what the libraries keep (a CUDA context, workspaces of cuDNN and oneDNN, the
fragments of an allocator), the pictures waiting in a loader, and the loss itself.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from suite.metrics.cost.forms import Forms, blank
from suite.metrics.cost.maps import TrainingMaps
from suite.metrics.cost.recorder import Recorder
from suite.nn.network import Detector
from suite.nn.sizes import require_image_size

MOMENTS = {"sgd": 1, "adam": 2, "adamw": 2}  # numbers that the optimiser keeps for each parameter
MOST = 1 << 16  # images in a batch


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes at the worst moment: parameters and buffers, what training keeps beside them, and maps."""

    weights: int
    state: int
    maps: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.weights + self.state + self.maps


def inference(forms: Forms, image_size: int, batch: int, precision: str = "fp32") -> Estimate:
    """What a pass of the deployed form needs."""
    require_image_size(forms.trained, image_size)
    model = _in_precision(forms.deployed, precision)
    images = blank(image_size, batch).to(_dtype(precision))
    maps = TrainingMaps((*model.parameters(), *model.buffers()))
    with torch.no_grad(), Recorder(maps):
        model.predict(images)
    return Estimate(_size(model), 0, maps.most)


def training(
    forms: Forms, image_size: int, batch: int, precision: str = "fp32", *, optimizer: str = "sgd"
) -> Estimate:
    """What a training step needs once the optimiser has moved; `optimizer` is a key of MOMENTS."""
    require_image_size(forms.trained, image_size)
    weights = _size(forms.trained)
    trainable = 4 * sum(p.numel() for p in forms.trained.parameters())
    frozen = sum(
        4 * p.numel()
        for part in forms.variant.freeze
        for p in forms.trained.get_submodule(part).parameters()
    )
    state = (1 + MOMENTS[optimizer]) * (trainable - frozen) + weights
    model = _in_precision(forms.trained, precision)
    for part in forms.variant.freeze:
        model.get_submodule(part).requires_grad_(requires_grad=False)
    held = held_by_step(model, blank(image_size, batch).to(_dtype(precision)))
    return Estimate(weights, state + (0 if precision == "fp32" else _size(model)), held)


def held_by_step(model: nn.Module, images: Tensor) -> int:
    """The bytes that a pass forward and backward holds at its worst moment, without weights and their gradients.

    `model` gives a tuple of maps, is on the meta device, and is changed: hand over a copy.
    """
    model.train()
    for module in model.modules():
        if isinstance(module, nn.SiLU | nn.Hardswish | nn.Mish):
            module.inplace = False  # as the training loop has them
    for parameter in model.parameters():
        parameter.grad = torch.empty_like(parameter) if parameter.requires_grad else None
    known = [
        *model.parameters(),
        *model.buffers(),
        *(p.grad for p in model.parameters() if p.grad is not None),
    ]
    maps = TrainingMaps(known)
    with Recorder(maps):
        levels = model(images)
        torch.autograd.backward(levels, [torch.empty_like(level) for level in levels])
    return maps.most


def largest_batch(total: Callable[[int], int], budget: int, *, start: int = 1) -> int:
    """The largest batch that needs no more than `budget` bytes; 0 where none fits.

    `total` says what a batch needs, and rises with it. As it is nearly a straight line, a few trials are enough.
    """
    fits, fails, trial = 0, MOST + 1, start
    tried: list[tuple[int, int]] = []
    while fails - fits > 1:
        needed = total(trial)
        fits, fails = (trial, fails) if needed <= budget else (fits, trial)
        tried.append((trial, needed))
        middle = (fits + fails) // 2 if len(tried) % 4 == 0 else _guess(tried, budget)
        trial = min(max(middle, fits + 1), fails - 1)
    return fits


def _guess(tried: list[tuple[int, int]], budget: int) -> int:
    """Where a straight line through the last two trials meets the budget."""
    (before, low), (last, high) = tried[-2:] if len(tried) > 1 else [(0, 0), *tried]
    slope = (high - low) / (last - before)
    return int(last + (budget - high) / slope) if slope > 0 else 2 * last


def _dtype(precision: str) -> Any:
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def _in_precision(model: Detector, precision: str) -> Detector:
    return copy.deepcopy(model).to(_dtype(precision))


def _size(model: nn.Module) -> int:
    """Bytes of parameters and buffers."""
    return sum(
        tensor.numel() * tensor.element_size() for tensor in (*model.parameters(), *model.buffers())
    )
