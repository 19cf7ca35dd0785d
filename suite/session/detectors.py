"""A variant with trained weights: what evaluating and detecting begin with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from suite.datasets.formats.names import COCO_NAMES
from suite.nn.detector import Detector, build
from suite.nn.weights.checkpoint import WeightsError, load_checkpoint, load_weights
from suite.nn.weights.pickles import read_reference_checkpoint
from suite.nn.weights.reference import reference_classes
from suite.record import Json
from suite.spec.records.objective import Suppression
from suite.spec.records.variant import Variant

DEFAULT_SIZE = 640  # pixels, of a checkpoint that does not say what it was trained at


@dataclass(frozen=True, slots=True)
class LoadedDetector:
    """A detector with its weights, ready to evaluate.

    `class_names` are by class index, `image_size` is the side in pixels that it was trained at, and `suppression` the
    variant's own way of suppressing doubles.
    """

    model: Detector
    class_names: tuple[str, ...]
    image_size: int
    suppression: Suppression


def load_detector(variant: Variant, weights: Path) -> LoadedDetector:
    """Build a variant for as many classes as the checkpoint has, and load it.

    Args:
        variant: in its final form.
        weights: a checkpoint of `train` (.safetensors) or of YOLOv5 (.pt, read without executing anything in it).

    Raises:
        WeightsError: the weights cannot be used, or are another network's.
        SpecError: the variant does not build.
    """
    facts, classes = _facts(weights)
    model = build(variant, classes)
    load_weights(model, weights)
    size = facts.get("image_size")
    if not isinstance(size, int):
        size = DEFAULT_SIZE
    return LoadedDetector(model.eval(), _class_names(facts, classes), size, variant.nms)


def _facts(weights: Path) -> tuple[Mapping[str, Json], int]:
    """What the checkpoint says of itself, and its number of classes."""
    if not weights.is_file():
        raise WeightsError(
            f"{weights}: no such file; `train` writes a .safetensors file, YOLOv5 a .pt file"
        )
    if weights.suffix == ".pt":
        return {}, _reference_classes(weights)
    facts = load_checkpoint(weights).facts
    classes = facts.get("classes")
    if not isinstance(classes, int) or classes < 1:
        raise WeightsError(f"{weights}: does not say how many classes it has")
    return facts, classes


def _reference_classes(weights: Path) -> int:
    try:
        return reference_classes(read_reference_checkpoint(weights))
    except WeightsError:
        raise
    except ValueError as error:
        raise WeightsError(f"{weights}: {error}") from error


def _class_names(facts: Mapping[str, Json], classes: int) -> tuple[str, ...]:
    """The checkpoint's own; else COCO's for 80 classes, as YOLOv5's files mean them; numbers otherwise."""
    stated = facts.get("class_names")
    if isinstance(stated, list) and len(stated) == classes:
        return tuple(str(name) for name in stated)
    if classes == len(COCO_NAMES):
        return COCO_NAMES
    return tuple(f"class {index}" for index in range(classes))
