"""What a detector is trained towards and how its boxes are thinned out: `loss`, `assigner` and `nms`."""

from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

from suite.record import Json
from suite.spec.records.vocabulary import MAX_ANCHOR
from suite.yaml.rules import setting

BoxKind = Literal["iou", "giou", "diou", "ciou", "eiou", "siou", "wiou", "wiou_v3", "nwd"]
ScoreKind = Literal["bce", "focal", "varifocal"]
AssignerName = Literal["yolov5", "simota"]
SuppressionKind = Literal["hard", "diou", "soft", "soft_linear"]

_FOCAL = ("focal", "varifocal")


@dataclass(frozen=True, slots=True)
class Loss:
    """The parts of the loss. None: the number of the paper that the kind is from."""

    box: BoxKind = setting("ciou", "loss of the boxes")
    objectness: ScoreKind = setting("bce", "loss of the objectness")
    classes: ScoreKind = setting("bce", "loss of the classes", key="class")
    gamma: float | None = setting(
        None, "of `focal` and `varifocal`: 2 where it is left out", high=10, belongs=_FOCAL
    )
    alpha: float | None = setting(
        None,
        "of `focal` and `varifocal`: 0.25 and 0.75 where it is left out",
        high=1, belongs=_FOCAL,
    )  # fmt: skip
    constant: float | None = setting(
        None,
        "of `nwd`, in pixels: 12.8 where it is left out",
        high=MAX_ANCHOR, above=True, belongs=("nwd",),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Assigner:
    """Which predictions answer for which object."""

    name: AssignerName = setting("yolov5", "by the shapes of anchors, or by what predictions cost")
    radius: float = setting(
        2.5,
        "of `simota`: radius of the region around a centre, in strides",
        high=MAX_ANCHOR, above=True, belongs=("simota",),
    )  # fmt: skip
    candidates: int = setting(
        10,
        "of `simota`: at most so many predictions decide how many answer",
        low=1, high=1000, belongs=("simota",),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Suppression:
    """The variant's own suppression of double detections. `iou` None: whoever evaluates decides."""

    kind: SuppressionKind = setting("hard", "what becomes of a box that a better one overlaps")
    iou: float | None = setting(
        None,
        "two boxes that overlap more count as one; not of `soft`",
        high=1, belongs=("hard", "diou", "soft_linear"),
    )  # fmt: skip
    agnostic: bool = setting(False, "boxes suppress each other whatever their classes")
    sigma: float = setting(
        0.5, "of `soft`: how wide it reaches", high=100, above=True, belongs=("soft",)
    )


Objective: TypeAlias = Loss | Assigner | Suppression


def stated(objective: Objective) -> dict[str, Json]:
    """What differs from YOLOv5, by the keys of a file; empty for YOLOv5's own."""
    usual = type(objective)()
    different: dict[str, Json] = {}
    for each in fields(objective):
        value = getattr(objective, each.name)
        if value != getattr(usual, each.name):
            different[each.metadata["rule"].key or each.name] = value
    return different
