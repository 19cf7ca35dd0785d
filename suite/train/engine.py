"""One training step after another: forward, loss, backward, and the moves of the optimiser."""

import itertools
import math
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.datasets.loading.loader import Batch
from suite.nn.detector import Detector, apply_schedules
from suite.nn.freeze import frozen_layers
from suite.spec.records.variant import Variant
from suite.train.curve import CurvePoint
from suite.train.diverged import TrainingDiverged, explain_gradient, explain_loss, first_not_finite
from suite.train.ema import Ema
from suite.train.flat import FlatState
from suite.train.losses.objective import objective
from suite.train.optim import Pace, optimizer
from suite.train.state import EngineState
from suite.train.training import Training

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# of fp16's gradients, whose scale begins at 2 ** 16: what overflows at this one overflows at any
SMALLEST_SCALE = 2.0**-10


class Engine:
    """The network, its average and the optimiser, which `step` moves on by a batch.

    Args:
        training: what is trained, how, and by how many processes; its `device` is where it happens.
        model: built from the training's variant for the classes of its data; is trained in place.

    Example:
        engine = Engine(training, build(training.variant, classes=80, seed=0))
        for number, batch in enumerate(batches):
            engine.step(number, batch)
        averaged = engine.finished()
    """

    def __init__(self, training: Training, model: Detector) -> None:
        recipe, device = training.recipe, torch.device(training.device)
        self.training, self.device = training, device
        # channels_last is worth a fifth of the step on the CPU, and four fifths of a depthwise convolution's backward
        self.model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.model.checkpointing = recipe.checkpointing
        self._seed = torch.initial_seed()
        settings = recipe.loss.scaled(
            classes=model.classes, levels=len(model.strides), image_size=training.image_size
        )
        self.loss = objective(model.head, training.variant, settings, training.group)
        _set_modes(model, training.variant)
        self.state = FlatState(model, recipe.optimizer.layer_decay)
        training.group.broadcast(self.state.values)
        self.ema = Ema(self.state.values, recipe.ema)
        self.optimizer = optimizer(self.state.groups, recipe.optimizer, batch=training.batch)
        self.precision = PRECISIONS[recipe.precision]
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision is torch.float16)
        self._forward = torch.compile(self.model) if recipe.compile else self.model
        # an accelerator is not waited for: what is not finite is seen one step later, and has moved no weight by then
        self._prompt = device.type == "cpu"
        self._unseen: tuple[int, Batch, Tensor, Tensor | None] | None = None
        self._sums = torch.zeros(3, device=device)
        self._summed = 0
        self._waiting = 0  # batches whose gradients the optimiser has not used yet
        self.best: Tensor | None = None  # the average with the best score, where one is looked for
        self.aim(training.steps)

    def aim(self, steps: int) -> None:
        """Let rates and schedules go by a run of so many batches."""
        self._steps = steps
        self._pace = Pace(self.training.recipe, steps=steps, batch=self.training.batch)

    def step(self, step: int, batch: Batch) -> None:
        """One batch forward and backward, and a move of the optimiser when enough of them have been added.

        As YOLOv5's train.py has it: warm-up and schedule decide rate, momentum and the batches that make a move;
        gradients are clipped by their norm over the whole network; the average follows each move.

        Args:
            step: number of the batch in the run, from 0.
            batch: this process's share: images (B, 3, H, W) uint8 and targets (n, 6) of the image in the batch, class,
                centre x, centre y, width, height, the last four as shares of the image.

        Raises:
            TrainingDiverged: the loss or the gradient is not finite; on an accelerator that of this step or the last.
            RuntimeError, MemoryError: the batch does not fit into memory.
        """
        apply_schedules(self.model, self.training.variant, step / self._steps)
        self.training.group.reseed(self._seed, step)
        raw = self._outputs(batch)
        total, parts = self.loss(raw, batch.targets.to(self.device))
        if self._prompt and not math.isfinite(total.item()):
            raise TrainingDiverged(step + 1, self._explain_loss(batch, parts))
        torch.autograd.backward(self.scaler.scale(total))
        self._waiting += 1
        norm = self._move(step) if self._waiting >= self._pace.accumulate(step) else None
        if not self._prompt:
            self._look_back()
            self._unseen = (step, batch, parts, norm)
        self._sums += parts
        self._summed += 1

    def point(self, step: int) -> CurvePoint:
        """The curve's point that ends with this step.

        Raises:
            TrainingDiverged: as for `step`.
        """
        self._look_back()
        if self.scaler.is_enabled() and self.scaler.get_scale() < SMALLEST_SCALE:
            raise TrainingDiverged(step + 1, "the gradient overflows fp16 by whatever it is scaled")
        box, objectness, classes = (self.training.group.total(self._sums) / self._summed).tolist()
        self._sums.zero_()
        self._summed = 0
        return CurvePoint(step + 1, box, objectness, classes, self._pace.rate(step))

    def averaged(self, progress: float) -> Detector:
        """A copy of the model with the averaged weights, in evaluation mode and with the schedules at `progress`."""
        return self._evaluated(self.ema.average, progress)

    def finished(self) -> Detector:
        """The averaged model, the one with the best score where one was looked for; the run is over with it."""
        self.state.release()
        self.model.checkpointing = False
        return self._evaluated(self.ema.average if self.best is None else self.best, 1.0)

    def snapshot(self) -> EngineState:
        """Everything that the next step depends on; its tensors are the engine's own, to be written before it."""
        on_cuda = self.device.type == "cuda"
        return EngineState(
            layout=self.state.layout,
            values=self.state.values,
            average=self.ema.average,
            sums=self._sums,
            summed=self._summed,
            updates=self.ema.updates,
            waiting=self._waiting,
            gradient=self.state.gradient if self._waiting else None,
            best=self.best,
            rest=self.state.rest,
            loss=self.loss.state(),
            optimizer={
                index: {name: x for name, x in moments.items() if isinstance(x, Tensor)}
                for index, moments in self.optimizer.state_dict()["state"].items()
            },
            scaler=self.scaler.state_dict(),
            rng_cpu=torch.get_rng_state(),
            rng_cuda=torch.cuda.get_rng_state(self.device) if on_cuda else None,
        )

    def restore(self, state: EngineState) -> None:
        """Go back to where `state` was taken.

        Raises:
            ValueError: it is of a network that is laid out differently.
        """
        if state.layout != self.state.layout:
            raise ValueError("holds a network with other tensors")
        self.state.values.copy_(state.values)
        self.ema.average.copy_(state.average)
        self._sums.copy_(state.sums)
        self._summed, self.ema.updates, self._waiting = state.summed, state.updates, state.waiting
        if state.gradient is not None:
            self.state.gradient.copy_(state.gradient)
        for name, tensor in self.state.rest.items():
            tensor.data.copy_(state.rest[name])
        self.best = None if state.best is None else state.best.to(self.device)
        self.loss.restore({name: x.to(self.device) for name, x in state.loss.items()})
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state.optimizer, "param_groups": groups})
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(dict(state.scaler))
        torch.set_rng_state(state.rng_cpu)
        if state.rng_cuda is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state.rng_cuda, self.device)

    def _outputs(self, batch: Batch) -> tuple[Tensor, ...]:
        with self._autocast():
            raw: tuple[Tensor, ...] = self._forward(self._images(batch))
        return raw

    def _images(self, batch: Batch) -> Tensor:
        pixels = batch.images.to(self.device).to(self.state.values.dtype)
        images = pixels.contiguous(memory_format=torch.channels_last).div_(255)
        if batch.size is None or batch.size == images.shape[2:]:
            return images
        return F.interpolate(images, size=batch.size, mode="bilinear", align_corners=False)

    def _move(self, step: int) -> Tensor:
        """Use up the gradients: clip, move, average. The norm of the gradient as it was."""
        self._pace.set(self.optimizer, step)
        self.training.group.all_reduce(self.state.gradient)
        self.training.group.average(self.state.buffers)
        self.scaler.unscale_(self.optimizer)
        norm: Tensor = torch.linalg.vector_norm(self.state.gradient)
        if not self.scaler.is_enabled():  # a scaled gradient overflows by design
            if not self._prompt:
                # a fused optimiser moves nothing where this is 1
                self.optimizer.found_inf = (~norm.isfinite()).float()  # type: ignore[attr-defined]
            elif not math.isfinite(norm.item()):
                raise TrainingDiverged(step + 1, explain_gradient(self.model))
        clip = self.training.recipe.optimizer.clip
        nn.utils.clip_grads_with_norm_(self.state.groups.values(), clip, norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.state.gradient.zero_()
        self.ema.update()
        self._waiting = 0
        return norm

    def _look_back(self) -> None:
        """Raise TrainingDiverged if the last step, which an accelerator has done by now, was not finite."""
        if self._unseen is None:
            return
        (step, batch, parts, norm), self._unseen = self._unseen, None
        if not parts.isfinite().all().item():
            raise TrainingDiverged(step + 1, self._explain_loss(batch, parts))
        if norm is not None and not self.scaler.is_enabled() and not norm.isfinite().item():
            self.state.gradient.zero_()
            torch.autograd.backward(
                self.loss(self._outputs(batch), batch.targets.to(self.device))[0]
            )
            raise TrainingDiverged(step + 1, explain_gradient(self.model))

    def require_finite(self, step: int) -> None:
        """Raise TrainingDiverged unless the model's numbers and their average are finite."""
        self._look_back()
        if not (self.state.values.isfinite().all() & self.ema.average.isfinite().all()).item():
            named = (*self.model.named_parameters(), *self.model.named_buffers())
            raise TrainingDiverged(
                step, f"the numbers of {first_not_finite(named) or 'the average'} are not finite"
            )

    def _explain_loss(self, batch: Batch, parts: Tensor) -> str:
        with self._autocast():
            return explain_loss(self.model, lambda: self.model(self._images(batch)), parts.tolist())

    def _evaluated(self, values: Tensor, progress: float) -> Detector:
        model = self.state.copy_with(values)
        model.checkpointing = False
        apply_schedules(model, self.training.variant, progress)
        return model.eval()

    def _autocast(self) -> AbstractContextManager[None]:
        return torch.autocast(
            self.device.type, self.precision, enabled=self.precision is not torch.float32
        )


def _set_modes(model: Detector, variant: Variant) -> None:
    """Training mode, but frozen layers in evaluation mode: else their norm statistics would go on moving."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.SiLU | nn.Hardswish | nn.Mish):
            module.inplace = False  # in place, the backward pass needs a copy of the input
    for address in itertools.chain(*frozen_layers(model, variant).values()):
        layer = model.get_submodule(address)
        layer.requires_grad_(requires_grad=False)
        layer.eval()
