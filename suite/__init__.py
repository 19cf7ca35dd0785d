"""Build, measure and judge modifications of YOLOv5.

```python
import suite

suite.run("smoke", variants=["yolov5p_convnext"], out="out", progress=print)
print(suite.compare("yolov5p", "yolov5p_convnext", out="out"))
suite.results("out")
```
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suite.nn.detector import Detector
    from suite.session.api import compare, report, results, run
    from suite.spec.library import Library
    from suite.spec.records.variant import Variant

__all__ = ["build", "compare", "load", "report", "results", "run"]

_SESSION = frozenset({"compare", "report", "results", "run"})


def __getattr__(name: str) -> object:
    """`suite.run` and its like are imported when they are asked for: they bring torch, pandas and the report."""
    if name not in _SESSION:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from suite.session import api

    function: object = getattr(api, name)
    globals()[name] = function
    return function


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load(name: str | Path, *, allow_code: bool = False) -> "Variant":
    """The resolved variant of a name or a spec file. Never imports torch.

    Args:
        name: of a shipped variant, or a file.
        allow_code: let the block files that specs name run when the network is built.

    Raises:
        SpecError: there is no such variant, or it has mistakes.
    """
    return _library(allow_code=allow_code).load(name)


def build(
    name: str | Path,
    classes: int = 80,
    weights: str | Path | None = None,
    *,
    allow_code: bool = False,
) -> "Detector":
    """The detector that a variant describes.

    Args:
        name: of a shipped variant, or a file.
        classes: that it scores.
        weights: a checkpoint file to load; without it the parameters are fresh.
        allow_code: let the block files that specs name run.

    Raises:
        SpecError: there is no such variant, it has mistakes, or it does not build.
        WeightsError: the weights cannot be used, or are another network's.
    """
    from suite.match import solved
    from suite.nn.detector import build as build_detector
    from suite.nn.weights.checkpoint import load_weights

    library = _library(allow_code=allow_code)
    model = build_detector(solved(library.load(name), library), classes)
    if weights is not None:
        load_weights(model, Path(weights))
    return model


def _library(*, allow_code: bool) -> "Library":
    from suite.spec.library import Library

    return Library(trust=(lambda _spec, _file: True) if allow_code else None)
