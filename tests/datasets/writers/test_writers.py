"""One set through the tools that people use, and back: what each loses is lost, told where a file shows it, no more."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from suite.datasets.formats import one_part
from suite.datasets.formats.forms import only_part, read_split
from suite.datasets.split import DataError, Reading, Split
from suite.metrics.accuracy.coco_match import from_results, match, truth_of
from suite.stats.coco import rates, summary
from tests.datasets.writers.twelve import NAMES, PICTURES, SIDES, draw, objects

WRITTEN = json.loads((Path(__file__).parent / "written.json").read_text())
BARE = "picture found by its bare name: the stated path leaves the folder"
NO_SHEET = "picture without a sheet, taken for one without objects"
ID_0 = "annotation numbered anew: id 0"
FROM_1 = "corners may count pixels from 1 (--voc-first-pixel tells)"
Crowd = Literal["crowd", "dropped", "object"]


@dataclass(frozen=True)
class Expected:
    """What became of the crowd, by how many pixels sides are off, what is told, and where pictures have to be put."""

    crowd: Crowd
    off: float = 0.0
    told: frozenset[str] = frozenset()
    put: str = ""
    first_pixel: int | None = None


EXPECTED = {
    "datumaro-coco": Expected("crowd"),
    "datumaro-voc": Expected("crowd", told=frozenset((NO_SHEET,))),
    "datumaro-yolo": Expected("dropped", 1e-4),
    "datumaro-yolo_ultralytics": Expected("dropped", 1e-4),
    "globox-coco": Expected("object", told=frozenset((ID_0,)), put="images/{part}/{name}.jpg"),
    "globox-voc": Expected("object", put="{part}/images/{name}.jpg"),
    "label_studio-coco": Expected("object", told=frozenset((BARE,)), put="images/{bare}.jpg"),
    "label_studio-voc": Expected("object", 1, frozenset((NO_SHEET,)), "images/{bare}.jpg"),
    "label_studio-yolo": Expected("object", put="images/{bare}.jpg"),
    "labelme2coco-coco": Expected("object", 1, frozenset((BARE,)), "images/{bare}.jpg"),
    "supervision-coco": Expected("crowd"),
    "supervision-voc": Expected("object", 2, first_pixel=1),
    "supervision-yolo": Expected("object", 1.001),
}


def laid(tmp_path: Path, writer: str, put: str) -> Path:
    """The texts as they were written, and the pictures; a set in one part gets lists of the two it was made of."""
    folder = tmp_path / writer
    for name, text in WRITTEN[writer]["texts"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{root}", str(tmp_path)))
    for name, shown in WRITTEN[writer]["pictures"].items():
        draw(folder / name, shown)
    for part, names in PICTURES.items() if put else ():
        for name in names:
            bare = name.rpartition("/")[2]
            draw(folder / put.format(part=part, name=name, bare=bare), name)
    if writer.startswith("label_studio"):
        files = only_part(folder)
        one_part.write_lists(
            folder,
            {part: [f for f in files if Path(f).stem[0] == part[0]] for part in one_part.PARTS},
        )
    return folder


def boxes(split: Split) -> dict[str, list[tuple[str, bool, list[float]]]]:
    """Class, crowd and box by picture."""
    return {
        picture.file.stem: sorted(
            (split.categories[label].name, bool(crowd), [float(side) for side in box])
            for box, label, crowd in zip(picture.boxes, picture.labels, picture.crowd, strict=True)
        )
        for picture in split.pictures
    }


def made(part: str, crowd: Crowd) -> dict[str, list[tuple[str, bool, list[float]]]]:
    return {
        name.rpartition("/")[2]: sorted(
            (NAMES[row["category_id"]], bool(row["iscrowd"]) and crowd == "crowd", row["bbox"])
            for row in objects(name)
            if crowd != "dropped" or not row["iscrowd"]
        )
        for name in PICTURES[part]
    }


@pytest.mark.parametrize("writer", EXPECTED)
@pytest.mark.parametrize("part", ["train", "val"])
def test_what_a_tool_wrote_is_what_was_made_but_for_what_it_loses(
    tmp_path: Path, writer: str, part: Any
) -> None:
    expected = EXPECTED[writer]
    reading = Reading(voc_first_pixel=expected.first_pixel)

    split = read_split(laid(tmp_path, writer, expected.put), part, reading)

    found, wanted = boxes(split), made(part, expected.crowd)
    assert found.keys() == wanted.keys()
    for name, rows in wanted.items():
        assert [row[:2] for row in found[name]] == [row[:2] for row in rows]
        apart = np.array([row[2] for row in found[name]]) - np.array([row[2] for row in rows])
        assert np.abs(apart).max(initial=0) <= expected.off + 1e-9
    assert expected.told <= {issue.kind for issue in split.issues}


def detections(split: Split) -> list[dict[str, Any]]:
    """Every object of the validation part found, and more surely a thing within the crowd that is none."""
    ids = {category.name: category.id for category in split.categories}
    pictures = {picture.file.stem: picture.id for picture in split.pictures}
    rows = [
        {"image_id": pictures[name], "category_id": ids[word], "bbox": box, "score": 0.9}
        for name, things in made("val", "dropped").items()
        for word, _, box in things
    ]
    within = {"image_id": pictures["v2"], "category_id": ids["ant"], "bbox": [10, 52, 20, 12]}
    return [*rows, {**within, "score": 0.95}]


# of ant, which has three objects. What lies in a crowd is ignored. Without the crowd it is false and comes first, so
# that precision is 3/4 in the end. With one object more, which nothing finds, recall ends at 3/4, the 76th of 101
AP50_OF_ANT = {"crowd": 1.0, "dropped": 3 / 4, "object": 3 / 4 * 76 / 101}


@pytest.mark.parametrize("writer", EXPECTED)
def test_the_same_detections_have_the_ap_that_the_loss_explains(
    tmp_path: Path, writer: str
) -> None:
    """At an IoU of 0.5, which a pixel more or less does not touch; at all where boxes are as they were made."""
    expected = EXPECTED[writer]
    reading = Reading(voc_first_pixel=expected.first_pixel)
    val = read_split(laid(tmp_path, writer, expected.put), "val", reading)

    truth = truth_of(val)
    numbers = summary(rates(match(truth, from_results(truth, detections(val)))))

    wanted = (AP50_OF_ANT[expected.crowd] + 1 + 1) / 3
    assert numbers[1] == pytest.approx(wanted)
    assert expected.off >= 1 or numbers[0] == pytest.approx(wanted)


def test_corners_that_supervision_counts_from_1_are_told(tmp_path: Path) -> None:
    split = read_split(laid(tmp_path, "supervision-voc", ""), "val")

    assert [issue.kind for issue in split.issues] == [FROM_1]


def test_ids_that_sahi_writes_as_classes_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="class '7'; there are 4 names, for the classes 0 to 3"):
        read_split(laid(tmp_path, "sahi-yolo", ""), "val")


def test_the_pictures_have_the_size_that_every_tool_states(tmp_path: Path) -> None:
    for writer, expected in EXPECTED.items():
        split = read_split(laid(tmp_path, writer, expected.put), "val")
        assert {(p.width, p.height) for p in split.pictures} == {SIDES}
