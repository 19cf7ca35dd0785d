"""`bench`: latency of variants beside their baselines, in this process and without a store."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Literal

import click
import psutil

from suite import machine
from suite.cli.bench.result import Bench, Timed
from suite.cli.library import finals, open_library
from suite.cli.options import allow_code_option, json_option, names_argument, variants_option
from suite.cli.output import ExitCode, Refusal, reply, say, table
from suite.machine.threads import AUTO, settle
from suite.metrics.speed.latency import LatencyError, Settings, measure_latency
from suite.record import Json, Measurement
from suite.runtimes import MismatchError, RuntimeUnfitError
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.yaml.errors import SpecError

OPENING_SECONDS = 10.0  # at most, for the base against itself before anything else


def _wholes(least: int) -> Callable[[click.Context, click.Parameter, str], tuple[int, ...]]:
    """Reads whole numbers from `least` on, with commas between them."""

    def parse(context: click.Context, parameter: click.Parameter, text: str) -> tuple[int, ...]:
        words = text.split(",")
        if not all(word.strip().isdecimal() and int(word) >= least for word in words):
            message = f"{text!r}: whole numbers from {least} on, with commas between them"
            raise click.BadParameter(message, context, parameter)
        return tuple(dict.fromkeys(int(word) for word in words))

    return parse


def _words(context: click.Context, parameter: click.Parameter, text: str) -> tuple[str, ...]:
    """Words with commas between them."""
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    if not all(words):
        raise click.BadParameter(f"{text!r}: names with commas between them", context, parameter)
    return words


def _threads(
    context: click.Context, parameter: click.Parameter, text: str
) -> "int | Literal['auto']":
    """A number of threads, or `auto`."""
    if text == AUTO:
        return AUTO
    if not text.isdecimal() or int(text) < 1:
        raise click.BadParameter(
            f"{text!r}: a whole number from 1 on, or {AUTO}", context, parameter
        )
    return int(text)


@click.command("bench")
@names_argument()
@variants_option
@allow_code_option
@click.option(
    "--against",
    metavar="NAME",
    help="Compare with this variant rather than with each one's baseline.",
)
@click.option(
    "--imgsz",
    "--image-size",
    "sizes",
    callback=_wholes(32),
    metavar="N,N,...",
    default="640",
    show_default=True,
)
@click.option(
    "--batch", "batches", callback=_wholes(1), metavar="N,N,...", default="1", show_default=True
)
@click.option(
    "--threads",
    callback=_threads,
    metavar="N",
    default="1",
    show_default=True,
    help="`auto`: all cores, but only if they are idle.",
)
@click.option("--device", default="cpu", show_default=True)
@click.option(
    "--precision",
    default="fp32",
    show_default=True,
    help="As the runtime has it: fp32, fp16, bf16, ...",
)
@click.option(
    "--runtime",
    "runtimes",
    callback=_words,
    metavar="NAME,NAME,...",
    default="eager",
    show_default=True,
    help="Also compiled, onnxruntime, openvino, ...; `doctor` lists them. A mode follows a `+`.",
)
@click.option(
    "--against-runtime",
    metavar="RUNTIME",
    default="",
    help="The base's runtime. Default: the same.",
)
@click.option(
    "--flush-l2", is_flag=True, help="Empty a GPU's second-level cache before each timed call."
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1),
    default=30.0,
    show_default=True,
    help="At most, a replica.",
)
@click.option(
    "--half-width",
    type=click.FloatRange(1e-4),
    default=0.01,
    show_default=True,
    help="Precise enough.",
)
@click.option(
    "--replicas",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Networks built anew each time.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Refuse (exit 5) a machine that is not idle or cannot tell copies apart.",
)
@click.option(
    "--stages",
    is_flag=True,
    help="Time pre-processing, forward, decode and suppression apart instead.",
)
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --stages: a checkpoint of NAME; suppression has to do what the network finds.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="With --stages: the validation pictures of this data set; without it, built-in ones.",
)
@json_option
def command(
    names: tuple[str, ...],
    variants: tuple[Path, ...],
    *,
    against: str | None,
    sizes: tuple[int, ...],
    batches: tuple[int, ...],
    threads: "int | Literal['auto']",
    device: str,
    precision: str,
    runtimes: tuple[str, ...],
    against_runtime: str,
    flush_l2: bool,
    seconds: float,
    half_width: float,
    replicas: int,
    strict: bool,
    stages: bool,
    weights: Path | None,
    data: Path | None,
    allow_code: bool,
    as_json: bool,
) -> int:
    """Time NAMEs, or all variants, each in shuffled rounds with its baseline and a copy of its baseline.

    The ratio is below 1 where the variant is faster. The base is first timed against itself, and its copies stay in
    every round: what differs less than they do cannot be told apart here. A variant without baseline is timed against
    itself. Every combination of the image sizes, batches and runtimes is timed; the base runs in the same runtime, and
    the variant in eager mode takes part in the rounds of every other one. A runtime that is not here is told and left
    out; if none is here, the exit code is 5.
    """
    _refuse_mistakes(device=device, flush_l2=flush_l2, stages=stages, weights=weights, data=data)
    library = open_library(variants, allow_code=allow_code)
    chosen = library.select(names or library.names())
    if not chosen:
        raise Refusal(ExitCode.NOTHING, "no variant to time")
    _check_machine(strict=strict)
    count, why = settle(threads)
    if why:
        say(why)
    settings = Settings(
        threads=count,
        precision=precision,
        device=device,
        base_runtime=against_runtime,
        half_width=half_width,
        cap_seconds=seconds,
        flush_l2=flush_l2,
    )
    grid = [
        replace(settings, image_size=size, batch=batch, runtime=runtime)
        for size, batch, runtime in product(sizes, batches, runtimes)
    ]
    if stages:
        from suite.cli.bench.stages import Pictures, time_stages

        return time_stages(
            chosen, library, grid, Pictures(data, weights, variants, allow_code), as_json=as_json
        )
    bench = Bench(replicas, started=_process_start())
    failures = _time_all(_Wanted(chosen, library, against, tuple(grid), strict), bench)
    if as_json:
        reply("bench", bench.as_json, failures)
    else:
        table(bench.columns, bench.rows)
        for line in bench.remarks:
            say(line)
    return ExitCode.VARIANT_FAILED if failures else ExitCode.DONE


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be timed, in which settings."""

    chosen: Sequence[Variant]
    library: Library
    against: str | None
    grid: tuple[Settings, ...]
    strict: bool


