"""`data check`: what is in a data set, and what is odd about it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from suite.cli.errors import refusing_data
from suite.cli.options import json_option
from suite.cli.output import ExitCode, Refusal, reply, say, table
from suite.record import Json

if TYPE_CHECKING:
    from suite.datasets.findings import Survey
    from suite.datasets.split import Split

_QUIET_SECONDS = 3.0  # between two lines of progress


@click.command("check")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it as an HTML page with pictures, too.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 if there is any warning.")
@json_option
def command(folder: Path, page: Path | None, *, strict: bool, as_json: bool) -> int:
    """Read both parts of the data set in DIR, decode every picture, and say what is there and what is odd.

    DIR has COCO JSON, YOLO txt or Pascal VOC, or is a YOLO data.yaml itself. Odd are pictures and boxes that were left
    out or mended, suspicious boxes, classes without objects, pictures that are there twice, and such as are in both
    parts. Exits with 2 if a file is wrong, with 4 if nothing can be used or a picture would stop a run.
    """
    from suite.datasets.formats.forms import read_split
    from suite.datasets.survey.counts import survey

    with refusing_data():
        train, val = read_split(folder, "train"), read_split(folder, "val")
        found = survey(train, val, pictures=page is not None, progress=_Teller().tell)
    errors: list[Json] = [
        {"code": "exit-4", "message": example}
        for finding in found.findings
        if finding.severity == "error"
        for example in finding.examples
    ]
    if as_json:
        reply("data check", _json(found, train, val), errors)
    else:
        _tell(found)
    if page is not None:
        _write(page, found)
    for finding in found.findings:
        if finding.severity == "error":
            for example in finding.examples:
                say(f"ablation: {example}")
    if errors:
        return ExitCode.NOTHING
    return ExitCode.VARIANT_FAILED if strict and found.worst() == "warning" else ExitCode.DONE


class _Teller:
    """Says on stderr how far it is, once in a while."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def tell(self, done: int, total: int) -> None:
        if time.monotonic() - self._said >= _QUIET_SECONDS:
            self._said = time.monotonic()
            say(f"[{done}/{total}] pictures decoded")


def _write(page: Path, found: "Survey") -> None:
    from reports.dataset import html

    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(html(found), encoding="utf-8")
    except OSError as error:
        raise Refusal(
            ExitCode.USAGE, f"{page}: cannot be written ({error.strerror or error})"
        ) from error
    say(f"page: {page}")


def _json(found: "Survey", train: "Split", val: "Split") -> Json:
    from suite.datasets.survey.facts import histogram, summary

    spread: dict[str, Json] = {
        part.name: {title: list(values) for title, values in part.spread.items()}
        for part in found.parts
    }
    return {
        **summary(train, val),
        "form": found.form,
        "histogram": {"train": histogram(train), "val": histogram(val)},
        "spread": spread,
        "findings": [finding.as_json for finding in found.findings],
    }


def _tell(found: "Survey") -> None:
    """Counts and classes of both parts side by side, then the findings."""
    train, val = found.parts
    rows: list[tuple[str, object, object]] = [
        ("form", found.form, ""),
        ("pictures", train.pictures, val.pictures),
        ("without objects", train.empty, val.empty),
        ("boxes", train.boxes, val.boxes),
        ("crowds", train.crowds, val.crowds),
    ]
    rows += [(f"{key} objects", train.sizes[key], val.sizes[key]) for key in train.sizes]
    rows += [
        (f"{key} in a picture", train.per_picture[key], val.per_picture[key])
        for key in train.per_picture
    ]
    for key in train.spread:
        words = [" ".join(f"{value:.2f}" for value in part.spread[key]) for part in found.parts]
        rows.append((f"{key} (5 25 50 75 95 %)", *words))  # type: ignore[arg-type]  # two parts
    table(("", "TRAIN", "VAL"), rows)
    click.echo()
    both = zip(found.categories, train.classes, val.classes, strict=True)
    table(("CATEGORY", "TRAIN", "VAL"), both)
    if found.findings:
        click.echo()
        table(
            ("FOUND", "SEVERITY", "PART", "COUNT", "EXAMPLES"),
            [
                (f.kind, f.severity, f.part, f.count, ", ".join(f.examples[:3]))
                for f in found.findings
            ],
        )
