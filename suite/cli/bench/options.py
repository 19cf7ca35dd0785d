"""The options of `bench`, read into one record."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from suite.cli.binding import Decorator
from suite.cli.options import allow_code_option, names_argument, variants_option
from suite.cli.output import ExitCode, Refusal
from suite.machine.threads import AUTO


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What is to be timed, in which combinations of sizes, batches and runtimes, for how long and how precisely."""

    names: tuple[str, ...]
    variants: tuple[Path, ...]
    allow_code: bool
    against: str | None
    sizes: tuple[int, ...]
    batches: tuple[int, ...]
    threads: int | Literal["auto"]
    device: str
    precision: str
    runtimes: tuple[str, ...]
    against_runtime: str
    flush_l2: bool
    seconds: float
    half_width: float
    replicas: int
    strict: bool
    stages: bool
    weights: Path | None
    data: Path | None

    def refuse_mistakes(self) -> None:
        """Raise Refusal where options do not go together."""
        if self.flush_l2 and self.device == "cpu":
            raise Refusal(ExitCode.USAGE, "--flush-l2 is for GPUs; name a --device cuda")
        if not self.stages and (self.weights or self.data):
            option = "--weights" if self.weights else "--data"
            raise Refusal(ExitCode.USAGE, f"{option} needs --stages; a ratio is of untrained")


def _wholes(least: int) -> Callable[[click.Context, click.Parameter, str], tuple[int, ...]]:
    """Reads whole numbers from `least` on, with commas between them."""

    def parse(context: click.Context, parameter: click.Parameter, text: str) -> tuple[int, ...]:
        parts = text.split(",")
        if not all(word.strip().isdecimal() and int(word) >= least for word in parts):
            message = f"{text!r}: whole numbers from {least} on, with commas between them"
            raise click.BadParameter(message, context, parameter)
        return tuple(dict.fromkeys(int(word) for word in parts))

    return parse


def _names(context: click.Context, parameter: click.Parameter, text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    names = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    if not all(names):
        raise click.BadParameter(f"{text!r}: names with commas between them", context, parameter)
    return names


def _threads(
    context: click.Context, parameter: click.Parameter, text: str
) -> int | Literal["auto"]:
    """A number of threads, or `auto`."""
    if text == AUTO:
        return AUTO
    if not text.isdecimal() or int(text) < 1:
        raise click.BadParameter(
            f"{text!r}: a whole number from 1 on, or {AUTO}", context, parameter
        )
    return int(text)


OPTIONS: tuple[Decorator, ...] = (
    names_argument(),
    variants_option,
    allow_code_option,
    click.option(
        "--against",
        metavar="NAME",
        help="Compare with this variant rather than with each one's baseline.",
    ),
    click.option(
        "--imgsz",
        "--image-size",
        "sizes",
        callback=_wholes(32),
        metavar="N,N,...",
        default="640",
        show_default=True,
    ),
    click.option(
        "--batch", "batches", callback=_wholes(1), metavar="N,N,...", default="1", show_default=True
    ),
    click.option(
        "--threads",
        callback=_threads,
        metavar="N",
        default="1",
        show_default=True,
        help="`auto`: all cores, but only if they are idle.",
    ),
    click.option("--device", default="cpu", show_default=True),
    click.option(
        "--precision",
        default="fp32",
        show_default=True,
        help="As the runtime has it: fp32, fp16, bf16, ...",
    ),
    click.option(
        "--runtime",
        "runtimes",
        callback=_names,
        metavar="NAME,NAME,...",
        default="eager",
        show_default=True,
        help="Also compiled, onnxruntime, openvino, ...; `doctor` lists them. A mode follows a `+`.",
    ),
    click.option(
        "--against-runtime",
        metavar="RUNTIME",
        default="",
        help="The base's runtime. Default: the same.",
    ),
    click.option(
        "--flush-l2", is_flag=True, help="Empty a GPU's second-level cache before each timed call."
    ),
    click.option(
        "--seconds",
        type=click.FloatRange(0.1),
        default=30.0,
        show_default=True,
        help="At most, a replica.",
    ),
    click.option(
        "--half-width",
        type=click.FloatRange(1e-4),
        default=0.01,
        show_default=True,
        help="Precise enough.",
    ),
    click.option(
        "--replicas",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Networks built anew each time.",
    ),
    click.option(
        "--strict",
        is_flag=True,
        help="Refuse (exit 5) a machine that is not idle or cannot tell copies apart.",
    ),
    click.option(
        "--stages",
        is_flag=True,
        help="Time pre-processing, forward, decode and suppression apart instead.",
    ),
    click.option(
        "--weights",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="With --stages: a checkpoint of NAME; suppression has to do what the network finds.",
    ),
    click.option(
        "--data",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="DIR",
        help="With --stages: the validation pictures of this data set; without it, built-in ones.",
    ),
)