def _refuse_mistakes(
    *, device: str, flush_l2: bool, stages: bool, weights: Path | None, data: Path | None
) -> None:
    """Raise Refusal where options do not go together."""
    if flush_l2 and device == "cpu":
        raise Refusal(ExitCode.USAGE, "--flush-l2 is for GPUs; name a --device cuda")
    if not stages and (weights or data):
        raise Refusal(
            ExitCode.USAGE,
            f"{'--weights' if weights else '--data'} needs --stages; a ratio is of untrained",
        )


def _check_machine(*, strict: bool) -> None:
    reasons = machine.unrest()
    if reasons and strict:
        raise Refusal(ExitCode.UNFIT, f"this machine is not idle: {'; '.join(reasons)}")
    for reason in reasons:
        say(f"warning: {reason}")


def _time_all(wanted: _Wanted, bench: Bench) -> list[Json]:
    """Fill `bench` with what can be timed; why the rest could not."""
    failures: list[Json] = []
    for loaded in wanted.chosen:
        name = wanted.against or loaded.baseline
        try:
            reference = wanted.library.load(name) if name else loaded
            variant, baseline = finals((loaded, reference), wanted.library)
            for settings in wanted.grid:
                _time_here(variant, baseline, settings, wanted, bench=bench)
        except (LatencyError, MismatchError, SpecError) as error:
            say(str(error))
            failures.append({"code": "latency", "variant": loaded.name, "message": str(error)})
    if bench.not_here and not bench.timed and not failures:
        raise Refusal(ExitCode.UNFIT, "; ".join(bench.not_here.values()))
    return failures


def _time_here(
    variant: Variant, baseline: Variant, settings: Settings, wanted: _Wanted, *, bench: Bench
) -> None:
    """Time in a runtime that is here; what another one lacks is noted, once."""
    if settings.runtime in bench.not_here:
        return
    try:
        _open(baseline, settings, bench, strict=wanted.strict)
        _time(variant, baseline, settings, bench)
    except RuntimeUnfitError as error:
        bench.not_here[settings.runtime] = str(error)
        say(str(error))


def _open(baseline: Variant, first: Settings, bench: Bench, *, strict: bool) -> None:
    """Before anything else: the first base against two copies of itself, built apart. What they differ by is noise.

    Raises:
        Refusal: copies differ so much that nothing could be told, and that is not to be put up with.
    """
    if bench.opening:
        return
    say(f"timing {baseline.name} beside itself, to see what this machine can tell apart ...")
    # to the end of its time: how well copies agree is the question, so that a lucky early agreement is no answer
    same = replace(
        first, cap_seconds=min(first.cap_seconds, OPENING_SECONDS), half_width=0.0, base_runtime=""
    )
    bench.opening = tuple(_replicas(baseline, baseline, same, bench))
    say(bench.machine_words)
    if bench.admission == "refused" and strict:
        raise Refusal(ExitCode.UNFIT, f"this machine is refused: {bench.machine_words}")


def _time(variant: Variant, baseline: Variant, settings: Settings, bench: Bench) -> None:
    where = f"{settings.image_size} px, batch {settings.batch}, {settings.runtime}"
    say(f"timing {variant.name} beside {baseline.name}, {where} ...")
    found = tuple(_replicas(variant, baseline, settings, bench))
    bench.timed.append(Timed(variant.name, baseline.name, settings, found))


def _replicas(
    variant: Variant, baseline: Variant, settings: Settings, bench: Bench
) -> Iterator[tuple[Measurement, ...]]:
    for replica in range(bench.replicas):
        yield measure_latency(
            variant, baseline, replace(settings, seed=replica), opener=bench.opener
        )


def _process_start() -> float:
    """When this process began, on the clock of `time.perf_counter`."""
    return time.perf_counter() - (time.time() - psutil.Process().create_time())
