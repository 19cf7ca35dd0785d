"""`bench --stages`: every step from a picture to boxes, on pictures and on noise."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from suite import machine, protocols
from suite.cli.bench.options import BenchOptions
from suite.cli.checkpoints import load_detector
from suite.cli.errors import refusing_data
from suite.cli.library import finals
from suite.cli.output import ExitCode, Refusal, reply, say, table
from suite.datasets.decode import load_image
from suite.datasets.formats.forms import read_split
from suite.datasets.images import Image
from suite.datasets.split import Reading
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
    measure_stages,
)
from suite.nn.deploy import deploy
from suite.nn.detector import Detector, build
from suite.record import Json
from suite.runtimes import MismatchError, RuntimeUnfitError
from suite.session.data import built_in_data
from suite.spec.library import Library
from suite.spec.records.variant import Variant

_PICTURES = 32  # that are cycled
_COLUMNS = (
    *("NAME", "WEIGHTS", "INPUT", "SIZE", "BATCH", "PRE MS", "FORWARD MS", "DECODE MS", "NMS MS"),
    *("END TO END MS", "BOXES", "ROUNDS"),
)


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
        together = self.staged.median(BOTH)
        if together is not None:
            medians[1] = together
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
    options: BenchOptions,
    *,
    as_json: bool,
) -> int:
    """Time the steps of all variants, interleaved, in every setting; print medians of a batch.

    Raises:
        Refusal: the pictures or the weights cannot be used, or the runtime is not to be had.
    """
    if options.weights and len(chosen) > 1:
        raise Refusal(ExitCode.USAGE, f"--weights is of one variant; {len(chosen)} are named")
    variants = finals(chosen, library)
    inputs = {
        "pictures": _pictures(options),
        "noise": _noise(max(settings.image_size for settings in grid)),
    }
    rows: list[_Row] = []
    failures: list[Json] = []
    for settings in grid:
        rows += _time_setting(variants, settings, inputs, options, failures=failures)
    if as_json:
        stages: list[Json] = [row.as_json for row in rows]
        reply("bench", {"machine": machine.describe()["class"], "stages": stages}, failures)
    else:
        table(_COLUMNS, [row.cells for row in rows])
    return ExitCode.VARIANT_FAILED if failures else ExitCode.DONE


def _time_setting(
    variants: Sequence[Variant],
    settings: Settings,
    inputs: dict[str, list[Image]],
    options: BenchOptions,
    *,
    failures: list[Json],
) -> list[_Row]:
    """The rows of one setting, on every kind of input."""
    names = ", ".join(variant.name for variant in variants)
    say(f"timing the steps of {names}, {settings.image_size} px, {settings.batch} ...")
    pipelines = _pipelines(variants, settings, options, failures)
    if not pipelines:
        return []
    weights = options.weights.name if options.weights else "untrained"
    rows = []
    for kind, pictures in inputs.items():
        for name, staged in measure_stages(pipelines, pictures, settings).items():
            rows.append(_Row(name, weights, kind, settings, staged))
    for pipeline in pipelines.values():
        pipeline.close()
    return rows


def _pipelines(
    variants: Sequence[Variant],
    settings: Settings,
    options: BenchOptions,
    failures: list[Json],
) -> dict[str, Pipeline]:
    """Of every variant whose predictions in the runtime are those of eager mode; `failures` gets the others.

    Raises:
        Refusal: the runtime is not to be had here.
    """
    pipelines = {}
    for variant in variants:
        try:
            model = deploy(_model(variant, options))
            pipelines[variant.name] = Pipeline(model, settings, Thresholds(how=variant.nms))
        except RuntimeUnfitError as error:
            raise Refusal(ExitCode.UNFIT, str(error)) from error
        except MismatchError as error:
            say(str(error))
            failures.append({"code": "unequal", "variant": variant.name, "message": str(error)})
    return pipelines


def _model(variant: Variant, options: BenchOptions) -> Detector:
    if options.weights is None:
        return build(variant, seed=0)
    return load_detector(
        variant.name, options.weights, options.variants, allow_code=options.allow_code
    ).model


def _pictures(options: BenchOptions) -> list[Image]:
    """Validation pictures, decoded: of the named data set, or of the built-in one that `run --protocol smoke` uses."""
    made = protocols.load("smoke").data
    assert made is not None
    with refusing_data():
        split = read_split(options.data or built_in_data(made), "val", Reading(labelled=False))
        return [load_image(picture) for picture in split.pictures[:_PICTURES]]


def _noise(size: int) -> list[Image]:
    """As many pictures of noise, a third wider than high, as photographs are."""
    random = np.random.default_rng(0)
    return list(random.integers(0, 256, (_PICTURES, size * 3 // 4, size, 3), dtype=np.uint8))
