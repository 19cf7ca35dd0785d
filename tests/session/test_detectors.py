"""A detector is loaded with what its checkpoint says of itself."""

import pytest
import torch

from suite.datasets.formats.names import COCO_NAMES
from suite.nn.detector import build
from suite.nn.weights.checkpoint import WeightsError, save_checkpoint
from suite.session.detectors import DEFAULT_SIZE, load_detector
from suite.spec.library import Library

VARIANT = Library().load("yolov5p")


@pytest.fixture
def saved(tmp_path):
    """Writes a checkpoint of so many classes with these facts."""

    def save(classes, **facts):
        return save_checkpoint(tmp_path / "w.safetensors", build(VARIANT, classes, seed=0), facts)

    return save


def test_names_and_size_are_the_checkpoints(saved):
    loaded = load_detector(VARIANT, saved(2, class_names=["cat", "dog"], image_size=128))

    assert (loaded.class_names, loaded.image_size) == (("cat", "dog"), 128)
    assert (loaded.model.classes, loaded.model.training) == (2, False)
    assert loaded.suppression == VARIANT.nms


@pytest.mark.parametrize(
    ("classes", "names"), [(2, ("class 0", "class 1")), (len(COCO_NAMES), COCO_NAMES)]
)
def test_a_checkpoint_that_is_silent_gets_numbers_or_cocos_names(saved, classes, names):
    loaded = load_detector(VARIANT, saved(classes))

    assert (loaded.class_names, loaded.image_size) == (names, DEFAULT_SIZE)


def test_names_of_another_number_are_not_believed(saved):
    assert load_detector(VARIANT, saved(2, class_names=["cat"])).class_names == (
        "class 0",
        "class 1",
    )


def test_weights_that_are_not_there_say_what_could_be(tmp_path):
    with pytest.raises(WeightsError, match=r"no such file; `train` writes a \.safetensors file"):
        load_detector(VARIANT, tmp_path / "none.safetensors")


def test_a_pt_file_that_is_none_is_refused(tmp_path):
    file = tmp_path / "w.pt"
    file.write_bytes(b"no pickle")

    with pytest.raises(WeightsError, match=r"w\.pt"):
        load_detector(VARIANT, file)


def test_another_networks_weights_are_refused(saved):
    with pytest.raises(WeightsError):
        load_detector(Library().load("yolov5n"), saved(2))


def test_values_that_lead_to_no_numbers_are_refused(tmp_path):
    model = build(VARIANT, 2, seed=0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1e30)
    path = save_checkpoint(tmp_path / "w.safetensors", model, {})

    with pytest.raises(WeightsError, match="its predictions are no numbers"):
        load_detector(VARIANT, path)


def test_names_that_the_file_states_are_told_from_those_made_up(saved):
    stated = load_detector(VARIANT, saved(2, class_names=["cat", "dog"]))

    assert stated.stated_names == stated.class_names
    assert load_detector(VARIANT, saved(2)).stated_names == ()
