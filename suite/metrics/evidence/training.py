"""Beside a training: how its losses fell, and what it began with. Its budget is `suite.stats.budget.Used`."""

from dataclasses import dataclass
from typing import NamedTuple

from suite.evidence import Evidence


@dataclass(frozen=True, slots=True)
class LossCurve(Evidence):
    """Beside `loss_curve`: the parts of its samples, point by point.

    Attributes:
        step: the last step that a point averages over, counted from 1.
        box: loss of the boxes.
        obj: of objectness.
        cls: of the classes.
        lr: learning rate.
        broken_pictures: files that did not decode, in whose place others came; None where there is none.
    """

    step: tuple[int, ...] | None = None
    box: tuple[float, ...] | None = None
    obj: tuple[float, ...] | None = None
    cls: tuple[float, ...] | None = None
    lr: tuple[float, ...] | None = None
    broken_pictures: tuple[str, ...] | None = None


class StageStart(NamedTuple):
    """What of one stage ("backbone 8") was loaded: tensors and parameters, all and loaded ones."""

    stage: str
    tensors: int
    loaded: int
    parameters: int
    loaded_parameters: int


class LeftTensors(NamedTuple):
    """So many tensors of a layer's role that were not taken over, and why."""

    role: str
    reason: str
    tensors: int


@dataclass(frozen=True, slots=True)
class TrainingStart(Evidence):
    """What a training began with; stands under "start" in the environment of its outcome and beside its weights.

    Attributes:
        form: "scratch", or what the weights were read as: "checkpoint", "YOLOv5", "timm".
        file: the weights file's name; None from scratch, as is everything else.
        sha256: of the file.
        network: what the file holds.
        share: of the parameters that was loaded, 0 to 1.
        tensors: of the network.
        loaded: tensors that were loaded.
        stages: sums by stage, in the order of the network.
        left: tensors of the network that stayed as they start.
        skipped: tensors of the file that nothing has taken.
    """

    form: str | None = None
    file: str | None = None
    sha256: str | None = None
    network: str | None = None
    share: float | None = None
    tensors: int | None = None
    loaded: int | None = None
    stages: tuple[StageStart, ...] | None = None
    left: tuple[LeftTensors, ...] | None = None
    skipped: tuple[LeftTensors, ...] | None = None

    def described(self, seed: int | None = None) -> str:
        """The start in words, as a reader is told it; the seed matters only from scratch."""
        if self.share is not None:
            return f"from weights {self.file}: {100 * self.share:.0f} % of parameters loaded"
        return "from scratch" if seed is None else f"from scratch, seed {seed}"
