"""A variant with trained weights: what `eval` and `detect` begin with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suite.cli.finals import final
from suite.cli.library import open_library
from suite.cli.output import ExitCode, Refusal
from suite.record import Json
from suite.spec.records.objective import Suppression

if TYPE_CHECKING:
    from suite.nn.detector import Detector

DEFAULT_SIZE = 640  # pixels, of a checkpoint that does not say what it was trained at


@dataclass(frozen=True, slots=True)
class Loaded:
    """A detector with its weights; the classes' names, the side in pixels trained at, the variant's own suppression."""

    model: "Detector"
    names: tuple[str, ...]
    image_size: int
    suppression: Suppression


def load_detector(
    name: str, weights: Path, variants: Sequence[Path], *, allow_code: bool
) -> Loaded:
    """Build the variant for as many classes as the checkpoint has and load it.

    Raises:
        Refusal: the weights cannot be used, or are another network's.
        SpecError: there is no such variant, or it has mistakes.
    """
    library = open_library(variants, allow_code=allow_code)
    variant = final(library.load(name), library)
    from suite.nn.detector import build
    from suite.nn.weights.checkpoint import WeightsError, load_weights

    try:
        facts, classes = _facts(weights)
        model = build(variant, classes)
        load_weights(model, weights)
    except WeightsError as error:
        raise Refusal(ExitCode.USAGE, str(error)) from error
    known = facts.get("class_names")
    names = (
        tuple(str(n) for n in known)
        if isinstance(known, list) and len(known) == classes
        else _names(classes)
    )
    size = facts.get("image_size")
    return Loaded(model.eval(), names, size if isinstance(size, int) else DEFAULT_SIZE, variant.nms)


def fitting_size(imgsz: int | None, loaded: Loaded) -> int:
    """The side asked for, else the one trained at; Refusal unless the network's strides divide it."""
    size = imgsz or loaded.image_size
    stride = max(loaded.model.strides)
    if size % stride:
        raise Refusal(
            ExitCode.USAGE, f"--imgsz {size}: {loaded.model.name} needs a multiple of {stride}"
        )
    return size


def _facts(weights: Path) -> tuple[Mapping[str, Json], int]:
    """What the checkpoint says of itself, and its number of classes."""
    from suite.nn.weights.checkpoint import WeightsError, load_checkpoint
    from suite.nn.weights.pickles import read_reference_checkpoint
    from suite.nn.weights.reference import reference_classes

    if not weights.is_file():
        raise WeightsError(
            f"{weights}: no such file; `train` writes a .safetensors file, YOLOv5 a .pt file"
        )
    if weights.suffix == ".pt":
        try:
            return {}, reference_classes(read_reference_checkpoint(weights))
        except ValueError as error:
            raise (
                error if isinstance(error, WeightsError) else WeightsError(f"{weights}: {error}")
            ) from error
    facts = load_checkpoint(weights).facts
    classes = facts.get("classes")
    if not isinstance(classes, int) or classes < 1:
        raise WeightsError(f"{weights}: does not say how many classes it has")
    return facts, classes


def _names(classes: int) -> tuple[str, ...]:
    """COCO's for 80 classes, as YOLOv5's own files mean them; numbers otherwise."""
    from suite.datasets.formats.names import COCO_NAMES

    return (
        COCO_NAMES
        if classes == len(COCO_NAMES)
        else tuple(f"class {index}" for index in range(classes))
    )
