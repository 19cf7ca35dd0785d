"""The variants that a session works with: where they are from, whose code may run, and their final widths."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from suite.spec.library import VARIANTS, Library
from suite.spec.records.cost import Match
from suite.spec.records.variant import Variant
from suite.spec.userblocks import lies_in_project
from suite.yaml.document import shown_path
from suite.yaml.errors import Problem, SpecError

Tell: TypeAlias = Callable[[str], None]
"""Is given one line for a reader."""

OUT = Path("out")
_METRICS = {"flops": "multiply-adds", "params": "parameters", "latency": "latency"}


def silent(line: str) -> None:
    """Tells nobody."""


def open_library(
    folders: Sequence[Path] = (), *, allow_code: bool | None = None, tell: Tell = silent
) -> Library:
    """The shipped variants and those of the given folders.

    Args:
        folders: of more variants; a file in them stands in for the shipped one of its name.
        allow_code: whether block files that lie outside the project may run where networks are built; None where
            specs are only read: then no code of a user's runs, and none need be allowed.
        tell: is told once of each block file of the project that is used.

    Raises:
        SpecError: a folder cannot be read.
    """
    mentioned: set[Path] = set()

    def trust(spec: Path, file: Path) -> bool:
        in_project = lies_in_project(spec, file)
        if in_project and not allow_code and file not in mentioned:
            mentioned.add(file)
            tell(f"using the blocks of {shown_path(file)}, which lies in this project")
        return in_project or bool(allow_code)

    return Library((VARIANTS, *folders), trust=None if allow_code is None else trust)


def loose_ends(variant: Variant, library: Library, *, weights: bool = True) -> tuple[Problem, ...]:
    """What a sound variant names outside the language and is not there: its recipe, and its weights file.

    Args:
        variant: what `library` has loaded.
        library: knows where the names are written.
        weights: whether the weights file is looked for; not where the variant is to start from another.
    """
    problems: list[Problem] = []
    if weights and variant.weights and not Path(variant.weights).is_file():
        message = f"no weights file {shown_path(Path(variant.weights))}"
        hint = "weights are files of this machine and never downloaded"
        problems.append(Problem(library.stated(variant, "weights"), "E006", message, hint))
    if variant.recipe:
        from suite.train.recipe import recipe  # listing does without recipes

        try:
            recipe(variant.recipe)
        except SpecError as error:
            mark = library.stated(variant, "recipe")
            problems += (replace(each, mark=each.mark or mark) for each in error.problems)
    return tuple(problems)


def final(variant: Variant, library: Library, out: Path = OUT, tell: Tell = silent) -> Variant:
    """The variant with the width that its `match` leaves open; any other as it is.

    Args:
        variant: what `library` has loaded.
        library: where the variant that it is matched to is from.
        out: keeps widths that were found by timing.
        tell: is told what came of the search, with a warning where no width comes near enough.

    Raises:
        SpecError: there is no such width.
    """
    if variant.match is None:
        return variant
    from suite.match import solved  # brings the machine's description, which listing does without

    if variant.match.metric == "latency":
        tell(f"matching {variant.name} to the latency of {variant.match.to} ...")
    matched = solved(variant, library, out)
    assert matched.match is not None
    tell(_outcome(matched.name, matched.match))
    return matched


def finals(
    variants: Sequence[Variant], library: Library, out: Path = OUT, tell: Tell = silent
) -> tuple[Variant, ...]:
    """All of them, as `final` gives each."""
    return tuple(final(variant, library, out, tell) for variant in variants)


def open_match(match: Match | None) -> str:
    """What is said of a variant whose width is found when it is built; "" of others."""
    if match is None or match.solution:
        return ""
    return (
        f"matched at build to the {_METRICS[match.metric]} of {match.to}, "
        f"by {match.by}, to {100 * match.tolerance:g} %"
    )


def _outcome(name: str, match: Match) -> str:
    solution = match.solution
    assert solution is not None
    digits = 0 if match.metric == "params" else 3
    cost, target = (f"{number:,.{digits}f}" for number in (solution.cost, solution.target))
    line = (
        f"{name}: width {solution.width:g} costs {cost} {solution.unit}, "
        f"{100 * solution.residual:+.2f} % from the {target} of {match.to}"
    )
    if abs(solution.residual) <= match.tolerance:
        return line
    allowed = f"{100 * match.tolerance:g} %"
    return f"warning: {line}; it comes no nearer than that, and {allowed} are allowed"
