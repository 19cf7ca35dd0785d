"""Speed of a training step, of its loss, and of suppression at evaluation's threshold; one thread."""

from collections.abc import Iterator

import pytest
import torch

from suite.datasets.loading.loader import Batch
from suite.nn.detector import build
from suite.nn.suppression import nms
from suite.spec.library import Library
from suite.train.losses.assign import Priors
from suite.train.losses.loss import DetectionLoss
from suite.train.recipe import recipe
from tests.narrowing import opened
from tests.train.trainings import train


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def noise(size: int, classes: int, boxes_an_image: int = 6) -> Batch:
    """Eight images with boxes of 15 to 40 % of the side."""
    generator = torch.Generator().manual_seed(0)
    count = 8 * boxes_an_image
    image = torch.arange(8).repeat_interleave(boxes_an_image)[:, None]
    label = torch.randint(0, classes, (count, 1), generator=generator)
    places = torch.rand(count, 2, generator=generator)
    sizes = 0.15 + 0.25 * torch.rand(count, 2, generator=generator)
    images = torch.randint(
        0, 256, (8, size, size, 3), dtype=torch.uint8, generator=generator
    ).permute(0, 3, 1, 2)
    return Batch(images, torch.cat((image, label, places, sizes), 1))


@pytest.mark.parametrize(
    ("name", "size", "classes", "steps"),
    [("yolov5p", 128, 4, 10), ("yolov5n", 320, 80, 3)],
    ids=("ten-of-yolov5p-128", "three-of-yolov5n-320"),
)
def test_training_steps(benchmark, name: str, size: int, classes: int, steps: int) -> None:
    variant, batch = Library().load(name), noise(size, classes)

    def run() -> None:
        train(
            build(variant, classes, seed=0), variant, [batch] * steps, recipe("tiny"), steps=steps
        )

    benchmark.pedantic(run, rounds=3, warmup_rounds=1)


def test_loss_forward_and_backward_of_the_built_in_job(benchmark) -> None:
    model = build(Library().load("yolov5p"), 4, seed=0)
    loss = DetectionLoss(Priors(opened(model.head).anchors, model.strides), recipe("tiny").loss)
    batch = noise(128, 4)
    raw = [level.detach().requires_grad_() for level in model(batch.images / 255)]

    benchmark(lambda: loss(raw, batch.targets)[0].backward())


def test_suppression_of_an_untrained_models_output(benchmark) -> None:
    predictions = torch.rand(1, 25_200, 85, generator=torch.Generator().manual_seed(0))
    predictions[..., :4] *= 600

    found = benchmark(lambda: nms(predictions, confidence=0.001, iou=0.6, multi_label=True))

    assert len(found[0]) == 300
