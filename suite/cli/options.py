"""Options that several commands share."""

import os
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import click
from click.shell_completion import CompletionItem

from suite.cli.library import open_library
from suite.protocols.loading import MOST_WORKERS, Cache, parse_cache

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


def bound(record: type, decorators: Sequence[Decorator]) -> Decorator:
    """Give a command these arguments and options; it receives those named like fields of `record` as one record.

    The record is the command's first argument; options that it has no field for arrive by their names.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def command(**values: Any) -> Any:
            chosen = {field.name: values.pop(field.name) for field in fields(record)}
            return function(record(**chosen), **values)

        decorated: Callable[..., Any] = command
        for decorator in reversed(decorators):
            decorated = decorator(decorated)
        return decorated

    return decorate


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


def image_size_option(
    about: str = "Side of the image in pixels.", *, default: int = 640
) -> Decorator:
    """`--imgsz N` or `--image-size N`, as `image_size`."""
    return click.option(
        "--imgsz",
        "--image-size",
        "image_size",
        type=click.IntRange(32),
        default=default,
        show_default=True,
        help=about or None,
    )


def seeds_option(name: str, about: str) -> Decorator:
    """Seeds such as "0,1,2" or "0-2", as the option's name; () where it is not given."""
    return click.option(name, metavar="N-M,...", callback=_parse_seeds, help=about)


def _parse_seeds(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[int, ...]:
    seeds: list[int] = []
    for part in text.split(",") if text is not None else ():
        first, dash, last = part.strip().partition("-")
        if not dash:
            last = first
        if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
            message = (
                "seeds are whole numbers or ranges such as 0-2, with commas between them, "
                f"not {part!r}"
            )
            raise click.BadParameter(message, context, parameter)
        seeds += range(int(first), int(last) + 1)
    if len(set(seeds)) != len(seeds):
        raise click.BadParameter("a seed is named twice", context, parameter)
    return tuple(seeds)


def weights_option(function: Command) -> Command:
    """`--weights FILE`, as `weights`: what training starts from."""
    return click.option(
        "--weights",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Start from a checkpoint (.safetensors), YOLOv5's .pt, or timm's .safetensors; each layer from its own.",
    )(function)


def _workers(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    if text is None or text == "auto" or (text.isdecimal() and int(text) <= MOST_WORKERS):
        return text
    raise click.BadParameter(
        f"it is 'auto' or a whole number from 0 to {MOST_WORKERS}, not {text!r}", context, parameter
    )


def _cache(context: click.Context, parameter: click.Parameter, text: str | None) -> Cache | None:
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
