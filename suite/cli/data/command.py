"""`data`: look at a data set before a run does, split it, fetch COCO, or write the built-in one."""

import importlib
from pathlib import Path

import click

from suite.cli.errors import refusing_data
from suite.cli.options import json_option
from suite.cli.output import ExitCode, Refusal, reply
from suite.files import REFUSED

_LAZY = ("check", "prepare", "split")  # loaded when they are called


class _Group(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_LAZY})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _LAZY:
            subcommand: click.Command = importlib.import_module(
                f"suite.cli.data.{cmd_name}"
            ).command
            return subcommand
        return super().get_command(ctx, cmd_name)


@click.group("data", cls=_Group)
def command() -> None:
    """Check a data set (COCO JSON, YOLO txt, Pascal VOC), split it, fetch COCO, or write the built-in one."""


@command.command("make")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--train", type=click.IntRange(1), default=1000, show_default=True, help="Pictures to train on."
)
@click.option(
    "--val", type=click.IntRange(1), default=200, show_default=True, help="Pictures to validate on."
)
@click.option(
    "--size", type=click.IntRange(32, 4096), default=128, show_default=True, help="Side in pixels."
)
@json_option
def make(folder: Path, *, seed: int, train: int, val: int, size: int, as_json: bool) -> int:
    """Write the built-in data set into DIR: scenes of textured shapes, the same bytes for the same numbers."""
    from suite.datasets.builtin.shapes import ensure  # brings numpy, which `--help` does without

    try:
        with refusing_data():
            ensure(folder, seed=seed, train=train, val=val, size=size)
    except OSError as error:
        code = ExitCode.UNFIT if error.errno in REFUSED else ExitCode.USAGE
        raise Refusal(code, f"{folder}: cannot be written ({error.strerror or error})") from error
    if as_json:
        reply(
            "data make",
            {"folder": str(folder), "seed": seed, "train": train, "val": val, "size": size},
        )
    else:
        click.echo(f"{folder}: {train} pictures to train on, {val} to validate on")
    return ExitCode.DONE
