"""Trainings of tests: the record from what a test cares about, and the loop on batches that it made."""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from suite.datasets.formats.forms import read_split
from suite.datasets.loading.loader import Batch
from suite.datasets.split import Category, Split
from suite.jobs import Reporter
from suite.jobs.budget import allowance
from suite.jobs.train import Evaluated, train_and_evaluate
from suite.jobs.validation import Validation
from suite.nn.detector import Detector
from suite.protocols import Budget
from suite.spec.records.variant import Variant
from suite.train import loop
from suite.train.curve import Score
from suite.train.loop import Progress, Trained
from suite.train.recipe import Recipe
from suite.train.snapshot import Keeper, Snapshot
from suite.train.state import EngineState, LoopState
from suite.train.training import Limits, Training

NOISE = Split("noise", Path(), "train", (Category(1, "a"), Category(2, "b")), (), (), "")


class Told:
    """A listener that hands the points of the curve on."""

    def __init__(self, on_step: Callable[[Progress], None]) -> None:
        self.step = on_step

    def score(self, score: Score) -> None:
        """Nobody asks."""


def training_of(
    variant: Variant, recipe: Recipe, *, batch: int = 2, steps: int = 6, **fields: Any
) -> Training:
    """The record of a training on noise; `fields` are any others of its."""
    limits = Limits(steps, fields.pop("seconds", None))
    stated = {"steps": steps} if limits.seconds is None else {"seconds": limits.seconds}
    given: dict[str, Any] = {"image_size": 32, "data": NOISE} | fields
    return Training(
        variant=variant, recipe=recipe, budget=Budget(batch, **stated), limits=limits, **given
    )


def train(
    model: Detector,
    variant: Variant,
    batches: Iterable[Batch],
    recipe: Recipe,
    *,
    on_step: Callable[[Progress], None] | None = None,
    keeper: Keeper | None = None,
    start: Snapshot | None = None,
    **fields: Any,
) -> Trained:
    """The loop on these batches, whose number and side of images are the training's; `fields` as for `training_of`."""
    clock = {"clock": fields.pop("clock")} if "clock" in fields else {}
    stream = iter(batches)
    first = next(stream, None)
    if first is not None:
        count, side = first.images.shape[0], max(first.images.shape[2:])
        fields = {"batch": count, "image_size": side} | fields
        stream = itertools.chain((first,), stream)
    training = training_of(variant, recipe, **fields)
    listener = Told(on_step) if on_step else None
    return loop.train(
        training, model, stream, listener=listener, keeper=keeper, start=start, **clock
    )


def whole_training(
    variant: Variant,
    folder: Path,
    recipe: Recipe,
    budget: Budget,
    reporter: Reporter,
    **fields: Any,
) -> Evaluated:
    """A training on the data set of a folder, evaluated, as the job does it."""
    given: dict[str, Any] = {"image_size": 64} | fields
    reporter.stage("data")
    data, val = read_split(folder, "train"), read_split(folder, "val")
    classes, size = len(data.categories), given["image_size"]
    limits = allowance(
        budget, variant, classes=classes, image_size=size, pictures=len(data.pictures)
    )
    training = Training(
        variant=variant, data=data, recipe=recipe, budget=budget, limits=limits, **given
    )
    return train_and_evaluate(training, Validation(val, variant, size), reporter)


def blank_snapshot(step: int) -> Snapshot:
    """A checkpoint of a network without a number."""
    nothing = torch.zeros(0)
    engine = EngineState(
        layout="", values=nothing, average=nothing, sums=torch.zeros(3),
        summed=0, updates=0, waiting=0, rng_cpu=torch.get_rng_state(),
    )  # fmt: skip
    return Snapshot(step, engine, LoopState(batch=1, image_size=1))
