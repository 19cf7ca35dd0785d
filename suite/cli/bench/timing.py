"""`bench`, when it is really called: the machine first, then every variant in every setting."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import psutil

from suite import machine
from suite.cli.bench.options import BenchOptions
from suite.cli.bench.result import Bench, Timed
from suite.cli.bench.stages import time_stages
from suite.cli.library import finals, open_library
from suite.cli.output import ExitCode, Refusal, reply, say, table
from suite.machine.threads import settle
from suite.metrics.speed.latency import LatencyError, Settings, measure_latency
from suite.nn.sizes import require_image_sizes
from suite.record import Json, Measurement
from suite.runtimes import MismatchError, RuntimeUnfitError
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.yaml.errors import SpecError

OPENING_SECONDS = 10.0  # at most, for the base against itself before anything else


def bench(options: BenchOptions, *, as_json: bool) -> int:
    """Time what the options ask for and tell it; the exit code.

    Raises:
        Refusal: there is nothing to time, or the machine is not fit to.
        SpecError: a size is no multiple of a variant's coarsest stride.
    """
    library = open_library(options.variants, allow_code=options.allow_code)
    chosen = library.select(options.names or library.names())
    if not chosen:
        raise Refusal(ExitCode.NOTHING, "no variant to time")
    sizes = {f"--imgsz {size}": size for size in options.sizes}
    built = [variant for variant in chosen if variant.match is None or variant.match.solution]
    require_image_sizes(built, sizes)
    _check_machine(strict=options.strict)
    grid = _grid(options)
    if options.stages:
        return time_stages(chosen, library, grid, options, as_json=as_json)
    result = Bench(options.replicas, started=_process_start())
    failures = _time_all(_Session(chosen, library, options, grid), result)
    if as_json:
        reply("bench", result.as_json, failures)
    else:
        table(result.columns, result.rows)
        for line in result.remarks:
            say(line)
    return ExitCode.VARIANT_FAILED if failures else ExitCode.DONE


def _grid(options: BenchOptions) -> tuple[Settings, ...]:
    """Every combination of sizes, batches and runtimes."""
    threads, why = settle(options.threads)
    if why:
        say(why)
    settings = Settings(
        threads=threads,
        precision=options.precision,
        device=options.device,
        base_runtime=options.against_runtime,
        half_width=options.half_width,
        cap_seconds=options.seconds,
        flush_l2=options.flush_l2,
    )
    return tuple(
        replace(settings, image_size=size, batch=batch, runtime=runtime)
        for size, batch, runtime in product(options.sizes, options.batches, options.runtimes)
    )


@dataclass(frozen=True, slots=True)
class _Session:
    """What is to be timed, in which settings."""

    chosen: Sequence[Variant]
    library: Library
    options: BenchOptions
    grid: tuple[Settings, ...]


def _check_machine(*, strict: bool) -> None:
    reasons = machine.unrest()
    if reasons and strict:
        raise Refusal(ExitCode.UNFIT, f"this machine is not idle: {'; '.join(reasons)}")
    for reason in reasons:
        say(f"warning: {reason}")


def _time_all(session: _Session, bench: Bench) -> list[Json]:
    """Fill `bench` with what can be timed; why the rest could not."""
    failures: list[Json] = []
    for loaded in session.chosen:
        name = session.options.against or loaded.baseline
        try:
            reference = session.library.load(name) if name else loaded
            variant, baseline = finals((loaded, reference), session.library)
            for settings in session.grid:
                _time_here(variant, baseline, settings, session, bench=bench)
        except (LatencyError, MismatchError, SpecError) as error:
            say(str(error))
            failures.append({"code": "latency", "variant": loaded.name, "message": str(error)})
    if bench.not_here and not bench.timed and not failures:
        raise Refusal(ExitCode.UNFIT, "; ".join(bench.not_here.values()))
    return failures


def _time_here(
    variant: Variant, baseline: Variant, settings: Settings, session: _Session, *, bench: Bench
) -> None:
    """Time in a runtime that is here; what another one lacks is noted, once."""
    if settings.runtime in bench.not_here:
        return
    try:
        _open(baseline, settings, bench, strict=session.options.strict)
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
    say(bench.machine_sentence)
    if bench.admission == "refused" and strict:
        raise Refusal(ExitCode.UNFIT, f"this machine is refused: {bench.machine_sentence}")


def _time(variant: Variant, baseline: Variant, settings: Settings, bench: Bench) -> None:
    setting = f"{settings.image_size} px, batch {settings.batch}, {settings.runtime}"
    say(f"timing {variant.name} beside {baseline.name}, {setting} ...")
    replicas = tuple(_replicas(variant, baseline, settings, bench))
    bench.timed.append(Timed(variant.name, baseline.name, settings, replicas))


def _replicas(
    variant: Variant, baseline: Variant, settings: Settings, bench: Bench
) -> Iterator[tuple[Measurement, ...]]:
    for replica in range(bench.replicas):
        yield measure_latency(
            variant, baseline, replace(settings, seed=replica), networks=bench.networks
        )


def _process_start() -> float:
    """When this process began, on the clock of `time.perf_counter`."""
    return time.perf_counter() - (time.time() - psutil.Process().create_time())
