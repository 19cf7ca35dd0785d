"""`build`: a variant's network as a file that other programs run, tried before it is kept."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from suite.cli.checkpoints import load_detector
from suite.cli.library import final, open_library
from suite.cli.options import allow_code_option, json_option, name_argument, variants_option
from suite.cli.output import ExitCode, Refusal, reply, say
from suite.protocols.setups import offers
from suite.record import Json

if TYPE_CHECKING:
    from torch import Tensor

    from suite.nn.network import Detector

SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "torch": ".pt2"}
_RUNTIMES = {
    "onnx": "onnxruntime",
    "openvino": "openvino",
    "torch": "eager",
}  # that a file is tried in


@dataclass(frozen=True, slots=True)
class _Source:
    """The deployed network, an example of what it takes, and what its file says of it."""

    model: "Detector"
    images: "Tensor"
    facts: Mapping[str, str]


@click.command("build")
@name_argument
@variants_option
@allow_code_option
@click.option(
    "--to",
    "target",
    type=click.Choice(list(SUFFIXES)),
    required=True,
    help="torch: torch.export's .pt2.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A checkpoint; else untrained.",
)
@click.option(
    "--classes", type=click.IntRange(1), default=80, show_default=True, help="Without --weights."
)
@click.option(
    "--imgsz", "--image-size", "image_size", type=click.IntRange(32), default=640, show_default=True
)
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Default: NAME and the suffix.",
)
@json_option
def command(
    name: str,
    variants: tuple[Path, ...],
    *,
    target: str,
    weights: Path | None,
    classes: int,
    image_size: int,
    batch: int,
    output: Path | None,
    allow_code: bool,
    as_json: bool,
) -> int:
    """Write NAME's network, deployed and with its decoding, for one size of images and one batch.

    In: images (batch, 3, size, size) in 0..1. Out: predictions (batch, N, 5 + classes), before suppression. The file is
    read back and run beside the network; one that differs is not kept, and the exit code is 1.
    """
    offer = offers()[_RUNTIMES[target]]
    if offer.lacking:
        raise Refusal(ExitCode.UNFIT, f"--to {target}: {offer.lacking}")
    model = _model(name, variants, weights, classes, allow_code=allow_code)
    stride = max(model.strides)
    if image_size % stride:
        raise Refusal(
            ExitCode.USAGE, f"--imgsz {image_size}: {model.name} needs a multiple of {stride}"
        )
    from suite.metrics.speed.latency import Settings, noise

    source = _Source(
        model, noise(Settings(image_size=image_size, batch=batch)), _facts(model, image_size, batch)
    )
    path = output or Path(f"{model.name}{SUFFIXES[target]}")
    if path.suffix != SUFFIXES[target]:
        raise Refusal(ExitCode.USAGE, f"{path}: a file for {target} ends in {SUFFIXES[target]}")
    error = _write(source, target, path)
    if as_json:
        data: dict[str, Json] = {
            "file": str(path),
            "target": target,
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


def _model(
    name: str, variants: tuple[Path, ...], weights: Path | None, classes: int, *, allow_code: bool
) -> "Detector":
    """The deployed network, trained or with the values it starts from."""
    from suite.nn.deploy import deploy
    from suite.nn.detector import build

    if weights is not None:
        return deploy(load_detector(name, weights, variants, allow_code=allow_code).model)
    library = open_library(variants, allow_code=allow_code)
    return deploy(build(final(library.load(name), library), classes, seed=0))


def _facts(model: "Detector", image_size: int, batch: int) -> dict[str, str]:
    strides = ", ".join(map(str, model.strides))
    return {
        "variant": model.name,
        "classes": str(model.classes),
        "strides": strides,
        "image_size": str(image_size),
        "batch": str(batch),
    }


def _write(source: _Source, target: str, path: Path) -> float:
    """Write beside the place, try, and only then move there; the largest error relative to the largest prediction.

    Raises:
        Refusal: the file computes something else.
    """
    import torch

    from suite.runtimes.common.proof import TOLERANCE

    with torch.inference_mode():
        expected = source.model.predict(source.images)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=path.parent) as folder:
        part = Path(folder) / path.name
        found = _WRITERS[target](source, part)
        error = float((found - expected).abs().max() / expected.abs().max())
        if not error <= TOLERANCE["fp32"]:  # a NaN is no agreement either
            message = (
                f"{source.model.name}: the {target} file differs from the network by {error:.1e}; "
                "nothing is written"
            )
            raise Refusal(ExitCode.VARIANT_FAILED, message)
        for file in Path(folder).iterdir():
            shutil.move(os.fspath(file), path.parent / file.name)
    return error


def _write_onnx(source: _Source, path: Path) -> "Tensor":
    import onnxruntime
    import torch

    from suite.runtimes.common.network import INPUT, OUTPUT, onnx_model

    model = onnx_model(source.model, source.images)
    for key, value in source.facts.items():
        model.metadata_props.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run([OUTPUT], {INPUT: source.images.numpy()})[0])


def _write_openvino(source: _Source, path: Path) -> "Tensor":
    import openvino
    import torch

    from suite.runtimes.openvino import converted

    model: Any = converted(source.model, source.images)
    for key, value in source.facts.items():
        model.set_rt_info(value, key)
    openvino.save_model(model, path, compress_to_fp16=False)
    pinned = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", pinned)
    return torch.from_numpy(compiled(source.images.numpy())[0])


def _write_torch(source: _Source, path: Path) -> "Tensor":
    import torch

    from suite.runtimes.common.network import exported

    torch.export.save(exported(source.model, source.images), path, extra_files=dict(source.facts))
    found: Tensor = torch.export.load(path).module()(source.images)
    return found.detach()


_WRITERS: Mapping[str, Callable[[_Source, Path], "Tensor"]] = {
    "onnx": _write_onnx,
    "openvino": _write_openvino,
    "torch": _write_torch,
}
