"""What training began with stands beside every accuracy, and an unequal start is said aloud."""

from typing import Any

import pytest

from reports.model import Item, Report, Row, Rules
from reports.start import start_warning, start_words
from reports.table import columns
from suite.record import Measurement
from suite.store import JobRecord, RunRecord, VariantRecord

SCRATCH = {"form": "scratch"}
WHOLE = {"form": "checkpoint", "file": "base.safetensors", "sha256": "a", "share": 1.0}
PART = {**WHOLE, "share": 0.87}


def row(name: str, *starts: dict[str, Any], baseline: str = "") -> Row:
    job = JobRecord(name, "train", name, name, seed=0)
    ap = Measurement("ap", 1, "", "trained", (0.5,))
    items = tuple(Item(job, ap, {"start": start}) for start in starts)
    record = VariantRecord(name, name, "", baseline, baseline, "", name)
    return Row(record, "variant" if baseline else "base", baseline, (job,), items)


def report(*rows: Row) -> Report:
    run = RunRecord(
        "r", "", "", "demo", {}, "", {}, "", (), (), tuple(each.record for each in rows)
    )
    return Report(run, rows, {}, Rules(), (), {})


@pytest.mark.parametrize(
    ("starts", "words", "cell"),
    [
        ([SCRATCH, SCRATCH], "from scratch", "scratch"),
        # of a store that did not record it yet: there were no weights then
        ([{}], "from scratch", "scratch"),
        ([PART], "87 % of parameters from base.safetensors", "87 % loaded"),
        ([], "", "–"),
    ],
)
def test_a_row_says_what_its_training_began_with(
    starts: list[dict[str, Any]], words: str, cell: str
) -> None:
    found = row("base", *starts)

    start = next(column for column in columns(report(found)) if column.key == "start")
    assert start_words(found) == words
    assert start.cell(found).text == cell


@pytest.mark.parametrize(
    ("base", "variant", "warned"),
    [
        (SCRATCH, SCRATCH, False),
        (WHOLE, {**WHOLE, "share": 0.97}, False),
        (WHOLE, PART, True),
        (WHOLE, {**WHOLE, "sha256": "b"}, True),
        (WHOLE, SCRATCH, True),
    ],
)
def test_a_start_unlike_the_base_s_is_a_warning(
    base: dict[str, Any], variant: dict[str, Any], warned: bool
) -> None:
    rows = row("base", base), row("changed", variant, baseline="base")

    warning = start_warning(report(*rows), rows[1])

    assert bool(warning) == warned
    assert not warned or warning.startswith(
        "started from scratch" if variant is SCRATCH else "started "
    )
