"""The library of variants that a command works with, and what it says of a user's own code."""

from collections.abc import Sequence
from pathlib import Path

from suite.cli.output import say
from suite.spec.library import VARIANTS, Library
from suite.spec.userblocks import lies_in_project
from suite.yaml.document import shown_path


def open_library(variants: Sequence[Path] = (), *, allow_code: bool | None = None) -> Library:
    """The shipped variants and those of the given folders; SpecError if a folder cannot be read.

    `allow_code` is the option of that name where networks are built, None where specs are only read: then no code of
    a user's runs, and none need be allowed.
    """
    told: set[Path] = set()

    def trust(spec: Path, file: Path) -> bool:
        own = lies_in_project(spec, file)
        if own and not allow_code and file not in told:
            told.add(file)
            say(f"using the blocks of {shown_path(file)}, which lies in this project")
        return own or bool(allow_code)

    return Library((VARIANTS, *variants), trust=None if allow_code is None else trust)
