import json
from dataclasses import replace

import pytest

from suite.stats.budget import Used, budget_difference, used

PLAIN = Used("steps", 600, 8, 600, 4800, 1e13, 30.0, "budget", "0a0b0c0d")


def test_what_was_used_survives_the_store() -> None:
    assert used(json.loads(json.dumps(PLAIN.as_json))) == PLAIN


def test_notes_of_another_version_say_nothing() -> None:
    assert used({"steps": 600}) is None


@pytest.mark.parametrize(
    ("kind", "amount", "words"),
    [
        ("steps", 600, "600 steps in batches of 8"),
        ("epochs", 1, "1 epoch in batches of 8"),
        ("flops", 2e15, "2e+15 FLOPs in batches of 8"),
        ("seconds", 90, "90 s in batches of 8"),
    ],
)
def test_a_budget_in_words(kind: str, amount: float, words: str) -> None:
    assert replace(PLAIN, kind=kind, amount=amount).stated == words


def test_equal_budgets_on_equal_pictures_may_be_compared() -> None:
    assert budget_difference({0: PLAIN, 1: PLAIN}, {0: PLAIN, 2: PLAIN}) == ""


def test_nothing_known_is_no_difference() -> None:
    assert budget_difference({}, {0: PLAIN}) == ""


def test_equal_flops_may_be_compared_whatever_the_steps() -> None:
    flops = replace(PLAIN, kind="flops", amount=1e13)

    assert budget_difference({0: replace(flops, steps=500, pictures="1")}, {0: flops}) == ""


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            replace(PLAIN, amount=300),
            "it was trained for 600 steps in batches of 8, its base for 300 steps",
        ),
        (replace(PLAIN, kind="epochs", amount=5), "its base for 5 epochs in batches of 8"),
        (replace(PLAIN, batch=16), "its base for 600 steps in batches of 16"),
        (
            replace(PLAIN, end="patience", steps=90),
            "seed 0 of its base was stopped early, after 90 steps",
        ),
        (replace(PLAIN, pictures="ffffffff"), "seed 0 saw other pictures than seed 0 of its base"),
    ],
)
def test_mixed_budgets_are_refused_with_the_reason(other: Used, words: str) -> None:
    assert words in budget_difference({0: PLAIN}, {0: other})


def test_seeds_of_one_variant_with_two_budgets_are_refused() -> None:
    mixed = {0: PLAIN, 1: replace(PLAIN, amount=300)}

    assert "300 steps in batches of 8 or 600 steps" in budget_difference(mixed, mixed)
