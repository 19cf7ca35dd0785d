"""Options of several commands whose values are numbers."""

import click

from suite.cli.binding import Decorator

MOST_SEEDS = 1000  # of a run or a side; nobody trains as often


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
        span = range(int(first), int(last) + 1)
        if len(seeds) + len(span) > MOST_SEEDS:
            raise click.BadParameter(
                f"at most {MOST_SEEDS} seeds, not {part!r}", context, parameter
            )
        seeds += span
    if len(set(seeds)) != len(seeds):
        raise click.BadParameter("a seed is named twice", context, parameter)
    return tuple(seeds)
