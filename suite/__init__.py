"""Build, measure and judge modifications of YOLOv5."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suite.nn.detector import Detector
    from suite.spec.library import Library
    from suite.spec.records.variant import Variant

__all__ = ["build", "load"]


def load(name: str | Path, *, allow_code: bool = False) -> "Variant":
    """The resolved variant of a name or a spec file; raises `suite.yaml.errors.SpecError`. Never imports torch.

    `allow_code` lets the block files that specs name run when the network is built.
    """
    return _library(allow_code=allow_code).load(name)


def _library(*, allow_code: bool) -> "Library":
    from suite.spec.library import Library

    return Library(trust=(lambda _spec, _file: True) if allow_code else None)


def build(
    name: str | Path, classes: int = 80, weights: Path | None = None, *, allow_code: bool = False
) -> "Detector":
    """The detector that a variant describes, with fresh parameters or those of a checkpoint file."""
    from suite.match import solved
    from suite.nn.detector import build as build_detector
    from suite.nn.weights.checkpoint import load_weights

    library = _library(allow_code=allow_code)
    model = build_detector(solved(library.load(name), library), classes)
    if weights is not None:
        load_weights(model, Path(weights))
    return model
