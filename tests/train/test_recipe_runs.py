"""Every shipped recipe, and those that change the shape of batches, on a network and pictures of a few numbers."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from suite.datasets.loading.loader import TrainingBatches
from suite.nn.detector import build
from suite.spec.records.variant import Variant
from suite.train.loop import Trained
from suite.train.recipe import RECIPES, Recipe, recipe
from tests.datasets.made_pictures import made_picture, made_split
from tests.train.trainings import train

LOW = recipe("scratch-low")
RECTANGLES = replace(LOW, name="rectangles", rect=True, augment=replace(LOW.augment, mosaic=0.0))
SIZES = replace(LOW, name="sizes", augment=replace(LOW.augment, multi_scale=0.5))
NINE = replace(LOW, name="nine", augment=replace(LOW.augment, mosaic9=1.0))
ADAM = replace(LOW, name="adam", optimizer=replace(LOW.optimizer, kind="adam", rate=0.001))
SHIPPED = [recipe(file.stem) for file in sorted(RECIPES.glob("*.yaml"))]


def trained(made: Recipe, variant: Variant, folder: Path) -> Trained:
    shapes = [(64, 32), (32, 64), (64, 48), (64, 64)]
    pictures = [
        made_picture(folder, n, shape, [[4, 4, 20, 20]], labels=[n % 2])
        for n, shape in enumerate(shapes)
    ]
    loader = TrainingBatches(
        made_split(folder, *pictures), image_size=64, batch=2, steps=6, seed=0, augment=made.augment,
        image_weights=made.image_weights, rect=made.rect,
    )  # fmt: skip
    return train(build(variant, 2, seed=0), variant, loader, made, steps=6)


@pytest.mark.parametrize(
    "made", [*SHIPPED, RECTANGLES, SIZES, NINE, ADAM], ids=lambda made: made.name
)
def test_a_recipe_trains_and_gives_the_same_weights_twice(
    made: Recipe, mini: Variant, tmp_path: Path
) -> None:
    first, second = (trained(made, mini, tmp_path) for _ in range(2))

    weights = first.ema_model.state_dict()
    assert all(torch.isfinite(value).all() for value in weights.values())
    assert first.pictures == second.pictures
    assert all(
        torch.equal(value, second.ema_model.state_dict()[name]) for name, value in weights.items()
    )
    begun = build(mini, 2, seed=0).state_dict()
    assert any(not torch.equal(value, begun[name]) for name, value in weights.items())
