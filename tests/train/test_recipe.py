import sys
from pathlib import Path
from subprocess import run

import pytest

from suite.spec.errors import SpecError
from suite.train.recipe import AugmentSettings, recipe


def written(folder: Path, text: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(text)
    return file


def test_the_tiny_recipe_says_what_was_measured() -> None:
    tiny = recipe("tiny")

    assert (tiny.name, tiny.optimizer.kind, tiny.schedule.shape, tiny.ema.decay) == ("tiny", "adamw", "cosine", 0.99)
    assert tiny.loss.scale_gains is False
    assert tiny.augment == AugmentSettings(fliplr=0.5)


def test_scratch_low_is_yolov5s_recipe() -> None:
    low = recipe("scratch-low")

    assert (low.optimizer.rate, low.optimizer.momentum, low.optimizer.decay) == (0.01, 0.937, 0.0005)
    assert (low.optimizer.nominal_batch, low.schedule.final, low.schedule.warmup_bias_rate) == (64, 0.01, 0.1)
    assert (low.loss.box, low.loss.objectness, low.loss.classes, low.loss.anchor_threshold) == (0.05, 1, 0.5, 4)
    assert (low.augment.mosaic, low.augment.hsv_saturation, low.augment.scale) == (1, 0.7, 0.5)


def test_an_unknown_recipe_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(SpecError, match="no recipe 'tinny'; did you mean 'tiny'"):
        recipe("tinny")


def test_every_mistake_of_a_file_is_named_with_its_place(tmp_path: Path) -> None:
    file = written(tmp_path, "title: mine\noptimizer: {rat: 1, kind: adam}\nema: {decay: 2}\nprecision: 16\n")

    with pytest.raises(SpecError) as caught:
        recipe(file)

    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert "mine.yaml:2:13: error E102: unknown key 'rat'; did you mean 'rate'?" in lines[0]
    assert "kind cannot be 'adam'; did you mean 'adamw'?" in lines[1]
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
