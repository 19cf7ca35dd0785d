"""What a training began with, in words."""

import pytest

from suite.metrics.evidence.training import TrainingStart


@pytest.mark.parametrize(
    ("start", "seed", "words"),
    [
        ({}, None, "from scratch"),
        ({"form": "scratch"}, None, "from scratch"),
        ({"form": "scratch"}, 3, "from scratch, seed 3"),
        (
            {"file": "a.pt", "share": 0.466, "form": "YOLOv5"},
            3,
            "from weights a.pt: 47 % of parameters loaded",
        ),
        ({"file": "a.pt", "share": 1}, None, "from weights a.pt: 100 % of parameters loaded"),
    ],
)
def test_a_start_is_described_with_its_weights_or_its_seed(
    start: dict, seed: int | None, words: str
) -> None:
    assert TrainingStart.from_json(start).described(seed) == words
