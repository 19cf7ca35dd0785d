"""What a detector is trained towards and how its boxes are thinned out: the records of `loss`, `assigner`, `nms`."""

from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

from suite.record import Json

BoxKind = Literal["iou", "giou", "diou", "ciou", "eiou", "siou", "wiou", "wiou_v3", "nwd"]
ScoreKind = Literal["bce", "focal", "varifocal"]
AssignerName = Literal["yolov5", "simota"]
SuppressionKind = Literal["hard", "diou", "soft", "soft_linear"]

_YAML_NAMES = {"classes": "class"}  # where the field is called otherwise than the key


@dataclass(frozen=True, slots=True)
class Loss:
    """The parts of the loss. None: the number of the paper that the kind is from.

    `gamma` and `alpha` are those of focal and varifocal scores, `constant` is NWD's, in pixels.
    """

    box: BoxKind = "ciou"
    objectness: ScoreKind = "bce"
    classes: ScoreKind = "bce"
    gamma: float | None = None
    alpha: float | None = None
    constant: float | None = None


@dataclass(frozen=True, slots=True)
class Assigner:
    """Which predictions answer for which object.

    Of SimOTA: `radius` of the region around a centre in strides; at most `candidates` predictions decide how many
    answer.
    """

    name: AssignerName = "yolov5"
    radius: float = 2.5
    candidates: int = 10


@dataclass(frozen=True, slots=True)
class Suppression:
    """The variant's own suppression of double detections. `iou` None: whoever evaluates decides.

    `agnostic`: boxes suppress each other whatever their classes. `sigma` is soft suppression's.
    """

    kind: SuppressionKind = "hard"
    iou: float | None = None
    agnostic: bool = False
    sigma: float = 0.5


Objective: TypeAlias = Loss | Assigner | Suppression


def stated(objective: Objective) -> dict[str, Json]:
    """What differs from YOLOv5, by the keys of a file; empty for YOLOv5's own."""
    usual = type(objective)()
    return {
        _YAML_NAMES.get(rule.name, rule.name): value
        for rule in fields(objective)
        if (value := getattr(objective, rule.name)) != getattr(usual, rule.name)
    }
