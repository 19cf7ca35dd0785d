"""What is said of anchors before a training."""

from dataclasses import replace

import pytest

from suite.datasets.builtin.shapes import ensure
from suite.datasets.formats.forms import read_split
from suite.datasets.split import Split
from suite.record import Json
from suite.session.anchors import tell_anchors
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.yaml.errors import SpecError

IN_CELLS: Json = [[1.25, 1.625], [1.875, 3.8125], [3.625, 2.8125]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Split:
    return read_split(ensure(tmp_path_factory.mktemp("d"), train=4, val=1, size=64), "train")


def changed(anchors: Json, name: str = "mine") -> Variant:
    base = Library().load("yolov5p")
    head = replace(base.layers[-1], options={"anchors": anchors})
    return replace(base, name=name, layers=(*base.layers[:-1], head))


def told(
    variants: tuple[Variant, ...], data: Split, *, size: int = 64, always: bool = False
) -> list[str]:
    lines: list[str] = []
    tell_anchors(variants, data, image_size=size, threshold=4, tell=lines.append, always=always)
    return lines


def test_anchors_that_take_few_boxes_are_a_warning_with_the_share(data: Split) -> None:
    # ten pictures wide, no box is within four times of 4 pixels
    of_strides, of_data = told((changed(IN_CELLS),), data, size=10_000)

    assert "W303" in of_strides
    assert of_data == (
        f"warning: the anchors of mine can take 0.0 % of the {data.box_count} training boxes at 10000 pixels; "
        "`import --anchors-from DATA` finds others"
    )


def test_usual_anchors_are_told_only_where_that_is_asked_for(data: Split) -> None:
    pair = (Library().load("yolov5p"), Library().load("yolov5p_wide"))

    (line,) = told(pair, data, size=128, always=True)

    assert told(pair, data, size=128) == []
    assert line.startswith("the anchors of yolov5p and 1 more can take 100.0 % of the ")


def test_placeholders_end_it_before_anything_is_told(data: Split) -> None:
    with pytest.raises(SpecError, match="placeholders"):
        told((changed(3),), data)


def test_a_head_without_anchors_says_nothing(data: Split) -> None:
    assert told((Library().load("tiny_decoupled"),), data, always=True) == []


def test_data_without_boxes_says_nothing(data: Split) -> None:
    empty = replace(data, pictures=())

    assert told((Library().load("yolov5p"),), empty, always=True) == []
