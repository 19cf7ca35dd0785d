"""The deployed form is a copy of its own."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from suite.nn.deploy import deploy
from suite.nn.layers import ConvNormAct


class Twice(nn.Module):
    """One block under two names, and attributes of every kind that a block may have."""

    def __init__(self) -> None:
        super().__init__()
        self.first = ConvNormAct(nn.Conv2d(3, 3, 1, bias=False), nn.BatchNorm2d(3), nn.SiLU())
        self.second = self.first
        self.absent = None
        self.widths = [1, 2]
        self.options = {"kernel": [3, 3]}
        self.plain = (self.first,)
        self.register_buffer("grid", torch.arange(3.0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) to the same shape."""
        out: Tensor = self.second(self.first(x))
        return out


class Own(nn.Linear):
    """A module that says itself how it is copied."""

    copied: bool

    def __deepcopy__(self, memo: dict[int, Any]) -> "Own":
        made = Own(self.in_features, self.out_features)
        made.load_state_dict(self.state_dict())
        made.copied = True
        return made


def test_no_tensor_of_the_deployed_form_is_the_models():
    model = Twice()
    known = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}

    deployed = deploy(model)

    assert not known & {
        t.untyped_storage().data_ptr() for t in (*deployed.parameters(), *deployed.buffers())
    }


def test_what_is_changed_in_the_deployed_form_is_not_changed_in_the_model():
    model = Twice()

    deployed = deploy(model)
    deployed.widths.append(3)
    deployed.options["kernel"].append(3)

    assert model.widths == [1, 2]
    assert model.options == {"kernel": [3, 3]}


def test_a_block_under_two_names_stays_one_and_gives_the_same_output():
    model = Twice().double().eval()
    x = torch.rand(1, 3, 4, 4, dtype=torch.float64)

    deployed = deploy(model)

    torch.testing.assert_close(deployed(x), model(x), rtol=1e-9, atol=1e-12)
    assert deployed.plain[0] is not model.plain[0]


def test_a_buffer_that_is_not_saved_is_not_saved_afterwards_either():
    assert "grid" not in deploy(Twice()).state_dict()


def test_a_module_that_copies_itself_is_asked():
    assert deploy(nn.Sequential(Own(2, 2)))[0].copied


@pytest.mark.parametrize("training", [True, False])
def test_the_model_keeps_its_mode_and_its_names(training: bool):
    model = Twice().train(training)
    before = copy.deepcopy(model.state_dict())

    deploy(model)

    assert model.training is training
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in before)
