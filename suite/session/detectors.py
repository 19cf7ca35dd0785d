"""A variant with trained weights: what evaluating and detecting begin with."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch

from suite.datasets.formats.names import COCO_NAMES
from suite.nn.detector import Detector, build
from suite.nn.weights.checkpoint import (
    WeightsError,
    fill_from_checkpoint,
    fill_from_reference,
    load_checkpoint,
)
from suite.nn.weights.class_names import stated_names
from suite.nn.weights.pickles import SUFFIXES, read_reference_checkpoint
from suite.nn.weights.reference import MOST_CLASSES, reference_classes
from suite.spec.records.objective import Suppression
from suite.spec.records.variant import Variant

_TRIAL_SIZE = 128  # pixels
DEFAULT_SIZE = 640  # pixels, of a checkpoint that does not say what it was trained at


@dataclass(frozen=True, slots=True)
class LoadedDetector:
    """A detector with its weights, ready to evaluate.

    Attributes:
        model: in evaluation mode.
        class_names: by class index, made up where the weights name none.
        image_size: the side in pixels that it was trained at.
        suppression: the variant's own way of suppressing doubles.
        stated_names: by class index, as the weights file states them; () where it does not.
        notes: what was left out of the file or made to fit, for a reader.
    """

    model: Detector
    class_names: tuple[str, ...]
    image_size: int
    suppression: Suppression
    stated_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def load_detector(variant: Variant, weights: Path) -> LoadedDetector:
    """Build a variant for as many classes as the checkpoint has, and load it.

    Args:
        variant: in its final form.
        weights: a checkpoint of `train` (.safetensors) or of YOLOv5 (.pt, read without executing anything in it).

    Raises:
        WeightsError: the weights cannot be used, are another network's, or hold values that are no numbers.
        SpecError: the variant does not build.
    """
    if not weights.is_file():
        raise WeightsError(
            f"{weights}: no such file; `train` writes a .safetensors file, YOLOv5 a .pt file"
        )
    if weights.suffix in SUFFIXES:
        return _from_reference(variant, weights)
    checkpoint = load_checkpoint(weights)
    facts = checkpoint.facts
    classes, size = facts.get("classes"), facts.get("image_size")
    if not isinstance(classes, int) or not 1 <= classes <= MOST_CLASSES:
        raise WeightsError(f"{weights}: does not say how many classes it has")
    model = build(variant, classes)
    fill_from_checkpoint(model, checkpoint, weights)
    _require_finite_predictions(model, weights)
    names = stated_names(facts)
    return LoadedDetector(
        model.eval(),
        names or _made_up_names(classes),
        size if isinstance(size, int) else DEFAULT_SIZE,
        variant.nms,
        names,
    )


def _from_reference(variant: Variant, weights: Path) -> LoadedDetector:
    file = read_reference_checkpoint(weights)
    try:
        classes = reference_classes(file.state)
    except ValueError as error:
        raise WeightsError(f"{weights}: {error}") from error
    model = build(variant, classes)
    fill_from_reference(model, file, weights)
    _require_finite_predictions(model, weights)
    reasons = Counter(file.left_out.values())
    notes = [f"{weights.name}: left out, {n} tensors: {reason}" for reason, n in reasons.items()]
    if file.fused:
        notes.append(f"{weights.name}: was fused; its norms are built as ones that change nothing")
    names = file.class_names if len(file.class_names) == classes else ()
    return LoadedDetector(
        model.eval(),
        names or _made_up_names(classes),
        DEFAULT_SIZE,
        variant.nms,
        names,
        tuple(notes),
    )


def _require_finite_predictions(model: Detector, weights: Path) -> None:
    """Raise WeightsError where one grey picture shows that the values, each a number, lead to none."""
    model.eval()
    with torch.inference_mode():
        predictions = model.predict(torch.full((1, 3, _TRIAL_SIZE, _TRIAL_SIZE), 0.5))
    if not torch.isfinite(predictions).all():
        raise WeightsError(
            f"{weights}: its predictions are no numbers, although its values are: they are too large, or of "
            "another network of the same shapes"
        )


def _made_up_names(classes: int) -> tuple[str, ...]:
    """COCO's for 80 classes, as weights that name none mean them; numbers otherwise."""
    if classes == len(COCO_NAMES):
        return COCO_NAMES
    return tuple(f"class {index}" for index in range(classes))
