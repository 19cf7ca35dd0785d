"""`bench --stages`: every step from a picture to boxes, on pictures and on noise."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suite import machine, protocols
from suite.cli.errors import refusing_data
from suite.cli.finals import OUT, final
from suite.cli.output import ExitCode, Refusal, reply, say, table
from suite.metrics.speed.rounds import Settings
from suite.metrics.speed.stages import (
    BOTH,
    DECODE,
    END_TO_END,
    FORWARD,
    NMS,
    PRE,
    Pipeline,
    Staged,
    Thresholds,
)
from suite.record import Json
from suite.runtimes import MismatchError, RuntimeUnfitError
from suite.spec.library import Library
from suite.spec.records.variant import Variant

if TYPE_CHECKING:
    from suite.datasets.images import Image
    from suite.nn.network import Detector

_PICTURES = 32  # that are cycled
_COLUMNS = (
    *("NAME", "WEIGHTS", "INPUT", "SIZE", "BATCH", "PRE MS", "FORWARD MS", "DECODE MS", "NMS MS"),
    *("END TO END MS", "BOXES", "ROUNDS"),
)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where pictures and weights are from; `variants` and `allow_code` are the command's, for the weights' network."""

    data: Path | None
    weights: Path | None
    variants: tuple[Path, ...]
    allow_code: bool


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    weights: str
    input: str
    settings: Settings
    staged: Staged

    @property
    def cells(self) -> list[object]:
        steps = (PRE, FORWARD, DECODE, NMS, END_TO_END)
        medians = [self.staged.median(step) for step in steps]
        if self.staged.median(BOTH) is not None:
            medians[1] = self.staged.median(BOTH)
        shown = ["in forward" if value is None else round(value, 3) for value in medians]
        about = (self.name, self.weights, self.input, self.settings.image_size, self.settings.batch)
        return [*about, *shown, round(self.staged.boxes, 1), len(self.staged.steps[PRE])]

    @property
    def as_json(self) -> Json:
        return {
            "name": self.name,
            "weights": self.weights,
            "input": self.input,
            "settings": asdict(self.settings),
            "boxes": self.staged.boxes,
            "ms": {step: list(samples) for step, samples in self.staged.steps.items()},
        }


def time_stages(
    chosen: Sequence[Variant],
    library: Library,
    grid: Sequence[Settings],
    source: Pictures,
    *,
    as_json: bool,
) -> int:
    """Time the steps of all variants, interleaved, in every setting; print medians of a batch.

    Raises:
        Refusal: the pictures or the weights cannot be used, or the runtime is not to be had.
    """
    from suite.metrics.speed.stages import measure_stages

    if source.weights and len(chosen) > 1:
        raise Refusal(ExitCode.USAGE, f"--weights is of one variant; {len(chosen)} are named")
    finals = [final(variant, library) for variant in chosen]
    inputs = {"pictures": _pictures(source), "noise": _noise(max(s.image_size for s in grid))}
    rows: list[_Row] = []
    failures: list[Json] = []
    for settings in grid:
        say(
            f"timing the steps of {', '.join(v.name for v in finals)}, {settings.image_size} px, {settings.batch} ..."
        )
        pipelines = _pipelines(finals, settings, source, failures)
        for kind, pictures in inputs.items() if pipelines else ():
            for name, staged in measure_stages(pipelines, pictures, settings).items():
                weights = source.weights.name if source.weights else "untrained"
                rows.append(_Row(name, weights, kind, settings, staged))
        for pipeline in pipelines.values():
            pipeline.close()
    if as_json:
        reply(
            "bench",
            {"machine": machine.describe()["class"], "stages": [row.as_json for row in rows]},
            failures,
        )
    else:
        table(_COLUMNS, [row.cells for row in rows])
    return ExitCode.VARIANT_FAILED if failures else ExitCode.DONE


def _pipelines(
    variants: Sequence[Variant], settings: Settings, source: Pictures, failures: list[Json]
) -> dict[str, Pipeline]:
    """Of every variant whose predictions in the runtime are those of eager mode; `failures` gets the others.

    Raises:
        Refusal: the runtime is not to be had here.
    """
    from suite.nn.deploy import deploy

    found = {}
    for variant in variants:
        try:
            model = deploy(_model(variant, source))
            found[variant.name] = Pipeline(model, settings, Thresholds(how=variant.nms))
        except RuntimeUnfitError as error:
            raise Refusal(ExitCode.UNFIT, str(error)) from error
        except MismatchError as error:
            say(str(error))
            failures.append({"code": "unequal", "variant": variant.name, "message": str(error)})
    return found


def _model(variant: Variant, source: Pictures) -> "Detector":
    from suite.cli.checkpoints import load_detector
    from suite.nn.detector import build

    if source.weights is None:
        return build(variant, seed=0)
    return load_detector(
        variant.name, source.weights, source.variants, allow_code=source.allow_code
    ).model


def _pictures(source: Pictures) -> "list[Image]":
    """Validation pictures, decoded: of the named data set, or of the built-in one that `run --protocol smoke` uses."""
    from suite.cli.run.running import built_in
    from suite.datasets.decode import load_image
    from suite.datasets.formats.forms import read_split

    made = protocols.load("smoke").data
    assert made is not None
    with refusing_data():
        split = read_split(source.data or built_in(made, OUT), "val")
        return [load_image(picture) for picture in split.pictures[:_PICTURES]]


def _noise(size: int) -> "list[Image]":
    """As many pictures of noise, a third wider than high, as photographs are."""
    import numpy as np

    random = np.random.default_rng(0)
    return list(random.integers(0, 256, (_PICTURES, size * 3 // 4, size, 3), dtype=np.uint8))
