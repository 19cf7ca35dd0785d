"""`build`, when it is really called: the file is written beside its place, tried, and only then moved there.

As built, a network's signals fade until the output hardly depends on the image, and its file proves nothing. Without
weights a file of the same network with lively values is tried as well, and not kept.
"""

import errno
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import click
import torch

from suite.cli.build.formats import WRITERS, Source
from suite.cli.build.options import SUFFIXES, BuildOptions
from suite.cli.checkpoints import load_detector
from suite.cli.library import final, open_library
from suite.cli.output import ExitCode, Refusal, reply, say
from suite.files import writing
from suite.metrics.speed.latency import Settings, noise
from suite.nn.deploy import deploy
from suite.nn.detector import Detector
from suite.nn.detector import build as build_detector
from suite.nn.sizes import require_image_size
from suite.record import Json
from suite.runtimes.common.lively import liven
from suite.runtimes.common.proof import Errors, judge
from suite.spec.records.variant import Variant

_NO_ROOM = 2**16  # bytes: less than any part of a network needs


def build(options: BuildOptions, *, as_json: bool) -> int:
    """Write the file and tell where it is; the exit code.

    Raises:
        Refusal: the file's name or the weights do not fit, or the file computes something else.
        SpecError: the variant does not build, or not for this size.
    """
    model, variant = _model(options)
    size = options.image_size
    require_image_size(model, size, "--imgsz")
    images = noise(Settings(image_size=size, batch=options.batch))
    source = Source(model, images, _facts(model, size, options.batch))
    suffix = SUFFIXES[options.target]
    path = options.output or Path(f"{model.name}{suffix}")
    if path.suffix != suffix:
        raise Refusal(ExitCode.USAGE, f"{path}: a file for {options.target} ends in {suffix}")
    lively = _lively(variant, source) if variant else None
    found = _write(source, lively, options.target, path)
    if as_json:
        data: dict[str, Json] = {
            "file": str(path),
            "target": options.target,
            "largest_error": max(found.boxes, found.scores),
            **source.facts,
        }
        reply("build", data)
    else:
        click.echo(str(path))
        say(
            f"read back and run: boxes differ from the network's by {found.boxes:.1e} of their size at most, "
            f"scores by {found.scores:.1e}"
        )
    return ExitCode.DONE


def _model(options: BuildOptions) -> tuple[Detector, Variant | None]:
    """The deployed network, trained or with the values it starts from; of an untrained one the variant too."""
    if options.weights is not None:
        loaded = load_detector(
            options.name, options.weights, options.variants, allow_code=options.allow_code
        )
        return deploy(loaded.model), None
    library = open_library(options.variants, allow_code=options.allow_code)
    variant = final(library.load(options.name), library)
    return deploy(build_detector(variant, options.classes, seed=0)), variant


def _lively(variant: Variant, source: Source) -> Source:
    """The same with values by which every layer's work shows in the output."""
    model = build_detector(variant, source.model.classes, seed=0)
    return replace(source, model=deploy(liven(model, source.images)))


def _facts(model: Detector, image_size: int, batch: int) -> dict[str, str]:
    strides = ", ".join(map(str, model.strides))
    return {
        "variant": model.name,
        "classes": str(model.classes),
        "strides": strides,
        "image_size": str(image_size),
        "batch": str(batch),
    }


def _write(source: Source, lively: Source | None, target: str, path: Path) -> Errors:
    """Write beside the place, try, and only then move there; the larger errors of both files, where there are two.

    Raises:
        Refusal: a file computes something else.
        WriteError: the disk is full, or cannot be written to.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return _write_beside(source, lively, target, path)


def _write_beside(source: Source, lively: Source | None, target: str, path: Path) -> Errors:
    found = Errors(0, 0)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=path.parent) as folder:
        for each in (lively, source):
            if each is None:
                continue
            part = Path(folder) / ("kept" if each is source else "tried")
            part.mkdir()
            errors = _proved(each, target, part / path.name)
            found = Errors(max(found.boxes, errors.boxes), max(found.scores, errors.scores))
        for file in (Path(folder) / "kept").iterdir():
            shutil.move(os.fspath(file), path.parent / file.name)
    return found


def _proved(source: Source, target: str, path: Path) -> Errors:
    """Write a file and run it beside the network."""
    predictions = _written(source, target, path)
    found, allowed = judge(source.model, predictions, source.images)
    if not found.within(allowed):
        message = (
            f"{source.model.name}: the {target} file differs from the network: boxes by {found.boxes:.1e} of their "
            f"size and scores by {found.scores:.1e}, where {allowed.boxes:.1e} and {allowed.scores:.1e} are allowed; "
            "nothing is written"
        )
        raise Refusal(ExitCode.VARIANT_FAILED, message)
    return found


def _written(source: Source, target: str, part: Path) -> torch.Tensor:
    """What the file predicts that was written to `part`; the libraries say RuntimeError of a disk that is full."""
    try:
        return WRITERS[target](source, part)
    except RuntimeError as error:
        if shutil.disk_usage(part.parent).free >= _NO_ROOM:
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
