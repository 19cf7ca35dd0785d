"""YOLOv5's 23 published model files against tests/golden/yolov5/variants.json, each imported and built.

The files come in the wheel `yolov5` 7.0.14 and are no part of this project: ABLATION_YOLOV5_WHEEL names the folder in
which one is unpacked. Without it these tests are skipped; tests/spec/yolov5/test_import.py has rows of its own.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.nn.weights.reference import reference_indices, reference_names
from suite.spec.blocks.signatures import default_signatures
from suite.spec.library import Library
from suite.spec.records.variant import Layer, Variant
from suite.spec.views.write import write
from suite.spec.yolov5.importer import import_model
from tests.nn.reference_fill import GOLDEN, fill, image, statistic

SETTING = "ABLATION_YOLOV5_WHEEL"
MODELS = Path(os.environ.get(SETTING, "")) / "yolov5" / "models"
EXPECTED: dict[str, dict[str, Any]] = json.loads((GOLDEN / "variants.json").read_text())
WITH_ANCHORS = {  # published with placeholders
    "yolov5-p2": "yolov5l_p2",
    "yolov5-p34": "yolov5s_p34",
    "yolov5-p6": "yolov5l_p6",
    "yolov5-p7": "yolov5l_p7",
}
OURS = {
    **{f"yolov5{size}": f"yolov5{size}" for size in "nsmlx"},
    **{f"yolov5{size}6": f"yolov5{size}6" for size in "nsmlx"},
    "yolov3": "yolov3",
    "yolov3-spp": "yolov3_spp",
    "yolov3-tiny": "yolov3_tiny",
    "yolov5-bifpn": "yolov5l_bifpn",
    "yolov5-fpn": "yolov5l_fpn",
    "yolov5-panet": "yolov5l_panet",
    "yolov5s-ghost": "yolov5s_ghost",
    "yolov5s-LeakyReLU": "yolov5s_leakyrelu",
    "yolov5s-transformer": "yolov5s_c3tr",
}
FILLED = [name for name, expected in EXPECTED.items() if "fill_sha256" in expected]

pytestmark = pytest.mark.skipif(
    SETTING not in os.environ,
    reason=f"{SETTING} names no folder with the unpacked wheel yolov5 7.0.14",
)
every_file = pytest.mark.parametrize("name", EXPECTED)


@cache
def imported(name: str) -> Variant:
    path = next(
        path
        for path in (MODELS / f"{name}.yaml", MODELS / "hub" / f"{name}.yaml")
        if path.is_file()
    )
    return import_model(path.read_text(), path.name, name, default_signatures()).variant


def parameters(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def without_unread_tags(layers: Sequence[Layer]) -> list[Layer]:
    return [
        replace(layer, tags={t: i for t, i in layer.tags.items() if t[0] in "np"})
        for layer in layers
    ]


@every_file
def test_an_imported_file_has_the_published_size_strides_and_rows(name: str) -> None:
    expected, model = EXPECTED[name], build(imported(name), device="meta")

    assert (parameters(model), parameters(deploy(model))) == (
        expected["params"],
        expected["params_fused"],
    )
    assert list(model.strides) == expected["stride"]
    assert reference_indices(model)["head"] == expected["layers"] - 1


@every_file
def test_an_imported_file_has_the_published_tensors(name: str) -> None:
    names = reference_names(build(imported(name), device="meta")).values()
    whole = {n.rpartition(".")[0] if "in_proj" in n else n for n in names}

    assert len(whole) == EXPECTED[name]["state_dict_entries"]


@every_file
def test_the_text_of_an_imported_file_is_a_variant_of_the_same_network(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / f"{name}.yaml"
    path.write_text(write(imported(name)))

    assert Library((), extra=path).load(name).fingerprint == imported(name).fingerprint


@pytest.mark.parametrize(("theirs", "ours"), OURS.items())
def test_an_imported_file_is_the_variant_that_is_shipped(theirs: str, ours: str) -> None:
    assert imported(theirs).fingerprint == Library().load(ours).fingerprint


@pytest.mark.parametrize("name", FILLED)
def test_an_imported_network_gives_the_published_maps_and_boxes(name: str) -> None:
    expected, model = EXPECTED[name], build(imported(name))

    sha256 = fill(model)
    with torch.no_grad():
        raw = model.eval()(image("x".join(map(str, expected["input_shape"]))))
        decoded = model.head.decode(raw)

    assert sha256 == expected["fill_sha256"]
    rows = [*expected["raw_heads_f32"], expected["decoded_f32"]]
    for actual, (shape, *numbers) in zip((*raw, decoded), rows, strict=True):
        size, *statistics = statistic(actual)
        assert size == shape
        assert statistics == pytest.approx(numbers, rel=0, abs=1e-4 * numbers[2])


@pytest.mark.parametrize(("theirs", "ours"), WITH_ANCHORS.items())
def test_an_imported_file_is_the_shipped_variant_but_for_its_anchors(
    theirs: str, ours: str
) -> None:
    shipped = Library().load(ours).layers
    head = replace(imported(theirs).layers[-1], options=shipped[-1].options)

    assert (*without_unread_tags(imported(theirs).layers[:-1]), head) == (
        *without_unread_tags(shipped[:-1]),
        shipped[-1],
    )
