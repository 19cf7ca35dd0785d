"""Whether a run is held against what was published, and what it says of itself then."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.model import Report
from reports.run.gather import gather
from reports.run.headline import sentences
from reports.run.published import outside_band, published_sentence
from suite.protocols import load
from suite.record import Json
from tests.narrowing import present
from tests.reports import fixture_store
from tests.reports.fixture_store import BASE, PROTOCOL, Plan

COCO = {"categories": [str(n) for n in range(80)], "val": {"images": 5000, "boxes": 36335}}


def report(folder: Path, ap: float, **changed: Any) -> Report:
    """A run of yolov5s under protocol coco whose seeds have a mean AP of `ap`, on what looks like COCO val2017."""
    protocol: dict[str, Json] = {
        **PROTOCOL,
        "published": load("coco").as_json["published"],
        "recipe": changed.get("recipe", "scratch-low"),
    }
    plan = Plan(base=replace(BASE, name="yolov5s"), variants=(), latency=False, protocol=protocol)
    found = gather(fixture_store.build(folder / "store.sqlite", plan))
    (row,) = found.rows
    shift = ap - present(row.mean("ap"))
    items = [
        replace(item, measurement=replace(
            item.measurement,
            samples=(item.measurement.samples[0] + shift,),
            settings={"image_size": changed.get("image_size", 640)},
        )) if item.measurement.metric == "ap" else item
        for item in row.items
    ]  # fmt: skip
    return replace(
        found, rows=(replace(row, items=tuple(items)),), facts=changed.get("facts", COCO)
    )


@pytest.mark.parametrize("ap", [0.370, 0.374, 0.378])
def test_a_run_within_what_runs_differ_by_reproduces_the_published_ap(
    tmp_path: Path, ap: float
) -> None:
    found = report(tmp_path, ap)

    words = f"Against published results: yolov5s reaches {100 * ap:.1f} AP of 37.4, within the band of ±0.4."
    assert published_sentence(found) == words
    assert words in sentences(found)
    assert outside_band(found, found.rows[0]) == ""


@pytest.mark.parametrize("ap", [0.350, 0.390])
def test_a_run_outside_the_band_says_so_loudly(tmp_path: Path, ap: float) -> None:
    found = report(tmp_path, ap)

    words = f"reaches {100 * ap:.1f} AP of 37.4, outside the band of ±0.4"
    assert published_sentence(found) == f"⚠ Against published results: yolov5s {words}."
    assert outside_band(found, found.rows[0]) == words


OTHER: dict[str, tuple[dict[str, Any], str]] = {
    "pictures": ({"facts": {**COCO, "val": {"images": 200}}}, "pictures 200, not 5000"),
    "categories": ({"facts": {**COCO, "categories": ["a"]}}, "categories 1, not 80"),
    "size": ({"image_size": 320}, "image size 320, not 640"),
    "no facts": ({"facts": {}}, "pictures unknown, not 5000 and categories unknown, not 80"),
}


@pytest.mark.parametrize("what", OTHER)
def test_nothing_is_held_against_other_data_or_another_size(tmp_path: Path, what: str) -> None:
    changed, words = OTHER[what]
    found = report(tmp_path, 0.2, **changed)

    assert words in published_sentence(found)
    assert outside_band(found, found.rows[0]) == ""


def test_another_recipe_is_named_and_not_judged(tmp_path: Path) -> None:
    found = report(tmp_path, 0.35, recipe="tiny")

    assert "which was published with the recipe scratch-low" in published_sentence(found)
    assert outside_band(found, found.rows[0]) == ""


def test_a_protocol_that_nobody_published_says_nothing(tmp_path: Path) -> None:
    found = gather(fixture_store.build(tmp_path / "store.sqlite", Plan(variants=(), latency=False)))

    assert published_sentence(found) == ""
