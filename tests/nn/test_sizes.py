"""Sides of pictures: a multiple of the coarsest stride of any layer, told before anything runs, everywhere."""

from pathlib import Path

import pytest

import suite
from suite.cli.main import main
from suite.metrics.cost.complexity import measure_complexity
from suite.metrics.cost.forms import build_forms
from suite.metrics.speed.latency import Settings, measure_latency
from suite.nn.detector import build
from suite.nn.sizes import coarsest_stride, require_image_size, require_image_sizes
from suite.spec.library import VARIANTS, Library
from suite.train.recipe import recipe
from suite.train.run import run_training
from suite.yaml.errors import SpecError
from tests.small_runs import protocol_text
from tests.train.trainings import training_of

SMALL = Library().load("yolov5p")  # strides 8, 16, 32


def test_a_level_that_the_head_leaves_out_counts(tmp_path: Path) -> None:
    """The finer levels are joined with what comes back from stride 32."""
    (tmp_path / "fine.yaml").write_text(
        "base: yolov5p\nhead: [{block: anchor.AnchorHead, inputs: [n3], anchors: [[10, 13]]}]\n"
    )
    model = build(Library((VARIANTS, tmp_path)).load("fine"), 2, device="meta")

    assert (model.strides, coarsest_stride(model)) == ((8,), 32)


@pytest.mark.parametrize("size", [32, 64, 96, 640])
def test_a_multiple_is_taken(size: int) -> None:
    require_image_size(build(SMALL, 2, device="meta"), size)


@pytest.mark.parametrize(("size", "near"), [(0, 32), (16, 32), (33, 32), (100, 96), (639, 608)])
def test_any_other_is_refused_with_one_that_suits(size: int, near: int) -> None:
    with pytest.raises(
        SpecError, match=f"E313: image size {size}: yolov5p needs a multiple of 32; such as {near}"
    ):
        require_image_size(build(SMALL, 2, device="meta"), size)


def test_all_variants_and_sizes_that_do_not_suit_are_told_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        require_image_sizes((SMALL, SMALL), {"image_size": 100, "cost.image_size": 640})

    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    "words",
    [
        ["train", "yolov5p", "--imgsz", "100"],
        ["build", "yolov5p", "--to", "torch", "--imgsz", "100"],
        ["cost", "yolov5p", "--no-audit", "--imgsz", "100"],
        ["cost", "yolov5p", "--memory", "--imgsz", "100"],
        ["bench", "yolov5p", "--imgsz", "100"],
        ["bench", "yolov5p", "--stages", "--imgsz", "64,100"],
        ["calibrate", "yolov5p", "--imgsz", "100"],
    ],
    ids=lambda words: " ".join(words),
)
def test_every_command_refuses_it_before_anything_runs(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(words) == 2

    assert "100: yolov5p needs a multiple of 32; such as 96" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["image_size", "cost.image_size", "latency.image_size"])
def test_every_size_of_a_protocol_is_held_to_the_rule(
    key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, _, _ = key.rpartition(".")
    text = protocol_text(seeds="[0]", metrics="[size, latency, accuracy]")
    lines = [
        line.replace("image_size: 64", "image_size: 100")
        if line.startswith(table or "image")
        else line
        for line in text.splitlines()
    ]
    file = tmp_path / "mine.yaml"
    file.write_text("\n".join(lines))
    assert file.read_text() != text.rstrip("\n")

    with pytest.raises(SpecError, match=f"{key} 100: yolov5p.* needs a multiple of 32"):
        suite.run(file, out=tmp_path / "out")
    assert not (tmp_path / "out" / "store.sqlite").exists()


def test_python_refuses_it_where_a_network_is_counted_timed_or_trained() -> None:
    with pytest.raises(SpecError, match="E313"):
        measure_complexity(build_forms(SMALL, 2), 100)
    with pytest.raises(SpecError, match="E313"):
        measure_latency(SMALL, SMALL, Settings(image_size=100))
    with pytest.raises(SpecError, match="E313"):
        run_training(training_of(SMALL, recipe("tiny"), image_size=100))
