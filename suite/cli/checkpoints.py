"""A variant with trained weights, as `eval`, `detect`, `build` and `bench --stages` begin with it."""

from collections.abc import Sequence
from pathlib import Path

from suite.cli.library import final, open_library
from suite.cli.output import ExitCode, Refusal, say
from suite.nn.sizes import require_image_size
from suite.nn.weights.checkpoint import WeightsError
from suite.session import detectors
from suite.session.detectors import LoadedDetector


def load_detector(
    name: str, weights: Path, variants: Sequence[Path], *, allow_code: bool
) -> LoadedDetector:
    """Build the variant for as many classes as the checkpoint has and load it; says what of the file was left out.

    Raises:
        Refusal: the weights cannot be used, or are another network's.
        SpecError: there is no such variant, or it has mistakes.
    """
    library = open_library(variants, allow_code=allow_code)
    variant = final(library.load(name), library)
    try:
        loaded = detectors.load_detector(variant, weights)
    except WeightsError as error:
        raise Refusal(ExitCode.USAGE, str(error)) from error
    for note in loaded.notes:
        say(note)
    return loaded


def fitting_size(imgsz: int | None, loaded: LoadedDetector) -> int:
    """The side asked for, else the one trained at; SpecError unless the network's strides divide it."""
    size = imgsz or loaded.image_size
    require_image_size(loaded.model, size, "--imgsz")
    return size
