"""The memory limit: how many images a step would have room for where a batch did not fit, and how that is known."""

import gc
import resource
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import torch
from torch import Tensor

from suite.datasets.loading.loader import Batch
from suite.datasets.loading.multiscale import largest_size
from suite.machine.allocator import is_out_of_memory
from suite.nn.detector import Detector
from suite.nn.sizes import coarsest_stride
from suite.protocols import Budget
from suite.train.engine import Engine
from suite.train.process_group import SINGLE
from suite.train.recipe import Recipe
from suite.train.training import Limits, Training

BACKWARD = 1.25  # on the CPU: what the backward pass needs at most, of what the forward pass has kept for it
USABLE = 0.95  # of an accelerator's memory; the rest is lost between blocks
SHRINK = 0.95  # from one batch that is tried to the next
MEGA = 1e6


@dataclass(frozen=True, slots=True)
class BatchLimit:
    """How many `images` fit into memory, 0 for none at all, and `how` that is known."""

    images: int
    how: str


class TrainingOutOfMemory(MemoryError):  # noqa: N818 - an event, not a mistake
    """A batch did not fit into memory. `limit` says what would; nothing is ever made smaller without being asked."""

    def __init__(self, step: int, batch: Batch, limit: BatchLimit) -> None:
        count, side = batch.images.shape[0], batch.images.shape[-1]
        fits = "not even one image would fit"
        if limit.images:
            fits = f"a batch of {limit.images} would fit"
        super().__init__(
            f"step {step}: out of memory with {count} images of {side} pixels; {fits} ({limit.how})"
        )
        self.step = step
        self.limit = limit


def batch_limit(training: Training, model: Detector, batch: Batch) -> BatchLimit:
    """How many images of the batch's size fit in a step, from steps of one and of two images.

    On an accelerator their peaks are measured, and what they promise is tried; on the CPU, where nobody counts, what
    their forward passes keep is taken.
    """
    size = _largest_size(batch, model, training.recipe)
    device = torch.device(training.device)
    measure = _peak_on_accelerator if device.type == "cuda" else _kept_on_cpu

    def needs(count: int) -> int | None:
        """Bytes of a step of so many images; None where it does not fit."""
        try:
            images = _first_images(batch, count, size)
            return measure(_trial_engine(training, model, images), images)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            return None

    one, two = needs(1), needs(2)
    if one is None or two is None:
        return BatchLimit(0, "a step of two images has been tried")
    each = max(two - one, 1)
    if device.type != "cuda":
        return _limit_on_cpu(round(BACKWARD * each))
    torch.cuda.empty_cache()
    free = USABLE * _left_on_accelerator(device)
    promised = fitting(free, one - each, each)
    each_mb, free_mb = each / MEGA, free / MEGA
    return BatchLimit(
        first_that_fits(promised, lambda count: needs(count) is not None),
        f"tried; an image takes {each_mb:.1f} MB more at the peak, measured, of {free_mb:.0f} MB",
    )


def _limit_on_cpu(each: int) -> BatchLimit:
    """From the bytes that a step takes for each image."""
    free = available()
    return BatchLimit(
        fitting(free, 0, each),
        f"the forward pass keeps what an image needs, {each / MEGA:.1f} MB with the backward pass; "
        f"{free / MEGA:.0f} MB are free",
    )


def fitting(free: float, fixed: float, each: float) -> int:
    """The images that fit when each takes so many bytes and something takes `fixed` in any case."""
    return max(int((free - fixed) // each), 0)


def first_that_fits(count: int, fits: Callable[[int], bool]) -> int:
    """`count`, or the first smaller one that `fits`: what larger batches need beside their images, few do not tell."""
    while count and not fits(count):
        count = int(SHRINK * count)
    return count


def available() -> float:
    """Bytes that this process may still take: of the machine, its control group, its own limit."""
    limits = [float(psutil.virtual_memory().available)]
    process = psutil.Process()
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        limits.append(soft - process.memory_info().vms)
    group = Path("/sys/fs/cgroup")
    highest, used = group / "memory.max", group / "memory.current"
    if highest.is_file() and highest.read_text().strip().isdigit():
        limits.append(int(highest.read_text()) - int(used.read_text()))
    return min(limits)


def _left_on_accelerator(device: torch.device) -> float:
    """Bytes that this process may take of the device: what nobody else has, up to its own share."""
    index = torch.cuda.current_device() if device.index is None else device.index
    free, total = torch.cuda.mem_get_info(index)
    share = torch.cuda.get_per_process_memory_fraction(index)
    return min(free + torch.cuda.memory_reserved(index), share * total)


def _trial_engine(training: Training, model: Detector, batch: Batch) -> Engine:
    """One that moves the weights at every step, and keeps for that what the real one keeps."""
    moving = replace(training.recipe.optimizer, nominal_batch=0)
    count, side = batch.images.shape[0], batch.images.shape[-1]
    trial = replace(
        training,
        recipe=replace(training.recipe, optimizer=moving),
        budget=Budget(count, steps=2),
        limits=Limits(2),
        image_size=side,
        group=SINGLE,
    )
    return Engine(trial, model)


def _first_images(batch: Batch, count: int, size: tuple[int, int] | None) -> Batch:
    return Batch(batch.images[:count], batch.targets[batch.targets[:, 0] < count], size)


def _largest_size(batch: Batch, model: Detector, recipe: Recipe) -> tuple[int, int] | None:
    """The largest height and width at which images may ever be seen; None if sizes do not change."""
    height, width = batch.images.shape[2:]
    reach, stride = recipe.augment.multi_scale, max(32, coarsest_stride(model))
    return largest_size((height, width), reach, stride=stride) if reach else None


def _peak_on_accelerator(engine: Engine, batch: Batch) -> int:
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(engine.device)
    for step in range(2):  # the optimiser's own state is there from the second on
        engine.step(step, batch)
    return torch.cuda.max_memory_allocated(engine.device)


def _kept_on_cpu(engine: Engine, batch: Batch) -> int:
    """Bytes of the different tensors that the forward pass keeps for the backward pass."""
    kept: dict[int, int] = {}
    weights = engine.state.values.untyped_storage().data_ptr()

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() != weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    def same(tensor: Tensor) -> Tensor:
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, same):
        engine.step(0, batch)
    return sum(kept.values())
