"""`check`: every mistake in spec files, found without running anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from suite.cli.binding import Decorator, bound
from suite.cli.check.annotations import annotations
from suite.cli.errors import print_problems, problem_json
from suite.cli.garbage import collected_rarely
from suite.cli.library import final, open_library
from suite.cli.options import allow_code_option, json_option, names_argument, variants_option
from suite.cli.output import ExitCode, reply, say
from suite.record import Json
from suite.session.variants import loose_ends, open_match
from suite.spec.library import Library
from suite.spec.records.variant import Expect, Variant
from suite.spec.solve.anchors import anchor_warnings
from suite.spec.views.write import expect_line
from suite.yaml.document import shown_path
from suite.yaml.errors import Problem, SpecError

FORMATS = ("text", "json", "github")


@dataclass(frozen=True, slots=True)
class Checked:
    """A sound file, with warnings; with --build, what its network turned out to be."""

    variant: Variant
    measured: Expect | None = None
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """Which files are checked, how thoroughly, and how that is said."""

    names: tuple[str, ...]
    variants: tuple[Path, ...]
    allow_code: bool
    build: bool
    export: bool
    form: str

    @property
    def builds(self) -> bool:
        """Whether networks are built."""
        return self.build or self.export


_OPTIONS: tuple[Decorator, ...] = (
    names_argument(),
    variants_option,
    allow_code_option,
    click.option(
        "--build",
        is_flag=True,
        help="Build each network too: does it train, is it what was promised?",
    ),
    click.option(
        "--export",
        is_flag=True,
        help="With --build: try torch.export too, some seconds a variant.",
    ),
    click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="How to say it; github: annotations that a workflow shows at the lines.",
    ),
)


@click.command("check")
@bound(CheckOptions, _OPTIONS)
@json_option
def command(options: CheckOptions, *, as_json: bool) -> int:
    """Check spec files: NAME, FILE, FOLDER or glob, or all there are.

    All mistakes of all files are named at once. With --build, a file without `expect` gets the line to paste.
    """
    allow_code = options.allow_code if options.builds else None
    names, folders = _asked_for(options)
    library = open_library((*options.variants, *folders), allow_code=allow_code)
    variants, problems = _read(library, names) if names or not folders else ([], [])
    for folder in folders:
        others, complaints = _read_folder(library, folder)
        variants += [variant for variant in others if variant not in variants]
        problems += [problem for problem in complaints if problem not in problems]
    files = _count_files(variants, problems)
    checked = [Checked(variant, warnings=anchor_warnings(variant)) for variant in variants]
    if options.builds and variants:
        with collected_rarely():
            checked, complaints = _try_all(variants, library, exports=options.export)
        problems += complaints
    if as_json or options.form == "json":
        errors = [problem_json(problem) for problem in problems]
        reply("check", [_json(file) for file in checked], errors)
    else:
        _tell(checked, problems, files=files, github=options.form == "github")
    return ExitCode.USAGE if problems else ExitCode.DONE


def _count_files(variants: Sequence[Variant], problems: Sequence[Problem]) -> int:
    """How many files were read: one may hold several variants."""
    marks = [variant.mark for variant in variants] + [problem.mark for problem in problems]
    return len({mark.file for mark in marks if mark})


def _asked_for(options: CheckOptions) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """The names and files, and the folders; a variant goes before a folder that is called like it."""
    folders = [name for name in options.names if Path(name).is_dir()]
    known = open_library(options.variants).names() if folders else ()
    folders = [name for name in folders if name not in known]
    names = tuple(name for name in options.names if name not in folders)
    return names, tuple(map(Path, folders))


def _read_folder(library: Library, folder: Path) -> tuple[list[Variant], list[Problem]]:
    """The sound variants of a folder, and the problems of its other files."""
    own = Library((folder,))
    if own.names():
        variants, problems = _read(library, own.names())
        return variants, [*problems, *own.misnamed]
    nothing = Problem(None, "E210", f"no variant files in {shown_path(folder)}")
    return [], [*own.misnamed] or [nothing]


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
    for variant in sound:
        problems |= dict.fromkeys(loose_ends(variant, library))
    if not names:
        problems |= dict.fromkeys(library.problems())
    return sound, list(problems)


def _try_all(
    variants: Sequence[Variant], library: Library, *, exports: bool
) -> tuple[list[Checked], list[Problem]]:
    """What each network turns out to be; where that is not what its file says, and where it is not fit to be used."""
    from suite.cli.check.build import Builder  # brings torch, which checking alone does without

    builder = Builder(library, exports=exports)
    checked: list[Checked] = []
    problems: dict[Problem, None] = {}
    for loaded in variants:
        try:
            variant = final(loaded, library)
            trial, warnings, complaints = builder.look(variant)
        except SpecError as error:
            problems |= dict.fromkeys(error.problems)
            continue
        problems |= dict.fromkeys(complaints)
        anchors = anchor_warnings(variant, trial.measured.strides)
        checked.append(Checked(variant, trial.measured, (*anchors, *warnings)))
    return checked, list(problems)


def _tell(
    checked: Sequence[Checked], problems: Sequence[Problem], *, files: int, github: bool
) -> None:
    """What is wrong, in text or as annotations, and one line that sums it up."""
    if github:
        remarks = [remark for file in checked for remark in (*file.warnings, *_promise(file))]
        for line in annotations([*problems, *remarks]):
            click.echo(line)
    else:
        _tell_remarks(checked)
        print_problems(problems, err=False)
    errors = _count(len(problems), "error") if problems else "no errors"
    open_widths = sum(bool(open_match(file.variant.match)) for file in checked)
    waiting = f", {open_widths} matched at build" if open_widths else ""
    click.echo(f"{_count(files, 'file')}{waiting}, {errors}")


def _tell_remarks(checked: Sequence[Checked]) -> None:
    """The `expect` lines to paste, and the warnings."""
    for file in checked:
        for promise in _promise(file):
            click.echo(f"{_file_of(file.variant)}: {promise.hint}")
        for warning in file.warnings:
            say(str(warning))


def _promise(file: Checked) -> list[Problem]:
    """A notice with the line to paste, where a network was built and its file promises nothing."""
    if file.measured is None or file.variant.expect != Expect():
        return []
    variant = file.variant
    notice = Problem(variant.mark, "N301", "the file promises nothing", expect_line(file.measured))
    return [notice.within(variant.name)]


def _file_of(variant: Variant) -> str:
    """The variant's file; with its name, where the file describes several."""
    file = variant.mark.file if variant.mark else ""
    return file if Path(file).stem == variant.name else f"{file}: {variant.name}"


def _json(file: Checked) -> Json:
    measured, mark = file.measured, file.variant.mark
    document: dict[str, Json] = {
        "name": file.variant.name,
        "file": mark.file if mark else None,
    }
    if measured:
        document["measured"] = {
            "strides": list(measured.strides or ()),
            "params": measured.params,
            "gmacs": measured.gmacs,
        }
    if file.warnings:
        document["warnings"] = [warning.message for warning in file.warnings]
    return document


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
