"""`calibrate`, when it is really called: repetitions that the file lacks are done, and all of them summed up."""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suite import machine
from suite.cli.calibrate.options import CalibrateOptions
from suite.cli.calibrate.row import Row
from suite.cli.library import open_library
from suite.cli.output import ExitCode, reply, say, table
from suite.files import writing
from suite.metrics.speed import aa_test
from suite.metrics.speed.rounds import Settings
from suite.nn.sizes import require_image_sizes
from suite.record import Json, canonical_json, digest
from suite.spec.records.variant import Variant

_COLUMNS = (
    *("CONDITION", "CLOCK", "TIMES", "HOLDS 1", "MEAN ERROR"),
    *("ONE AFTER THE OTHER", "FACTOR", "FOUND"),
)


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


def calibrate(options: CalibrateOptions, *, as_json: bool) -> int:
    """Do what is left to do, and tell what all repetitions say; the exit code."""
    settings = Settings(image_size=options.image_size, cap_seconds=options.seconds, half_width=0.0)
    variant = open_library().load(options.name)
    require_image_sizes((variant,), {"--imgsz": options.image_size})
    plan = _Plan(
        variant,
        settings,
        options.planted,
        options.conditions,
        options.repetitions,
        options.out,
    )
    lines = _carry_out(plan)
    rows = [
        Row(condition, clock, _of(lines, condition), plan.planted)
        for condition in plan.conditions
        for clock in ("wall", "cpu")
    ]
    if as_json:
        reply("calibrate", {"file": str(plan.out), "rows": [row.as_json for row in rows]})
        return ExitCode.DONE
    table(_COLUMNS, [row.cells for row in rows])
    for row in rows:
        say(row.simulated_sentence)
    return ExitCode.DONE


def _carry_out(plan: _Plan) -> list[dict[str, Any]]:
    """Do the repetitions that the file lacks, condition by turns; all lines of this plan."""
    lines = [line for line in _read(plan.out) if line["key"] == plan.key]
    done = {(line["condition"], line["number"]) for line in lines}
    for number in range(plan.repetitions):
        for condition in plan.conditions:
            if (condition, number) in done:
                continue
            say(f"{condition}, {number + 1} of {plan.repetitions} ...")
            lines.append(_add(plan, condition, number))
    return [line for line in lines if line["number"] < plan.repetitions]


def _add(plan: _Plan, condition: str, number: int) -> dict[str, Any]:
    load: AbstractContextManager[None] = nullcontext()
    if condition == "loaded":
        load = aa_test.burners()
    with load:
        repetition = aa_test.repeat(plan.variant, replace(plan.settings, seed=number), plan.planted)
    rounds = repetition.rounds
    line: dict[str, Json] = {
        "key": plan.key,
        "condition": condition,
        "number": number,
        "sequential": repetition.sequential,
        "kept": list(rounds.kept),
        "wall": {role: [round(value, 5) for value in rounds.wall(role)] for role in rounds.calls},
        "cpu": {role: [round(value, 5) for value in rounds.cpu(role)] for role in rounds.calls},
    }
    with writing(plan.out):
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
