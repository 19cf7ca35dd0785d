"""One training step after another: forward, loss, backward, and the moves of the optimiser."""

import itertools
import math
from collections.abc import Mapping
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.datasets.loading.loader import Batch
from suite.nn.detector import Detector, apply_schedules
from suite.nn.freeze import frozen_layers
from suite.record import Json
from suite.spec.records.variant import Variant
from suite.train.curve import CurvePoint
from suite.train.diverged import TrainingDiverged, explain_gradient, explain_loss, first_not_finite
from suite.train.ema import Ema
from suite.train.flat import FlatState
from suite.train.losses.objective import objective
from suite.train.optim import Pace, optimizer
from suite.train.process_group import SINGLE, ProcessGroup
from suite.train.recipe import Recipe

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
SMALLEST_SCALE = (
    2.0**-10
)  # of fp16's gradients, which begins at 2 ** 16: what overflows here overflows always


class Engine:
    """All that lives as long as a training does.

    Args:
        model: is trained in place.
        variant: its `freeze` and `schedules` are carried out here.
        recipe: everything else that decides the weights.
        batch: images a step.
        image_size: side in pixels that the gains of the loss go by.
        steps: batches of the whole run.
        device: where it happens.
        group: the processes that share each batch; `batch` is that of all of them.
    """

    def __init__(
        self,
        model: Detector,
        variant: Variant,
        recipe: Recipe,
        *,
        batch: int,
        image_size: int,
        steps: int,
        device: torch.device,
        group: ProcessGroup = SINGLE,
    ) -> None:
        # channels_last is worth a fifth of the step on the CPU, and four fifths of a depthwise convolution's backward
        self.model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.model.checkpointing = recipe.checkpointing
        self.variant, self.recipe, self.device = variant, recipe, device
        self.batch, self.image_size = batch, image_size
        self.group, self._seed = group, torch.initial_seed()
        settings = recipe.loss.scaled(
            classes=model.classes, levels=len(model.strides), image_size=image_size
        )
        self.loss = objective(model.head, variant, settings, group)
        _set_modes(model, variant)
        self.state = FlatState(model, recipe.optimizer.layer_decay)
        group.broadcast(self.state.values)
        self.ema = Ema(self.state.values, recipe.ema)
        self.optimizer = optimizer(self.state.groups, recipe.optimizer, batch=batch)
        self.precision = PRECISIONS[recipe.precision]
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision is torch.float16)
        self._forward = torch.compile(self.model) if recipe.compile else self.model
        # an accelerator is not waited for: what is not finite is found one step later, and has moved no weight by then
        self._prompt = device.type == "cpu"
        self._unseen: tuple[int, Batch, Tensor, Tensor | None] | None = None
        self._sums = torch.zeros(3, device=device)
        self._summed = 0
        self._waiting = 0  # batches whose gradients the optimiser has not used yet
        self.best: Tensor | None = None  # the average with the best score, where one is looked for
        self.aim(steps)

    def aim(self, steps: int) -> None:
        """Let rates and schedules go by a run of so many batches."""
        self._steps = steps
        self._pace = Pace(self.recipe, steps=steps, batch=self.batch)

    def step(self, step: int, batch: Batch) -> None:
        """One batch forward and backward, and a move of the optimiser when enough of them have been added.

        Raises:
            TrainingDiverged: the loss or the gradient is not finite; on an accelerator that of this step or the last.
        """
        apply_schedules(self.model, self.variant, step / self._steps)
        self.group.reseed(self._seed, step)
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
        box, objectness, classes = (self.group.total(self._sums) / self._summed).tolist()
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

    def tensors(self) -> dict[str, Tensor]:
        """Every number that the next step depends on; views, to be written before it."""
        found = {
            "values": self.state.values,
            "average": self.ema.average,
            "sums": self._sums,
            "rng.cpu": torch.get_rng_state(),
            **{f"rest.{name}": tensor for name, tensor in self.state.rest.items()},
            **{f"loss.{name}": tensor for name, tensor in self.loss.state().items()},
        }
        if self._waiting:
            found["gradient"] = self.state.gradient
        if self.best is not None:
            found["best"] = self.best
        if self.device.type == "cuda":
            found["rng.cuda"] = torch.cuda.get_rng_state(self.device)
        for index, values in self.optimizer.state_dict()["state"].items():
            found |= {
                f"optimizer.{index}.{name}": x
                for name, x in values.items()
                if isinstance(x, Tensor)
            }
        return found

    def facts(self) -> dict[str, Json]:
        """The same, of what is no tensor."""
        return {
            "batch": self.batch,
            "image_size": self.image_size,
            "layout": self.state.layout,
            "updates": self.ema.updates,
            "summed": self._summed,
            "waiting": self._waiting,
            "scaler": self.scaler.state_dict(),
        }

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Json]) -> None:
        """Go back to where `tensors` and `facts` were taken.

        Raises:
            ValueError: they are of a network that is laid out differently.
        """
        if facts["layout"] != self.state.layout:
            raise ValueError("holds a network with other tensors")
        self.state.values.copy_(tensors["values"])
        self.ema.average.copy_(tensors["average"])
        self._sums.copy_(tensors["sums"])
        for name, tensor in self.state.rest.items():
            tensor.data.copy_(tensors[f"rest.{name}"])
        if "gradient" in tensors:
            self.state.gradient.copy_(tensors["gradient"])
        self.best = tensors["best"].to(self.device) if "best" in tensors else None
        self.loss.restore(
            {
                n.removeprefix("loss."): t.to(self.device)
                for n, t in tensors.items()
                if n[:5] == "loss."
            }
        )
        self._restore_optimizer(tensors)
        self.ema.updates, self._summed, self._waiting = (
            int(str(facts[name])) for name in ("updates", "summed", "waiting")
        )
        assert isinstance(facts["scaler"], dict)
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(facts["scaler"])
        torch.set_rng_state(tensors["rng.cpu"])
        if "rng.cuda" in tensors and self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["rng.cuda"], self.device)

    def _restore_optimizer(self, tensors: Mapping[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                state.setdefault(int(index), {})[key] = tensor
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})

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
        self.group.all_reduce(self.state.gradient)
        self.group.average(self.state.buffers)
        self.scaler.unscale_(self.optimizer)
        norm: Tensor = torch.linalg.vector_norm(self.state.gradient)
        if not self.scaler.is_enabled():  # a scaled gradient overflows by design
            if not self._prompt:
                self.optimizer.found_inf = (~norm.isfinite()).float()  # type: ignore[attr-defined]  # then nothing moves
            elif not math.isfinite(norm.item()):
                raise TrainingDiverged(step + 1, explain_gradient(self.model))
        nn.utils.clip_grads_with_norm_(self.state.groups.values(), self.recipe.optimizer.clip, norm)
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
        apply_schedules(model, self.variant, progress)
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
