"""Libraries and final variants as a command has them: what there is to say of them goes to stderr."""

from collections.abc import Sequence
from pathlib import Path

from suite.cli.output import say
from suite.record import Json
from suite.session import variants as session
from suite.spec.library import Library
from suite.spec.records.variant import Variant


def open_library(folders: Sequence[Path] = (), *, allow_code: bool | None = None) -> Library:
    """As `suite.session.variants.open_library`; a block file of the project that is used is named."""
    return session.open_library(folders, allow_code=allow_code, tell=say)


def refuse_unknown(names: Sequence[str], folders: Sequence[Path] = ()) -> None:
    """Raise what is wrong with the variants that a command names, before it loads torch for them.

    Raises:
        SpecError: there is no such variant, or it has mistakes.
    """
    if names:
        session.open_library(folders).select(names)


def final(variant: Variant, library: Library, out: Path = session.OUT) -> Variant:
    """As `suite.session.variants.final`; what came of a match is told."""
    return session.final(variant, library, out, say)


def finals(
    variants: Sequence[Variant], library: Library, out: Path = session.OUT
) -> tuple[Variant, ...]:
    """All of them, as `final` gives each."""
    return session.finals(variants, library, out, say)


def identity_json(variant: Variant) -> dict[str, Json]:
    """What `list --json` and `show --json` say of which variant it is; no fingerprint while its width is open."""
    is_open = bool(session.open_match(variant.match))
    return {
        "name": variant.name,
        "title": variant.title,
        "paper": variant.paper,
        "base": variant.base,
        "baseline": variant.baseline,
        "control": variant.control,
        "fingerprint": None if is_open else variant.fingerprint,
    }
