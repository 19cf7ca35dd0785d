"""`list`: the variants that there are."""

from collections.abc import Sequence
from pathlib import Path

import click

from suite.cli.errors import print_problems, problem_json
from suite.cli.library import identity_json, open_library
from suite.cli.options import json_option, names_argument, variants_option
from suite.cli.output import ExitCode, reply, table
from suite.record import Json
from suite.session.variants import open_match
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.yaml.errors import Problem, SpecError


@click.command("list")
@names_argument()
@variants_option
@json_option
def command(names: tuple[str, ...], variants: tuple[Path, ...], as_json: bool) -> int:
    """List variants: name, title, base, and the variant that differences refer to.

    NAME may be a glob; without any, all are listed. A file with mistakes is named on stderr, and the rest is listed.
    """
    listed, problems = _collect(open_library(variants), names)
    if as_json:
        errors = [problem_json(problem) for problem in problems]
        reply("list", [_json(variant) for variant in listed], errors)
    else:
        rows = [
            (variant.name, _title(variant), variant.base, variant.baseline) for variant in listed
        ]
        table(("NAME", "TITLE", "BASE", "BASELINE"), rows)
        print_problems(problems)
    return ExitCode.USAGE if problems else ExitCode.DONE


def _collect(
    library: Library, names: Sequence[str]
) -> tuple[tuple[Variant, ...], tuple[Problem, ...]]:
    """The chosen variants; without names all that are sound, and the problems of the others."""
    if names:
        return library.select(names), ()
    sound: list[Variant] = []
    for name in library.names():
        try:
            sound.append(library.load(name))
        except SpecError:  # in problems()
            continue
    return tuple(sound), library.problems()


def _title(variant: Variant) -> str:
    """With a word for those whose width is not known yet."""
    return f"{variant.title} (matched at build)" if open_match(variant.match) else variant.title


def _json(variant: Variant) -> Json:
    return {**identity_json(variant), "match": open_match(variant.match) or None}
