"""The record of one training: all that decides its weights, and where it writes. Made once and handed on whole."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from suite.datasets.split import Split
from suite.nn.detector import Detector
from suite.protocols import Budget
from suite.protocols.loading import Loading
from suite.record import Json
from suite.spec.records.variant import Variant
from suite.spec.solve.anchors import require_sizes
from suite.train.curve import Score
from suite.train.process_group import SINGLE, ProcessGroup
from suite.train.recipe import Recipe
from suite.train.snapshot import Every

Evaluate = Callable[[int, Detector], Score]  # the step and the averaged model to its score


@dataclass(frozen=True, slots=True)
class Limits:
    """When a training ends: after `steps` batches, or after so many `seconds` where they are stated, if that is sooner.

    With `seconds` rates and schedules go by the time that has passed, and `steps` is only what it may not exceed.
    `flops_per_image` is what training on one image costs; nothing ends by it, it is reported with what was used.

    Raises:
        ValueError: one of them leaves nothing to train.
    """

    steps: int
    seconds: float | None = None
    flops_per_image: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"a training takes at least one step, not {self.steps}")
        if self.seconds is not None and not self.seconds > 0:
            raise ValueError(f"a training takes more than {self.seconds:g} s")


@dataclass(frozen=True, slots=True)
class Files:
    """Where a training writes; None for what it is not to write. Only the process of rank 0 does.

    Attributes:
        checkpoint: JSON file to go on from where it is there, and to write while training (`suite.train.snapshot`).
        every: how often the checkpoint is written.
        curve: CSV file of losses, rates and scores.
        tensorboard: folder of TensorBoard's files; left out where the package is not installed.
    """

    checkpoint: Path | None = None
    every: Every = field(default_factory=Every)
    curve: Path | None = None
    tensorboard: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Training:
    """One training of one variant.

    Attributes:
        variant: the network; its `weights` are what it starts from, its `freeze` and `schedules` are carried out.
        data: the training part of a data set; its categories are the classes.
        recipe: optimiser, schedule, augmentation and everything else that decides the weights.
        budget: what was asked for, and the images a step of all processes.
        limits: what `budget` comes to for this variant on this data.
        image_size: side of the images in pixels, which the gains of the loss go by too.
        seed: of the weights, the order and changes of the pictures, and what is drawn while training.
        device: of torch, such as "cpu" or "cuda:0".
        group: the processes that train together, each on its share of every batch.
        weights_sha256: what the variant's weights file must hold, "" for whatever it does.
        loading: how fast pictures come; changes no batch.
        files: where it writes.
        evaluate: scores the averaged model; needed where the recipe has it evaluated in between.

    Raises:
        SpecError: the variant's anchors are placeholders.
        ValueError: `budget` and `limits` contradict each other, or there is nothing to show the network.

    Example:
        data = read_split(folder, "train")
        training = Training(
            variant=Library().load("yolov5p"),
            data=data,
            recipe=recipe("tiny"),
            budget=Budget(batch=8, steps=600),
            limits=Limits(steps=600),
            image_size=128,
        )
        result = run_training(training)
    """

    variant: Variant
    data: Split
    recipe: Recipe
    budget: Budget
    limits: Limits
    image_size: int
    seed: int = 0
    device: str = "cpu"
    group: ProcessGroup = SINGLE
    weights_sha256: str = ""
    loading: Loading = field(default_factory=Loading)
    files: Files = field(default_factory=Files)
    evaluate: Evaluate | None = None

    def __post_init__(self) -> None:
        require_sizes(self.variant)
        if self.batch < 1 or self.image_size < 1:
            raise ValueError(
                f"a step takes at least one image of one pixel, not {self.batch} of {self.image_size}"
            )
        if self.budget.seconds != self.limits.seconds:
            raise ValueError(
                f"the budget is {self.budget.seconds} s, the limit {self.limits.seconds} s"
            )

    def identity(self, weights_sha256: str = "") -> dict[str, Json]:
        """What has to be the same for two trainings to be one: to go on from a checkpoint, or to be finished already.

        Args:
            weights_sha256: of the file that it starts from, "" for none.
        """
        recipe: dict[str, Json] = asdict(self.recipe)
        return {
            "data": self.data.fingerprint,
            "weights": weights_sha256,
            "network": self.variant.fingerprint,
            "recipe": recipe,
            "image_size": self.image_size,
            "batch": self.batch,
            self.budget.kind: self.budget.amount,
            "seed": self.seed,
            "device": torch.device(self.device).type,
            "processes": self.group.size,
            "torch": torch.__version__,
        }

    @property
    def batch(self) -> int:
        """Images a step, of all processes together."""
        return self.budget.batch

    @property
    def steps(self) -> int:
        """Batches that it may not exceed."""
        return self.limits.steps
