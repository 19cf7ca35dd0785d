"""Variants made final before they are built: a width that `match` leaves open is found, and what came of it told."""

from collections.abc import Sequence
from pathlib import Path

from suite.cli.output import say
from suite.spec.library import Library
from suite.spec.records.cost import Match
from suite.spec.records.variant import Variant

OUT = Path("out")
_METRICS = {"flops": "multiply-adds", "params": "parameters", "latency": "latency"}


def final(variant: Variant, library: Library, out: Path = OUT) -> Variant:
    """The variant with its width found; any other as it is.

    Raises:
        SpecError: there is no such width.
    """
    if variant.match is None:
        return variant
    from suite.match import solved

    if variant.match.metric == "latency":
        say(f"matching {variant.name} to the latency of {variant.match.to} ...")
    found = solved(variant, library, out)
    assert found.match is not None
    say(_told(found.name, found.match))
    return found


def finals(variants: Sequence[Variant], library: Library, out: Path = OUT) -> tuple[Variant, ...]:
    """All of them, as `final` gives each."""
    return tuple(final(variant, library, out) for variant in variants)


def open_words(match: Match | None) -> str:
    """What is said of a variant whose width is found when it is built; "" of others."""
    if match is None or match.solution:
        return ""
    return (
        f"matched at build to the {_METRICS[match.metric]} of {match.to}, "
        f"by {match.by}, to {100 * match.tolerance:g} %"
    )


def _told(name: str, match: Match) -> str:
    solution = match.solution
    assert solution is not None
    digits = 0 if match.metric == "params" else 3
    cost, target = (f"{number:,.{digits}f}" for number in (solution.cost, solution.target))
    line = (
        f"{name}: width {solution.width:g} costs {cost} {solution.unit}, "
        f"{100 * solution.residual:+.2f} % from the {target} of {match.to}"
    )
    missed = abs(solution.residual) > match.tolerance
    return (
        f"warning: {line}; it comes no nearer than that, and {100 * match.tolerance:g} % are allowed"
        if missed
        else line
    )
