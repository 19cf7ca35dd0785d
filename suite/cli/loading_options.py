"""`--workers` and `--cache`: how training pictures come to the network, which changes no result."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from suite.protocols.loading import MOST_WORKERS, Cache, Loading, parse_cache


def chosen(loading: Loading, workers: str | None, cache: Cache | None) -> Loading:
    """The loading with what the command line says of it."""
    if workers is not None:
        loading = replace(loading, workers=None if workers == "auto" else int(workers))
    return loading if cache is None else replace(loading, cache=cache)


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


OPTIONS: tuple[Callable[[Any], Any], ...] = (
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
