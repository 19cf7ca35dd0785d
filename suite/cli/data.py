"""`data`: look at a data set before a run does, or write the built-in one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from suite.cli.datasets import refusing_data
from suite.cli.options import json_option
from suite.cli.output import ExitCode, Refusal, reply, say, table
from suite.record import Json

if TYPE_CHECKING:
    from suite.datasets.split import Split


@click.group("data")
def command() -> None:
    """Check a data set (COCO JSON, YOLO txt, Pascal VOC), or write the built-in one."""


@command.command("check")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@json_option
def check(folder: Path, as_json: bool) -> int:
    """Read both parts of the data set in DIR, decode every picture, and say what is there and what is left out.

    Exits with 4 if the set cannot be used, or if a picture would stop a run because it does not decode.
    """
    from suite.datasets.facts import facts, histogram
    from suite.datasets.forms import read_split

    with refusing_data():
        parts = {"train": read_split(folder, "train"), "val": read_split(folder, "val")}
        known = facts(parts["train"], parts["val"])
    problems = [problem for part in parts.values() for problem in _undecodable(part)]
    histograms = {name: histogram(part) for name, part in parts.items()}
    if as_json:
        about: dict[str, Json] = {key: value for key, value in known.items() if key != "gallery"}
        errors: list[Json] = [{"code": "exit-4", "message": problem} for problem in problems]
        reply("data check", {**about, "histogram": {**histograms}}, errors)
    else:
        _tell(parts, known, histograms)
    for problem in problems:
        say(f"ablation: {problem}")
    return ExitCode.NOTHING if problems else ExitCode.DONE


@command.command("make")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--train", type=click.IntRange(1), default=1000, show_default=True, help="Pictures to train on.")
@click.option("--val", type=click.IntRange(1), default=200, show_default=True, help="Pictures to validate on.")
@click.option("--size", type=click.IntRange(32, 4096), default=128, show_default=True, help="Side in pixels.")
@json_option
def make(folder: Path, *, seed: int, train: int, val: int, size: int, as_json: bool) -> int:
    """Write the built-in data set into DIR: scenes of textured shapes, the same bytes for the same numbers."""
    from suite.datasets.shapes import ensure

    try:
        with refusing_data():
            ensure(folder, seed=seed, train=train, val=val, size=size)
    except OSError as error:
        raise Refusal(ExitCode.USAGE, f"{folder}: cannot be written ({error.strerror or error})") from error
    if as_json:
        reply("data make", {"folder": str(folder), "seed": seed, "train": train, "val": val, "size": size})
    else:
        click.echo(f"{folder}: {train} pictures to train on, {val} to validate on")
    return ExitCode.DONE


def _undecodable(part: "Split") -> list[str]:
    from suite.datasets.decode import load_image
    from suite.datasets.split import DataError

    problems = []
    for picture in part.pictures:
        try:
            load_image(picture)
        except DataError as error:
            problems.append(str(error))
    return problems


def _tell(parts: "dict[str, Split]", known: dict[str, Any], histograms: dict[str, Any]) -> None:
    """Counts, sizes and categories of both parts, side by side, then what was left out or mended."""
    train, val = histograms["train"], histograms["val"]
    rows: list[tuple[str, object, object]] = [
        (title, known["train"][key], known["val"][key])
        for key, title in (
            ("images", "pictures"),
            ("empty", "without objects"),
            ("boxes", "boxes"),
            ("crowds", "crowds"),
        )
    ]
    rows += [(f"{key} objects", train["sizes"][key], val["sizes"][key]) for key in train["sizes"]]
    rows += [
        (f"{key} in a picture", train["per_picture"][key], val["per_picture"][key]) for key in train["per_picture"]
    ]
    table(("", "TRAIN", "VAL"), rows)
    click.echo()
    both = zip(train["categories"], val["categories"], strict=True)
    table(("CATEGORY", "TRAIN", "VAL"), [(name, n, m) for (name, n), (_, m) in both])
    issues = [(name, issue) for name, part in parts.items() for issue in part.issues]
    if issues:
        click.echo()
        table(
            ("LEFT OUT OR MENDED", "PART", "COUNT", "EXAMPLES"),
            [(issue.kind, name, issue.count, ", ".join(issue.examples)) for name, issue in issues],
        )
