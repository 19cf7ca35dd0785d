from collections.abc import Callable
from typing import Any

import pytest

from suite.spec.library import Library
from suite.spec.records.objective import Assigner, Loss, Suppression
from suite.spec.records.source import SpecFile
from suite.spec.records.variant import Norm, Variant
from suite.spec.solve.resolve import INHERITED, inherited
from suite.yaml.errors import SpecError
from suite.yaml.mark import Mark

MARK = Mark("f.yaml", 1, 1)
BASE = Variant(
    name="base",
    title="T",
    layers=(),
    freeze=("neck",),
    recipe="r",
    control="broken",
    activation="relu",
    norm=Norm("group"),
    loss=Loss("siou"),
    nms=Suppression("soft"),
    weights="/w.pt",
)
STATED: dict[str, Any] = {
    "freeze": (),
    "recipe": "",
    "control": "",
    "activation": "gelu",
    "norm": Norm(),
    "loss": Loss(),
    "assigner": Assigner("simota"),
    "nms": Suppression(),
    "weights": "",
}


@pytest.mark.parametrize("key", INHERITED)
def test_what_a_file_leaves_out_is_the_bases(key: str) -> None:
    assert inherited(SpecFile("child", MARK, {}), BASE)[key] == getattr(BASE, key)


@pytest.mark.parametrize("key", INHERITED)
def test_what_a_file_states_replaces_the_bases_even_if_it_is_empty(key: str) -> None:
    spec = SpecFile("child", MARK, {}, **{key: STATED[key]})

    assert inherited(spec, BASE)[key] == STATED[key]


def test_yolov5s_activation_written_out_is_none() -> None:
    assert inherited(SpecFile("child", MARK, {}, activation="silu"), BASE)["activation"] == ""


def test_a_layer_that_gets_too_wide_is_reported_once(library: Callable[..., Library]) -> None:
    made = library(wide="base: base\nwidth: 64")

    with pytest.raises(SpecError) as caught:
        made.load("wide")

    messages = [problem.message for problem in caught.value.problems]
    assert len(messages) == len(set(messages))
    assert all("at most 16384 are allowed" in message for message in messages)
