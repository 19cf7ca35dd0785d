"""What is built and proved once is not again, and every session has memory of its own."""

import pytest
import torch

from suite.metrics.speed import prepared
from suite.metrics.speed.phases import PhaseTimes
from suite.metrics.speed.prepared import PreparedNetworks
from suite.metrics.speed.rounds import Settings
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.runtimes.common.proof import open_proved
from suite.spec.library import Library

LIBRARY = Library()
IMAGES = torch.rand(1, 3, 64, 64)
SETTINGS = Settings(image_size=64)


@pytest.fixture
def counted(monkeypatch):
    """Names of networks that are built, and runtimes that are proved, in their order."""
    log: list[str] = []

    def logged_build(variant, *arguments, **options):
        log.append(f"build {variant.name}")
        return build(variant, *arguments, **options)

    def logged_proof(runtime, *arguments, **options):
        log.append(f"prove {runtime}")
        return open_proved(runtime, *arguments, **options)

    monkeypatch.setattr(prepared, "build", logged_build)
    monkeypatch.setattr(prepared, "open_proved", logged_proof)
    return log


def opened(networks, name="yolov5p", images=IMAGES, settings=SETTINGS):
    return networks.open(
        LIBRARY.load(name), "eager", settings, classes=4, images=images, phase_times=PhaseTimes()
    )


def test_a_copy_is_neither_built_nor_proved_again(counted):
    networks = PreparedNetworks()

    first, second = opened(networks), opened(networks)

    assert counted == ["build yolov5p", "prove eager"]
    assert (second.found, second.allowed) == (first.found, first.allowed)
    assert torch.equal(first.session.run(first.prepared), second.session.run(second.prepared))


def test_a_copy_lies_in_memory_of_its_own(monkeypatch):
    models = []

    def kept(model):
        models.append(deploy(model))
        return models[-1]

    monkeypatch.setattr(prepared, "deploy", kept)
    networks = PreparedNetworks()
    opened(networks)
    opened(networks)

    first, second = ({parameter.data_ptr() for parameter in model.parameters()} for model in models)
    assert not first & second


def test_other_images_are_another_proof(counted):
    networks = PreparedNetworks()

    opened(networks)
    opened(networks, images=torch.rand(1, 3, 96, 96))

    assert counted == ["build yolov5p", "prove eager"] * 2


def test_a_base_that_is_asked_for_again_and_again_is_kept(counted):
    networks = PreparedNetworks()

    for variant in ("yolov5p_wide", "yolov5p_convnext", "yolov5p_repvit"):
        opened(networks)
        opened(networks, variant)

    assert counted.count("build yolov5p") == 1
    assert counted.count("prove eager") == 4
