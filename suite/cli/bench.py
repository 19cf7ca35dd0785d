"""`bench`: latency of variants beside their baselines, in this process and without a store."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from suite import machine
from suite.cli.finals import finals
from suite.cli.options import allow_code_option, json_option, names_argument, open_library, variants_option
from suite.cli.output import ExitCode, Refusal, reply, say, table
from suite.metrics.latency import LatencyError, Settings, measure_latency
from suite.record import Json, Measurement
from suite.runtimes import RuntimeUnfitError
from suite.spec.errors import SpecError
from suite.spec.library import Library
from suite.spec.variant import Variant
from suite.stats.intervals import Estimate, log_ratios, ratio

_COLUMNS = (
    *("NAME", "BASELINE", "MS", "BASE MS", "RATIO", "95 %"),
    *("CPU MS", "CPU RATIO", "CPU 95 %", "COPY", "ROUNDS", "ENDED BY"),
)


@dataclass(frozen=True, slots=True)
class Timed:
    """A variant beside its baseline, measured once or more, each time with networks built anew."""

    variant: Variant
    baseline: Variant
    replicas: tuple[tuple[Measurement, ...], ...]

    def samples(self, metric: str) -> list[float]:
        """All rounds of all replicas."""
        return [sample for replica in self.replicas for sample in _samples(replica, metric)]

    def ratio(self, role: str, clock: str) -> Estimate:
        """The ratio of the variant ("") or of the copy ("copy_") to the base, by one clock."""
        return ratio(
            [
                log_ratios(_samples(m, f"latency_{role}{clock}_ms"), _samples(m, f"latency_base_{clock}_ms"))
                for m in self.replicas
            ]
        )


@click.command("bench")
@names_argument()
@variants_option
@allow_code_option
@click.option("--against", metavar="NAME", help="Compare with this variant rather than with each one's baseline.")
@click.option("--imgsz", "--image-size", "image_size", type=click.IntRange(32), default=640, show_default=True)
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--device", default="cpu", show_default=True)
@click.option("--precision", type=click.Choice(["fp32", "fp16", "bf16"]), default="fp32", show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1), default=30.0, show_default=True, help="At most, a replica.")
@click.option("--half-width", type=click.FloatRange(1e-4), default=0.01, show_default=True, help="Precise enough.")
@click.option("--replicas", type=click.IntRange(1), default=1, show_default=True, help="Networks built anew each time.")
@click.option("--strict", is_flag=True, help="Refuse to measure (exit 5) on a machine that is not idle.")
@json_option
def command(
    names: tuple[str, ...],
    variants: tuple[Path, ...],
    *,
    against: str | None,
    image_size: int,
    batch: int,
    threads: int,
    device: str,
    precision: str,
    seconds: float,
    half_width: float,
    replicas: int,
    strict: bool,
    allow_code: bool,
    as_json: bool,
) -> int:
    """Time NAMEs, or all variants, each in shuffled rounds with its baseline and a copy of its baseline.

    The ratio is below 1 where the variant is faster. COPY is the ratio of two identical networks: what differs less
    than that cannot be told apart here. A variant without baseline is timed against itself.
    """
    library = open_library(variants, allow_code=allow_code)
    chosen = library.select(names or library.names())
    if not chosen:
        raise Refusal(ExitCode.NOTHING, "no variant to time")
    _check_machine(strict=strict)
    settings = Settings(
        image_size=image_size,
        batch=batch,
        threads=threads,
        precision=precision,
        device=device,
        half_width=half_width,
        cap_seconds=seconds,
    )
    timed, failures = _time_all(chosen, library, against, settings, replicas)
    if as_json:
        reply("bench", [_json(found) for found in timed], failures)
    else:
        table(_COLUMNS, [_row(found) for found in timed])
    return ExitCode.VARIANT_FAILED if failures else ExitCode.DONE


def _check_machine(*, strict: bool) -> None:
    reasons = machine.unrest()
    if reasons and strict:
        raise Refusal(ExitCode.UNFIT, f"this machine is not idle: {'; '.join(reasons)}")
    for reason in reasons:
        say(f"warning: {reason}")


def _time_all(
    chosen: Sequence[Variant], library: Library, against: str | None, settings: Settings, replicas: int
) -> tuple[list[Timed], list[Json]]:
    """What could be timed, and why the rest could not."""
    timed: list[Timed] = []
    failures: list[Json] = []
    for loaded in chosen:
        name = against or loaded.baseline
        reference = library.load(name) if name else loaded
        try:
            variant, baseline = finals((loaded, reference), library)
            say(f"timing {variant.name} beside {baseline.name} ...")
            found = tuple(
                measure_latency(variant, baseline, replace(settings, seed=replica)) for replica in range(replicas)
            )
        except RuntimeUnfitError as error:
            raise Refusal(ExitCode.UNFIT, str(error)) from error
        except (LatencyError, SpecError) as error:
            say(str(error))
            failures.append({"code": "latency", "variant": loaded.name, "message": str(error)})
            continue
        timed.append(Timed(variant, baseline, found))
    return timed, failures


def _samples(measurements: Sequence[Measurement], metric: str) -> tuple[float, ...]:
    return next(m.samples for m in measurements if m.metric == metric)


def _row(timed: Timed) -> list[object]:
    wall, cpu, copy = timed.ratio("", "wall"), timed.ratio("", "cpu"), timed.ratio("copy_", "wall")
    notes = [replica[0].notes for replica in timed.replicas]
    return [
        timed.variant.name,
        timed.baseline.name,
        round(statistics.median(timed.samples("latency_wall_ms")), 2),
        round(statistics.median(timed.samples("latency_base_wall_ms")), 2),
        round(wall.value, 3),
        _bounds(wall),
        round(statistics.median(timed.samples("latency_cpu_ms")), 2),
        round(cpu.value, 3),
        _bounds(cpu),
        round(copy.value, 3),
        len(timed.samples("latency_wall_ms")),
        ", ".join(sorted({str(note["stopped_by"]) for note in notes})),
    ]


def _bounds(estimate: Estimate) -> str:
    if math.isinf(estimate.high):
        return "too few rounds"
    return f"{estimate.low:.3f} to {estimate.high:.3f}"


def _json(timed: Timed) -> Json:
    ratios: dict[str, Json] = {
        name: _estimate_json(timed.ratio(role, clock))
        for name, role, clock in (("wall", "", "wall"), ("cpu", "", "cpu"), ("copy", "copy_", "wall"))
    }
    return {
        "name": timed.variant.name,
        "baseline": timed.baseline.name,
        "ratio": ratios,
        "replicas": [[_measurement_json(m) for m in replica] for replica in timed.replicas],
    }


def _measurement_json(measurement: Measurement) -> Json:
    fields: dict[str, Json] = asdict(measurement)
    return {**fields, "samples": list(measurement.samples)}


def _estimate_json(estimate: Estimate) -> Json:
    return {
        "value": estimate.value,
        "low": None if math.isinf(estimate.high) else estimate.low,
        "high": None if math.isinf(estimate.high) else estimate.high,
        "replicas": estimate.n,
    }
