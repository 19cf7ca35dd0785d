"""`calibrate`: is the method of timing right on this machine? Tried on differences that are known."""

import json
import math
import statistics
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from suite import machine
from suite.cli.library import open_library
from suite.cli.options import json_option, name_argument
from suite.cli.output import reply, say, table
from suite.metrics.speed.rounds import Settings
from suite.record import Json, canonical_json, digest
from suite.spec.records.variant import Variant
from suite.stats.intervals import Estimate, log_ratios, ratio
from suite.stats.simulation import LEAST, Coverage, coverage, lag_one

_COLUMNS = (
    "CONDITION",
    "CLOCK",
    "TIMES",
    "HOLDS 1",
    "MEAN ERROR",
    "ONE AFTER THE OTHER",
    "FACTOR",
    "FOUND",
)
_CONDITIONS = ("quiet", "loaded")
_SIMULATED = {"half_width": 0.01, "length": 200}


def _shares(context: click.Context, parameter: click.Parameter, text: str) -> tuple[float, ...]:
    """Slow-downs in per cent, "5,3", as shares."""
    try:
        found = tuple(float(word) / 100 for word in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"per cents with commas between them, not {text!r}", context, parameter
        ) from None
    if min(found) <= 0:
        raise click.BadParameter("a slow-down is more than 0 %", context, parameter)
    return found


def _conditions(context: click.Context, parameter: click.Parameter, text: str) -> tuple[str, ...]:
    words = tuple(text.split(","))
    if not set(words) <= set(_CONDITIONS):
        raise click.BadParameter(
            f"there are {' and '.join(_CONDITIONS)}, not {text!r}", context, parameter
        )
    return words


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is tried, and where it is kept."""

    variant: Variant
    settings: Settings
    planted: tuple[float, ...]
    conditions: tuple[str, ...]
    repetitions: int
    out: Path

    @property
    def key(self) -> str:
        """Repetitions of one key belong together."""
        settings: dict[str, Json] = {
            "variant": self.variant.fingerprint,
            "machine": machine.describe()["class"],
            "image_size": self.settings.image_size,
            "seconds": self.settings.cap_seconds,
            "planted": list(self.planted),
        }
        return digest(settings)[:16]


@click.command("calibrate")
@name_argument
@click.option(
    "--image-size", "--imgsz", "image_size", type=click.IntRange(32), default=224, show_default=True
)
@click.option(
    "--repetitions",
    type=click.IntRange(1),
    default=40,
    show_default=True,
    help="In each condition.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.5),
    default=30.0,
    show_default=True,
    help="Of rounds; as many follow without.",
)
@click.option(
    "--conditions",
    callback=_conditions,
    default="quiet,loaded",
    show_default=True,
    help="`quiet` is the machine as it is, `loaded` has one busy process for each core.",
)
@click.option(
    "--planted",
    callback=_shares,
    default="5,3",
    show_default=True,
    metavar="%,%",
    help="Slow-downs to be found.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("out/calibration.jsonl"),
    show_default=True,
    metavar="FILE",
    help="Every repetition is added to it; what it holds is not repeated.",
)
@json_option
def command(
    name: str,
    *,
    image_size: int,
    repetitions: int,
    seconds: float,
    conditions: tuple[str, ...],
    planted: tuple[float, ...],
    out: Path,
    as_json: bool,
) -> int:
    """Prove the method of timing on this machine: NAME against copies of itself, and against slowed-down ones.

    A copy's ratio is 1, so the error is known, and so is whether the 95 % interval holds the truth. Beside it stands
    what timing one after the other gives in the same time. The noise that was recorded is then put together anew in
    2,000 series, each measured with repeated looks as a real one is: 95 % of their intervals should hold the truth.
    What was interrupted goes on when the same command is given again.
    """
    settings = Settings(image_size=image_size, cap_seconds=seconds, half_width=0.0)
    plan = _Plan(open_library().load(name), settings, planted, conditions, repetitions, out)
    lines = _carry_out(plan)
    rows = [
        _Row(condition, clock, _of(lines, condition), plan)
        for condition in conditions
        for clock in ("wall", "cpu")
    ]
    if as_json:
        reply("calibrate", {"file": str(out), "rows": [row.as_json for row in rows]})
        return 0
    table(_COLUMNS, [row.cells for row in rows])
    for row in rows:
        say(row.simulated_words)
    return 0


def _carry_out(plan: _Plan) -> list[dict[str, Any]]:
    """Do the repetitions that the file lacks, condition by turns; all lines of this plan."""
    lines = [line for line in _read(plan.out) if line["key"] == plan.key]
    for number in range(plan.repetitions):
        for condition in plan.conditions:
            if not any(
                (line["condition"], line["number"]) == (condition, number) for line in lines
            ):
                say(f"{condition}, {number + 1} of {plan.repetitions} ...")
                lines.append(_add(plan, condition, number))
    return [line for line in lines if line["number"] < plan.repetitions]


def _add(plan: _Plan, condition: str, number: int) -> dict[str, Any]:
    from dataclasses import replace

    from suite.metrics.speed.aa_test import burners, repeat

    load: AbstractContextManager[None] = burners() if condition == "loaded" else nullcontext()
    with load:
        found = repeat(plan.variant, replace(plan.settings, seed=number), plan.planted)
    rounds = found.rounds
    line: dict[str, Json] = {
        "key": plan.key,
        "condition": condition,
        "number": number,
        "sequential": found.sequential,
        "kept": list(rounds.kept),
        "wall": {role: [round(value, 5) for value in rounds.wall(role)] for role in rounds.calls},
        "cpu": {role: [round(value, 5) for value in rounds.cpu(role)] for role in rounds.calls},
    }
    plan.out.parent.mkdir(parents=True, exist_ok=True)
    with plan.out.open("a", encoding="utf-8") as file:
        file.write(canonical_json(line) + "\n")
    return line


def _read(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of the file; a last one that was cut off is taken out, so that the next begins a line of its own."""
    content = file.read_bytes() if file.exists() else b""
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with file.open("r+b") as cut:
            cut.truncate(len(whole))
    for line in whole.splitlines():
        yield json.loads(line)


