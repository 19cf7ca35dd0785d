import math
import sys
from dataclasses import asdict
from pathlib import Path
from subprocess import run

import pytest

from suite.datasets.augment.settings import Augment
from suite.train.recipe import RECIPES, Recipe, recipe
from suite.yaml.errors import SpecError


def written(folder: Path, text: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(text)
    return file


def test_the_tiny_recipe_says_what_was_measured() -> None:
    tiny = recipe("tiny")

    assert (tiny.name, tiny.optimizer.kind, tiny.schedule.shape, tiny.ema.decay) == (
        "tiny",
        "adamw",
        "cosine",
        0.99,
    )
    assert tiny.loss.scale_gains is False
    assert tiny.augment == Augment(fliplr=0.5)


# YOLOv5 v7.0's hyp.scratch-low, -med and -high: its name, our place, the three values
PUBLISHED = [
    ("lr0", "optimizer.rate", 0.01, 0.01, 0.01),
    ("lrf", "schedule.final", 0.01, 0.1, 0.1),
    ("momentum", "optimizer.momentum", 0.937, 0.937, 0.937),
    ("weight_decay", "optimizer.decay", 0.0005, 0.0005, 0.0005),
    ("warmup_epochs of 300", "schedule.warmup_share", 3 / 300, 3 / 300, 3 / 300),
    ("warmup_momentum", "schedule.warmup_momentum", 0.8, 0.8, 0.8),
    ("warmup_bias_lr", "schedule.warmup_bias_rate", 0.1, 0.1, 0.1),
    ("box", "loss.box", 0.05, 0.05, 0.05),
    ("cls", "loss.classes", 0.5, 0.3, 0.3),
    ("cls_pw", "loss.classes_positive_weight", 1, 1, 1),
    ("obj", "loss.objectness", 1.0, 0.7, 0.7),
    ("obj_pw", "loss.objectness_positive_weight", 1, 1, 1),
    ("anchor_t", "loss.anchor_threshold", 4, 4, 4),
    ("fl_gamma", "loss.focal_gamma", 0, 0, 0),
    ("hsv_h", "augment.hsv_hue", 0.015, 0.015, 0.015),
    ("hsv_s", "augment.hsv_saturation", 0.7, 0.7, 0.7),
    ("hsv_v", "augment.hsv_value", 0.4, 0.4, 0.4),
    ("degrees", "augment.degrees", 0, 0, 0),
    ("translate", "augment.translate", 0.1, 0.1, 0.1),
    ("scale", "augment.scale", 0.5, 0.9, 0.9),
    ("shear", "augment.shear", 0, 0, 0),
    ("perspective", "augment.perspective", 0, 0, 0),
    ("flipud", "augment.flipud", 0, 0, 0),
    ("fliplr", "augment.fliplr", 0.5, 0.5, 0.5),
    ("mosaic", "augment.mosaic", 1, 1, 1),
    ("mixup", "augment.mixup", 0, 0.1, 0.1),
    ("copy_paste", "augment.copy_paste", 0, 0, 0.1),
    # train.py's own, the same whatever the file
    ("--optimizer", "optimizer.kind", "sgd", "sgd", "sgd"),
    ("nbs", "optimizer.nominal_batch", 64, 64, 64),
    ("max_norm of the gradients", "optimizer.clip", 10, 10, 10),
    ("without --cos-lr", "schedule.shape", "linear", "linear", "linear"),
    ("least warm-up iterations", "schedule.warmup_steps", 100, 100, 100),
    ("ModelEMA decay", "ema.decay", 0.9999, 0.9999, 0.9999),
    ("ModelEMA tau", "ema.ramp", 2000, 2000, 2000),
    ("gains by classes, size and levels", "loss.scale_gains", True, True, True),
    ("--label-smoothing", "loss.label_smoothing", 0, 0, 0),
    ("autobalance", "loss.autobalance", False, False, False),
    ("mosaics of nine, which no code path draws", "augment.mosaic9", 0, 0, 0),
    ("--multi-scale", "augment.multi_scale", 0, 0, 0),
    ("--image-weights", "image_weights", False, False, False),
    ("--rect", "rect", False, False, False),
]
# keys that YOLOv5 does not have, which must do nothing in its recipes
OWN = {
    "optimizer.second_momentum": 0.999,
    "optimizer.layer_decay": 1,
    "augment.cutmix": 0,
    "augment.erasing": 0,
}
OWN |= {
    "augment.randaugment": 0,
    "augment.randaugment_magnitude": 9,
    "augment.randaugment_spread": 0.5,
}

# keys of how it is computed and when it ends
COMPUTING = {"precision", "compile", "checkpointing", "deterministic", "evaluate_every", "patience"}


def values(made: Recipe) -> dict[str, object]:
    """Every setting by its place, such as "loss.box"."""
    flat: dict[str, object] = {}
    for key, value in asdict(made).items():
        flat |= (
            {f"{key}.{inner}": v for inner, v in value.items()}
            if isinstance(value, dict)
            else {key: value}
        )
    return flat


@pytest.mark.parametrize(
    ("name", "column"), [("scratch-low", 2), ("scratch-med", 3), ("scratch-high", 4)]
)
def test_recipes_from_scratch_are_yolov5s(name: str, column: int) -> None:
    made = values(recipe(name))

    published = {row[1]: row[column] for row in PUBLISHED}
    assert {place: made[place] for place in published} == published
    assert {place: made[place] for place in OWN} == OWN
    assert made.keys() - published.keys() - OWN.keys() == {"name", "title", *COMPUTING}


def test_convnexts_recipe_says_that_it_departs() -> None:
    made = recipe("convnext")

    assert made.title.startswith("A departure from YOLOv5")
    assert (made.optimizer.kind, made.optimizer.rate, made.optimizer.decay) == ("adamw", 2e-4, 0.05)
    assert (
        made.optimizer.momentum,
        made.optimizer.second_momentum,
        made.optimizer.layer_decay,
    ) == (0.9, 0.999, 0.7)
    assert made.schedule.warmup_share == pytest.approx(20 / 300, rel=1e-5)
    assert math.isclose(made.schedule.final * 4e-3, 1e-6)
    assert (made.augment.randaugment, made.augment.randaugment_magnitude, made.augment.erasing) == (
        2,
        9,
        0.25,
    )


@pytest.mark.parametrize("file", sorted(RECIPES.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_shipped_recipe_is_sound(file: Path) -> None:
    assert recipe(file.stem).title


@pytest.mark.parametrize("other", ["augment: {mosaic: 0.5}", "image_weights: true"])
def test_rectangles_exclude_what_needs_squares_or_an_order_of_its_own(
    tmp_path: Path, other: str
) -> None:
    with pytest.raises(
        SpecError, match=r"mine.yaml:2:1: error E105: `rect` and `\w+` exclude each other; leave"
    ):
        recipe(written(tmp_path, f"title: mine\nrect: true\n{other}\n"))


def test_an_unknown_recipe_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(SpecError, match="no recipe 'tinny'; did you mean 'tiny'"):
        recipe("tinny")


def test_every_mistake_of_a_file_is_named_with_its_place(tmp_path: Path) -> None:
    file = written(
        tmp_path, "title: mine\noptimizer: {rat: 1, kind: adamm}\nema: {decay: 2}\nprecision: 16\n"
    )

    with pytest.raises(SpecError) as caught:
        recipe(file)

    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert "mine.yaml:2:13: error E102: unknown key 'rat'; did you mean 'rate'?" in lines[0]
    assert "kind cannot be 'adamm'; did you mean 'adam'?" in lines[1]
    assert "decay is from 0 to 1, not 2" in lines[2]
    assert "precision is a word, not 16" in lines[3]


def test_a_file_that_says_nothing_else_has_yolov5s_defaults(tmp_path: Path) -> None:
    mine = recipe(written(tmp_path, "title: mine\n"))

    assert mine.optimizer.rate == 0.01
    assert mine.name == "mine"


def test_a_recipe_needs_a_title(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="missing key 'title'"):
        recipe(written(tmp_path, "precision: fp32\n"))


def test_reading_a_recipe_does_not_load_torch() -> None:
    code = "import sys, suite.train.recipe as r; r.recipe('tiny'); sys.exit('torch' in sys.modules)"

    assert run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patience: 3", "`patience` counts evaluations, of which there are none"),
        ("compile: true\ncheckpointing: true", "`compile` and `checkpointing` exclude each other"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        recipe(written(tmp_path, f"title: mine\n{text}\n"))
