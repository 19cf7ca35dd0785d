"""One process of a group that takes the training step of a test and writes its gradient down; started by the test."""

import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from suite.datasets.loading.loader import Batch
from suite.nn.detector import build
from suite.spec.library import Library
from suite.spec.records.objective import Loss
from suite.spec.records.variant import Variant
from suite.train.engine import Engine
from suite.train.process_group import ProcessGroup, joined_group
from suite.train.recipe import recipe
from tests.train.trainings import training_of

SIZE, CLASSES, IMAGES, STEPS = 64, 3, 4, 2
CASES = {
    "yolov5": ("yolov5p", Loss()),
    "autobalance": ("yolov5p", Loss()),
    "wiou_v3": ("yolov5p", Loss(box="wiou_v3")),
    "simota": ("tiny_decoupled", Loss()),
}


def gradients(case: str, group: ProcessGroup) -> dict[str, Tensor]:
    """The whole batch's gradient of every step, in float64 and with the statistics of the norms as they are."""
    engine = engine_of(case, group)
    for module in engine.model.modules():
        if "Norm" in type(module).__name__:
            module.eval()
    found = {}
    for step in range(STEPS):
        engine.state.gradient.zero_()
        batch = share_of(batch_of(step), group)
        total, _ = engine.loss(engine.model(batch.images.double() / 255), batch.targets.double())
        total.backward()
        group.all_reduce(engine.state.gradient)
        found[f"{case}.{step}"] = engine.state.gradient.clone()
    return found


def engine_of(case: str, group: ProcessGroup) -> Engine:
    """A training of the case that has not begun."""
    name, loss = CASES[case]
    variant: Variant = replace(Library().load(name), loss=loss)
    tiny = recipe("tiny")
    chosen = replace(tiny, loss=replace(tiny.loss, autobalance=case == "autobalance"))
    model = build(variant, CLASSES, seed=0).double()
    training = training_of(variant, chosen, batch=IMAGES, image_size=SIZE, steps=9, group=group)
    return Engine(training, model)


def batch_of(step: int) -> Batch:
    """Four images, of which the first half has many objects and the other few."""
    generator = torch.Generator().manual_seed(step)
    images = torch.randint(0, 256, (IMAGES, 3, SIZE, SIZE), dtype=torch.uint8, generator=generator)
    image = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 3], dtype=torch.float32)[:, None]
    label = torch.randint(0, CLASSES, (len(image), 1), generator=generator).float()
    places = torch.rand(len(image), 2, generator=generator) * 0.6 + 0.2
    sides = torch.rand(len(image), 2, generator=generator) * 0.4 + 0.1
    return Batch(images, torch.cat((image, label, places, sides), 1))


def share_of(batch: Batch, group: ProcessGroup) -> Batch:
    """The images of one process and their targets."""
    count = IMAGES // group.size
    first = group.rank * count
    own = (batch.targets[:, 0] >= first) & (batch.targets[:, 0] < first + count)
    targets = batch.targets[own]
    targets[:, 0] -= first
    return Batch(batch.images[first : first + count], targets)


def values_after(steps: int, group: ProcessGroup) -> Tensor:
    """All numbers of a network after so many whole steps, norms as in training."""
    torch.manual_seed(0)
    engine = engine_of("yolov5", group)
    for step in range(steps):
        engine.step(step, share_of(batch_of(step), group))
    return engine.state.values.clone()


if __name__ == "__main__":
    with joined_group("cpu") as (mine, _):
        tensors = {name: found for case in CASES for name, found in gradients(case, mine).items()}
        tensors["values"] = values_after(STEPS, mine)
        save_file(tensors, Path(sys.argv[1]) / f"{mine.rank}.safetensors")