def _of(lines: Sequence[dict[str, Any]], condition: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["condition"] == condition]


class _Row:
    """What the repetitions of one condition say, by one clock."""

    def __init__(
        self, condition: str, clock: str, lines: Sequence[dict[str, Any]], plan: _Plan
    ) -> None:
        self.condition, self.clock = condition, clock
        self._lines, self._planted = lines, plan.planted
        copies = self._ratios("copy")
        self.held = sum(e.low <= 1 <= e.high for e in copies)
        self.error = statistics.mean(abs(e.value - 1) for e in copies)
        self.sequential = statistics.mean(abs(line["sequential"] - 1) for line in lines)
        self.simulated = self._simulate()

    def _ratios(self, role: str) -> list[Estimate]:
        """The estimate of each repetition, from its kept rounds."""
        return [ratio([self._kept(line, role)]) for line in self._lines]

    def _kept(self, line: dict[str, Any], role: str) -> tuple[float, ...]:
        times = line[self.clock]
        own, base = ([times[name][index] for index in line["kept"]] for name in (role, "base"))
        return log_ratios(own, base)

    def _simulate(self) -> Coverage | None:
        series = [
            rounds for line in self._lines if len(rounds := self._kept(line, "copy")) >= LEAST
        ]
        return coverage(series, **_SIMULATED) if series else None  # type: ignore[arg-type]

    @property
    def found(self) -> dict[float, tuple[int, float]]:
        """For each planted slow-down how often it was found, and its mean estimate."""
        estimates = {share: self._ratios(f"planted {share:g}") for share in self._planted}
        return {
            share: (
                sum(e.low > 1 for e in es),
                math.exp(statistics.mean(math.log(e.value) for e in es)) - 1,
            )
            for share, es in estimates.items()
        }

    @property
    def cells(self) -> tuple[object, ...]:
        count = len(self._lines)
        found = ", ".join(
            f"{100 * share:g} %: {hits} of {count} ({100 * mean:.1f} %)"
            for share, (hits, mean) in self.found.items()
        )
        factor = self.sequential / self.error if self.error else math.inf
        error, sequential = (f"{100 * value:.2f} %" for value in (self.error, self.sequential))
        held = f"{self.held} of {count}"
        return (self.condition, self.clock, count, held, error, sequential, round(factor, 1), found)

    @property
    def simulated_words(self) -> str:
        """The coverage of the simulated series, in words."""
        if self.simulated is None:
            return f"{self.condition}, {self.clock}: too few rounds for a simulation"
        low, high = self.simulated.bounds
        alike = statistics.mean(lag_one(self._kept(line, "copy")) for line in self._lines)
        return (
            f"{self.condition}, {self.clock}: of {self.simulated.series} simulated series "
            f"{100 * self.simulated.share:.1f} % hold the truth ({100 * low:.1f} to {100 * high:.1f} %), "
            f"after {self.simulated.rounds:.0f} rounds; correlation of neighbouring rounds {alike:+.2f}"
        )

    @property
    def as_json(self) -> dict[str, Json]:
        simulated = self.simulated
        return {
            "condition": self.condition,
            "clock": self.clock,
            "repetitions": len(self._lines),
            "held": self.held,
            "mean_error": self.error,
            "sequential_mean_error": self.sequential,
            "found": {
                f"{share:g}": {"times": hits, "mean": mean}
                for share, (hits, mean) in self.found.items()
            },
            "simulated": None
            if simulated is None
            else {
                "series": simulated.series,
                "share": simulated.share,
                "bounds": list(simulated.bounds),
            },
        }
