"""Options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from suite.cli.library import open_library

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(function: Command) -> Command:
    """`--json`, as `as_json`: one document on stdout."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document instead of text."
    )(function)


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


def complete_name(
    context: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The variants' names, or files, that the word under the cursor may become."""
    folders = context.params.get("variants") or ()
    names = open_library(folders).names()
    completions = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    if not completions and os.sep in incomplete:
        return [CompletionItem(incomplete, type="file")]
    return completions


def out_option(about: str, default: Path = Path("out")) -> Callable[[Command], Command]:
    """`--out DIR`, as `out`: a folder."""
    return click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        default=default,
        show_default=True,
        metavar="DIR",
        help=about,
    )


def weights_option(function: Command) -> Command:
    """`--weights FILE`, as `weights`: what training starts from."""
    return click.option(
        "--weights",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Start from a checkpoint (.safetensors), YOLOv5's .pt, or timm's .safetensors; each layer from its own.",
    )(function)


def _workers(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    from suite.protocols.loading import MOST_WORKERS  # `list` and `check` do without protocols

    if text is None or text == "auto" or (text.isdecimal() and int(text) <= MOST_WORKERS):
        return text
    raise click.BadParameter(
        f"it is 'auto' or a whole number from 0 to {MOST_WORKERS}, not {text!r}", context, parameter
    )


def _cache(context: click.Context, parameter: click.Parameter, text: str | None) -> object:
    from suite.protocols.loading import parse_cache

    try:
        return None if text is None else parse_cache(text)
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from error


LOADING_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--workers",
        metavar="N",
        callback=_workers,
        help="Processes that make batches ahead of each training; 'auto' goes by the machine. Changes no result.",
    ),
    click.option(
        "--cache",
        metavar="WHERE",
        callback=_cache,
        help="Keep decoded pictures: ram:SIZE, disk:DIR[:SIZE] or none, such as ram:4G. Changes no result.",
    ),
)
