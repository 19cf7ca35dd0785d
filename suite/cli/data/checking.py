"""`data check`, when it is really called: both parts read, every picture decoded, and what came of it told."""

import time
from pathlib import Path

import click

from reports.dataset import html
from suite.cli.errors import refusing_data
from suite.cli.output import ExitCode, Refusal, reply, say, table
from suite.datasets.findings import Survey
from suite.datasets.formats.forms import read_parts
from suite.datasets.split import Reading, Split
from suite.datasets.survey.counts import survey
from suite.datasets.survey.facts import histogram, summary
from suite.files import WriteError, replacing
from suite.record import Json

_QUIET_SECONDS = 3.0  # between two lines of progress


def check(
    folder: Path,
    page: Path | None,
    *,
    voc_first_pixel: int | None = None,
    strict: bool,
    as_json: bool,
) -> int:
    """Survey a data set and tell what is there and what is odd; the exit code."""
    with refusing_data():
        train, val = read_parts(folder, Reading(voc_first_pixel=voc_first_pixel))
        surveyed = survey(train, val, pictures=page is not None, progress=_Progress().tell)
    broken = [
        example
        for finding in surveyed.findings
        if finding.severity == "error"
        for example in finding.examples
    ]
    if as_json:
        errors: list[Json] = [{"code": "exit-4", "message": example} for example in broken]
        reply("data check", _json(surveyed, train, val), errors)
    else:
        _tell(surveyed)
    if page is not None:
        _write(page, surveyed)
    for example in broken:
        say(f"ablation: {example}")
    if broken:
        return ExitCode.NOTHING
    if strict and surveyed.worst() == "warning":
        return ExitCode.VARIANT_FAILED
    return ExitCode.DONE


class _Progress:
    """Says on stderr how far it is, once in a while."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def tell(self, what: str, done: int, total: int) -> None:
        if time.monotonic() - self._said >= _QUIET_SECONDS:
            self._said = time.monotonic()
            say(f"[{done}/{total}] {what}")


def _write(page: Path, surveyed: Survey) -> None:
    try:
        with replacing(page, durable=False) as part:
            part.write_text(html(surveyed), encoding="utf-8")
    except WriteError:
        raise
    except OSError as error:
        raise Refusal(
            ExitCode.USAGE, f"{page}: cannot be written ({error.strerror or error})"
        ) from error
    say(f"page: {page}")


def _json(surveyed: Survey, train: Split, val: Split) -> Json:
    spread: dict[str, Json] = {
        part.name: {title: list(values) for title, values in part.spread.items()}
        for part in surveyed.parts
    }
    return {
        **summary(train, val),
        "form": surveyed.form,
        "histogram": {"train": histogram(train), "val": histogram(val)},
        "spread": spread,
        "findings": [finding.as_json for finding in surveyed.findings],
    }


def _tell(surveyed: Survey) -> None:
    """Counts and classes of both parts side by side, then the findings."""
    train, val = surveyed.parts
    rows: list[tuple[object, ...]] = [
        ("form", surveyed.form, ""),
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
        spreads = (" ".join(f"{v:.2f}" for v in part.spread[key]) for part in surveyed.parts)
        rows.append((f"{key} (5 25 50 75 95 %)", *spreads))
    table(("", "TRAIN", "VAL"), rows)
    click.echo()
    both = zip(surveyed.categories, train.classes, val.classes, strict=True)
    table(("CATEGORY", "TRAIN", "VAL"), both)
    if surveyed.findings:
        click.echo()
        findings = [
            (each.kind, each.severity, each.part, each.count, ", ".join(each.examples[:3]))
            for each in surveyed.findings
        ]
        table(("FOUND", "SEVERITY", "PART", "COUNT", "EXAMPLES"), findings)
