"""Options that several commands share."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from suite.cli.output import say
from suite.spec.document import shown_path
from suite.spec.library import VARIANTS, Library
from suite.spec.userblocks import lies_in_project

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(function: Command) -> Command:
    """`--json`, as `as_json`: one document on stdout."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")(function)


def variants_option(function: Command) -> Command:
    """`--variants DIR`, as `variants`: folders for `open_library`."""
    return click.option(
        "--variants",
        multiple=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        envvar="ABLATION_VARIANTS",
        metavar="DIR",
        help="Folder of more variants; a file in it stands in for the shipped one of its name. Repeatable.",
    )(function)


def names_argument(*, required: bool = False) -> Callable[[Command], Command]:
    """`NAME...`, as `names`: variants' names, globs or files."""
    return click.argument(
        "names",
        metavar="NAME..." if required else "[NAME]...",
        nargs=-1,
        required=required,
        shell_complete=complete_name,
    )


def name_argument(function: Command) -> Command:
    """`NAME`, as `name`: one variant's name or file."""
    return click.argument("name", shell_complete=complete_name)(function)


def allow_code_option(function: Command) -> Command:
    """`--allow-code`, as `allow_code`, for commands that build networks."""
    return click.option(
        "--allow-code",
        is_flag=True,
        help="Let the block files that specs name run, wherever they lie. Read them first.",
    )(function)


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


def complete_name(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The variants' names, or files, that the word under the cursor may become."""
    folders = context.params.get("variants") or ()
    names = open_library(folders).names()
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or ([CompletionItem(incomplete, type="file")] if os.sep in incomplete else [])
