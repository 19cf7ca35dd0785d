"""`build`, when it is really called: the file is written beside its place, tried, and only then moved there."""

import errno
import os
import shutil
import tempfile
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
from suite.runtimes.common.proof import TOLERANCE

_NO_ROOM = 2**16  # bytes: less than any part of a network needs


def build(options: BuildOptions, *, as_json: bool) -> int:
    """Write the file and tell where it is; the exit code.

    Raises:
        Refusal: the file's name or the weights do not fit, or the file computes something else.
        SpecError: the variant does not build, or not for this size.
    """
    model = _model(options)
    size = options.image_size
    require_image_size(model, size, "--imgsz")
    images = noise(Settings(image_size=size, batch=options.batch))
    source = Source(model, images, _facts(model, size, options.batch))
    suffix = SUFFIXES[options.target]
    path = options.output or Path(f"{model.name}{suffix}")
    if path.suffix != suffix:
        raise Refusal(ExitCode.USAGE, f"{path}: a file for {options.target} ends in {suffix}")
    error = _write(source, options.target, path)
    if as_json:
        data: dict[str, Json] = {
            "file": str(path),
            "target": options.target,
            "largest_error": error,
            **source.facts,
        }
        reply("build", data)
    else:
        click.echo(str(path))
        say(
            f"read back and run: predictions differ from the network's by {error:.1e} of the largest at most"
        )
    return ExitCode.DONE


def _model(options: BuildOptions) -> Detector:
    """The deployed network, trained or with the values it starts from."""
    if options.weights is not None:
        loaded = load_detector(
            options.name, options.weights, options.variants, allow_code=options.allow_code
        )
        return deploy(loaded.model)
    library = open_library(options.variants, allow_code=options.allow_code)
    variant = final(library.load(options.name), library)
    return deploy(build_detector(variant, options.classes, seed=0))


def _facts(model: Detector, image_size: int, batch: int) -> dict[str, str]:
    strides = ", ".join(map(str, model.strides))
    return {
        "variant": model.name,
        "classes": str(model.classes),
        "strides": strides,
        "image_size": str(image_size),
        "batch": str(batch),
    }


def _write(source: Source, target: str, path: Path) -> float:
    """Write beside the place, try, and only then move there; the largest error relative to the largest prediction.

    Raises:
        Refusal: the file computes something else.
        WriteError: the disk is full, or cannot be written to.
    """
    with torch.inference_mode():
        expected = source.model.predict(source.images)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return _write_beside(source, target, path, expected)


def _write_beside(source: Source, target: str, path: Path, expected: torch.Tensor) -> float:
    with tempfile.TemporaryDirectory(prefix=".build-", dir=path.parent) as folder:
        part = Path(folder) / path.name
        predictions = _written(source, target, part)
        error = float((predictions - expected).abs().max() / expected.abs().max())
        if not error <= TOLERANCE["fp32"]:  # a NaN is no agreement either
            message = (
                f"{source.model.name}: the {target} file differs from the network by {error:.1e}; "
                "nothing is written"
            )
            raise Refusal(ExitCode.VARIANT_FAILED, message)
        for file in Path(folder).iterdir():
            shutil.move(os.fspath(file), path.parent / file.name)
    return error


def _written(source: Source, target: str, part: Path) -> torch.Tensor:
    """What the file predicts that was written to `part`; the libraries say RuntimeError of a disk that is full."""
    try:
        return WRITERS[target](source, part)
    except RuntimeError as error:
        if shutil.disk_usage(part.parent).free >= _NO_ROOM:
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
