"""A training that had to do with other pictures than the data set has says so."""

import pytest

from reports.model import Item, Report, Row, Rules
from reports.sections import training
from suite.record import Json, Measurement
from suite.store import JobRecord, RunRecord, VariantRecord

NAMES = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]


def report(**notes: Json) -> Report:
    job = JobRecord("k", "train", "base", "base", seed=2)
    curve = Measurement("loss_curve", 1, "", "trained", (1.0, 0.5), notes={"step": [1, 2], **notes})
    record = VariantRecord("base", "base", "", "", "", "", "base")
    run = RunRecord("r", "", "", "demo", {}, "", {}, "", (), (), (record,))
    return Report(
        run, (Row(record, "base", "", (job,), (Item(job, curve, {}),)),), {}, Rules(), (), {}
    )


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ({}, []),
        (
            {"broken_pictures": NAMES},
            [
                "base, seed 2: 4 pictures did not decode (a.jpg, b.jpg, c.jpg), others took their place"
            ],
        ),
    ],
)
def test_pictures_that_others_took_the_place_of_stand_in_the_section(
    notes: dict, said: list[str]
) -> None:
    assert training.build(report(**notes)).content["broken"] == said
