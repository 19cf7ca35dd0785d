"""The training loop: one model, one device, a fixed number of batches."""

import itertools
import math
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import nn

from suite.datasets.loader import Batch
from suite.nn.detector import Detector, apply_schedules
from suite.spec.variant import Part, Variant
from suite.train.diverged import TrainingDiverged, explain_gradient, explain_loss
from suite.train.ema import Ema
from suite.train.flat import FlatState
from suite.train.kernels import fast_pointwise
from suite.train.memory import keep_freed_memory
from suite.train.objective import objective
from suite.train.optim import Pace, optimizer
from suite.train.recipe import Recipe

WINDOW = 10  # steps that one point of the curve averages

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Means over the `WINDOW` steps that end with `step` (counted from 1), not multiplied by the batch size."""

    step: int
    box: float
    obj: float
    cls: float
    lr: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; told after every point of the curve."""

    step: int
    steps: int
    seconds: float
    point: CurvePoint


@dataclass(frozen=True, slots=True)
class Trained:
    """The averaged model in evaluation mode, the curve, and the wall time of the loop."""

    ema_model: Detector
    curve: tuple[CurvePoint, ...]
    seconds: float


def train(
    model: Detector,
    variant: Variant,
    batches: Iterable[Batch],
    recipe: Recipe,
    *,
    steps: int,
    seed: int = 0,
    on_step: Callable[[Progress], None] | None = None,
    device: str = "cpu",
) -> Trained:
    """Train `model` in place on the first `steps` batches.

    The same seed, model, batches, device and number of threads give the same weights bit for bit on the CPU.

    Args:
        model: built for the classes of the data.
        variant: what the model was built from; its `freeze` and `schedules` are carried out here.
        batches: at least `steps` of them, all of one image size and batch size.
        recipe: everything else that decides the weights.
        steps: batches, not moves of the optimiser.
        seed: of what is drawn while training, such as stochastic depth.
        on_step: told about every point of the curve.
        device: of torch, such as "cpu" or "cuda:0".

    Raises:
        TrainingDiverged: loss or gradient stopped being finite.
        ValueError: there are fewer batches than steps.
    """
    keep_freed_memory()
    torch.manual_seed(seed)
    stream = iter(batches)
    first = next(stream, None)  # tells the sizes
    if first is None:
        raise ValueError(f"the data ended after 0 of {steps} steps; give at least one batch a step")
    run = _Run(model, variant, recipe, first=first, steps=steps, device=torch.device(device))
    start = time.perf_counter()
    curve = []
    with fast_pointwise(model, batch=first.images.shape[0], image_size=first.images.shape[-1]):
        for step, batch in enumerate(itertools.islice(itertools.chain((first,), stream), steps)):
            run.step(step, batch)
            if (step + 1) % WINDOW == 0 or step + 1 == steps:
                curve.append(run.point(step))
                if on_step is not None:
                    on_step(Progress(step + 1, steps, time.perf_counter() - start, curve[-1]))
    if run.steps_done < steps:
        raise ValueError(f"the data ended after {run.steps_done} of {steps} steps; give at least one batch a step")
    return Trained(run.averaged(), tuple(curve), time.perf_counter() - start)


class _Run:
    """All that lives as long as the loop does."""

    def __init__(
        self, model: Detector, variant: Variant, recipe: Recipe, *, first: Batch, steps: int, device: torch.device
    ) -> None:
        size, image_size = first.images.shape[0], first.images.shape[-1]
        # channels_last is worth a fifth of the step on the CPU, and four fifths of a depthwise convolution's backward
        self.model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.variant, self.steps, self.device = variant, steps, device
        settings = recipe.loss.scaled(classes=model.classes, levels=len(model.strides), image_size=image_size)
        self.loss = objective(model.head, variant, settings)
        _set_modes(model, variant.freeze)
        self.state = FlatState(model)
        self.ema = Ema(self.state.values, recipe.ema)
        self.pace = Pace(recipe, steps=steps, batch=size)
        self.optimizer = optimizer(self.state.groups, recipe.optimizer, batch=size)
        self.clip = recipe.optimizer.clip
        self.precision = PRECISIONS[recipe.precision]
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision is torch.float16)
        # an accelerator is not waited for at every step, and scaled gradients overflow by design: the curve notices
        self.watched = device.type == "cpu" and not self.scaler.is_enabled()
        self.sums = torch.zeros(3, device=device)
        self.summed = 0
        self.waiting = 0  # batches whose gradients the optimiser has not used yet
        self.steps_done = 0

    def step(self, step: int, batch: Batch) -> None:
        """One batch forward and backward, and a move of the optimiser when enough of them have been added."""
        apply_schedules(self.model, self.variant, step / self.steps)
        images = batch.images.to(self.device).float().contiguous(memory_format=torch.channels_last).mul_(1 / 255)
        with self._autocast():
            raw = self.model(images)
        total, parts = self.loss(raw, batch.targets.to(self.device))
        if self.watched and not math.isfinite(total.item()):
            raise TrainingDiverged(step + 1, explain_loss(self.model, images, parts.tolist()))
        torch.autograd.backward(self.scaler.scale(total))
        self.waiting += 1
        if self.waiting >= self.pace.accumulate(step):
            self._move(step)
        self.sums += parts
        self.summed += 1
        self.steps_done = step + 1

    def point(self, step: int) -> CurvePoint:
        """The curve's point that ends with this step."""
        box, objectness, classes = (self.sums / self.summed).tolist()
        if not math.isfinite(box + objectness + classes):
            what = explain_loss(self.model, torch.zeros(1, 3, 64, 64, device=self.device), (box, objectness, classes))
            raise TrainingDiverged(step + 1, f"within the last {self.summed} steps {what}")
        self.sums.zero_()
        self.summed = 0
        return CurvePoint(step + 1, box, objectness, classes, self.pace.rate(step))

    def averaged(self) -> Detector:
        """The averaged model, in evaluation mode and at the end of its schedules; the run is over with it."""
        self.state.release()
        model = self.state.copy_with(self.ema.average)
        apply_schedules(model, self.variant, 1.0)
        return model.eval()

    def _move(self, step: int) -> None:
        self.pace.set(self.optimizer, step)
        self.scaler.unscale_(self.optimizer)
        norm = self.state.gradient.norm()
        if self.watched and not math.isfinite(norm.item()):
            raise TrainingDiverged(step + 1, explain_gradient(self.model))
        nn.utils.clip_grads_with_norm_(self.state.groups.values(), self.clip, norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.state.gradient.zero_()
        self.ema.update()
        self.waiting = 0

    def _autocast(self) -> AbstractContextManager[None]:
        return torch.autocast(self.device.type, self.precision, enabled=self.precision is not torch.float32)


def _set_modes(model: Detector, freeze: tuple[Part, ...]) -> None:
    """Training mode, but frozen parts in evaluation mode: else their norm statistics would go on moving."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.SiLU | nn.Hardswish | nn.Mish):
            module.inplace = False  # in place, the backward pass needs a copy of the input
    for name in freeze:
        part = model.get_submodule(name)
        part.requires_grad_(requires_grad=False)
        part.eval()
