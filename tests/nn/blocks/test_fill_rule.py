"""The fill rule itself, against a few of its values."""

import json

import pytest
import torch

from tests.nn.blocks.fill import GOLDEN, value


@pytest.mark.parametrize(
    ("key", "kind", "shape"),
    [
        ("uniform_x:4_first4", "x", (4,)),
        ("fill_w_8_3_3_3_first4", "w", (8, 3, 3, 3)),
        ("fill_rv_16_first4", "rv", (16,)),
    ],
)
def test_the_first_values_of_a_tensor_are_the_rules(
    key: str, kind: str, shape: tuple[int, ...]
) -> None:
    expected = json.loads((GOLDEN / "fill_rule_check.json").read_text())[key]

    actual = value(kind, shape).flatten()[:4].tolist()

    assert actual == pytest.approx(expected, rel=1e-9)


def test_a_1x1_convolution_is_filled_like_a_linear_layer() -> None:
    assert torch.equal(value("w", (16, 8, 1, 1)).flatten(), value("w", (16, 8)).flatten())
