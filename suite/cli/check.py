"""`check`: every mistake in spec files, found without running anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from suite.cli.errors import print_problems, problem_json
from suite.cli.options import json_option, names_argument, open_library, variants_option
from suite.cli.output import ExitCode, reply, say
from suite.record import Json
from suite.spec.errors import Problem, SpecError
from suite.spec.library import Library
from suite.spec.promise import broken_promises
from suite.spec.variant import Expect, Variant
from suite.spec.write import expect_line

GMACS_DIGITS = 3
IMAGE_SIZE = 640


@dataclass(frozen=True, slots=True)
class Checked:
    """A sound file; with --build, what its network turned out to be."""

    variant: Variant
    measured: Expect | None = None
    warning: str = ""


@click.command("check")
@names_argument()
@variants_option
@click.option("--build", "builds", is_flag=True, help="Build each network too, and compare what `expect` says of it.")
@json_option
def command(names: tuple[str, ...], variants: tuple[Path, ...], builds: bool, as_json: bool) -> int:
    """Check spec files: NAME, FILE or glob, or all there are.

    All mistakes of all files are named at once. With --build, a file without `expect` gets the line to paste.
    """
    library = open_library(variants)
    found, problems = _read(library, names)
    marks = [variant.mark for variant in found] + [problem.mark for problem in problems]
    number = len({mark.file for mark in marks if mark})
    checked = [Checked(variant) for variant in found]
    if builds:
        checked, complaints = _build_all(found, library)
        problems += complaints
    if as_json:
        reply("check", [_json(file) for file in checked], [problem_json(problem) for problem in problems])
    else:
        _tell(checked)
        print_problems(problems, err=False)
        errors = _count(len(problems), "error") if problems else "no errors"
        click.echo(f"{_count(number, 'file')}, {errors}")
    return ExitCode.USAGE if problems else ExitCode.DONE


def _read(library: Library, names: Sequence[str]) -> tuple[list[Variant], list[Problem]]:
    """The sound variants among the chosen, and the problems of the rest."""
    chosen = tuple(names) or library.names()
    sound: list[Variant] = []
    problems: dict[Problem, None] = {}
    for name in chosen:
        try:
            sound += library.select([name])
        except SpecError as error:
            problems |= dict.fromkeys(error.problems)
    if not names:
        problems |= dict.fromkeys(library.problems())
    return sound, list(problems)


def _build_all(variants: Sequence[Variant], library: Library) -> tuple[list[Checked], list[Problem]]:
    """What each network turns out to be, and where that is not what its file says."""
    checked: list[Checked] = []
    problems: list[Problem] = []
    built: dict[str, Expect] = {}
    for variant in variants:
        try:
            measured = _measure(variant)
        except SpecError as error:
            problems += error.problems
            continue
        built[variant.name] = measured
        hint = f"as built: {expect_line(measured)}"
        complaints = broken_promises(variant.expect, measured)
        problems += [Problem(variant.expect.mark, "E301", complaint, hint) for complaint in complaints]
        checked.append(Checked(variant, measured, _warning(variant, built, library)))
    return checked, problems


def _measure(variant: Variant) -> Expect:
    """Strides, parameters and multiply-adds of 80 classes at 640 x 640, as trained, without allocating anything."""
    from suite.metrics.flops import count
    from suite.nn.detector import build

    model = build(variant, device="meta").eval()
    params = sum(parameter.numel() for parameter in model.parameters())
    gmacs = count(model, "trained", IMAGE_SIZE).samples[0]
    return Expect(strides=model.strides, params=params, gmacs=round(gmacs, GMACS_DIGITS))


def _warning(variant: Variant, built: Mapping[str, Expect], library: Library) -> str:
    """Strides that the baseline does not have change what a network can see: worth a word even where intended."""
    if not variant.baseline:
        return ""
    strides = built[variant.name].strides
    usual = built.get(variant.baseline, library.load(variant.baseline).expect).strides
    if usual is None or strides == usual:
        return ""
    return f"{variant.name} has strides {strides}, its baseline {variant.baseline} has {usual}"


def _tell(checked: Sequence[Checked]) -> None:
    """The `expect` lines to paste, and the warnings."""
    for file in checked:
        if file.measured and file.variant.expect == Expect():
            click.echo(f"{_place(file.variant)}: {expect_line(file.measured)}")
        if file.warning:
            say(f"warning: {file.warning}")


def _place(variant: Variant) -> str:
    """The variant's file; with its name, where the file describes several."""
    file = variant.mark.file if variant.mark else ""
    return file if Path(file).stem == variant.name else f"{file}: {variant.name}"


def _json(file: Checked) -> Json:
    measured, mark = file.measured, file.variant.mark
    found: dict[str, Json] = {"name": file.variant.name, "file": mark.file if mark else None}
    if measured:
        found["measured"] = {
            "strides": list(measured.strides or ()),
            "params": measured.params,
            "gmacs": measured.gmacs,
        }
    return found | ({"warning": file.warning} if file.warning else {})


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
