"""What ODConv promises beyond the formula."""

import pytest
import torch
from torch import nn

from suite.nn.blocks.odconv import ODConv
from suite.nn.layers import ConvNormAct
from tests.nn.blocks.fill import assert_output, fill, given, golden

CASES = {name: case for name, case in golden("dynamic_conv").items() if name.startswith("odconv_")}


def built(name: str) -> ODConv:
    config = CASES[name]["config"]
    block = fill(
        ODConv(
            config["in_channels"],
            config["out_channels"],
            config["kernel_size"],
            config["stride"],
            config["padding"],
            groups=config["groups"],
            kernels=config["kernel_num"],
        )
    )
    assert isinstance(block, ODConv)
    return block


def after_training(name: str) -> ODConv:
    """The state of the last figures: where the reference has a training case, it had moved the statistics once."""
    operator = built(name).train()
    if "train" in CASES[name]:
        operator(given(CASES[name]))
    return operator


@pytest.mark.parametrize("name", CASES)
def test_the_temperature_divides_every_logit_in_training(name: str) -> None:
    operator = after_training(name)
    assert operator.attention.norm is not None
    operator.attention.norm.eval()
    operator.temperature = 30.0

    assert_output(operator(given(CASES[name])), CASES[name]["eval_temperature_30"])


@pytest.mark.parametrize("name", CASES)
def test_evaluation_ignores_the_temperature(name: str) -> None:
    operator = built(name).eval()
    operator.temperature = 30.0

    assert_output(operator(given(CASES[name])), CASES[name]["eval"])


@pytest.mark.parametrize("name", CASES)
def test_the_evaluation_of_a_sample_does_not_depend_on_its_batch(name: str) -> None:
    operator, x = after_training(name).eval(), given(CASES[name])

    alone = operator(x[:1])

    first = torch.tensor(CASES[name]["eval_row0_alone_first8"], dtype=torch.float64)
    torch.testing.assert_close(alone.flatten()[:8], first, rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(alone, operator(x)[:1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_a_batch_of_one_in_training_uses_the_running_statistics_and_leaves_them(name: str) -> None:
    operator, x = built(name).train(), given(CASES[name])[:1]
    before = {key: tensor.clone() for key, tensor in operator.named_buffers()}

    out = operator(x)

    torch.testing.assert_close(out, operator.eval()(x), rtol=1e-9, atol=1e-12)
    assert all(torch.equal(tensor, before[key]) for key, tensor in operator.named_buffers())


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("size", [3, 24])  # the map smaller and larger than the kernel
@pytest.mark.parametrize("name", CASES)
def test_folding_a_batch_norm_changes_nothing(name: str, size: int, batch: int) -> None:
    operator = built(name)
    norm = fill(nn.BatchNorm2d(CASES[name]["config"]["out_channels"]))
    layer = ConvNormAct(operator, norm, nn.Identity()).eval()
    x = torch.rand(batch, CASES[name]["config"]["in_channels"], size, size, dtype=torch.float64)

    folded = layer.deployed()

    assert not any(
        isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in folded.modules()
    )
    torch.testing.assert_close(folded(x), layer(x), rtol=1e-9, atol=1e-12)


def test_a_model_with_it_can_be_moved_to_channels_last_memory() -> None:
    operator = built("odconv_3x3_K4").eval()
    x = given(CASES["odconv_3x3_K4"])
    expected = operator(x)

    moved = operator.to(memory_format=torch.channels_last)

    torch.testing.assert_close(
        moved(x.to(memory_format=torch.channels_last)), expected, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("name", CASES)
def test_it_exports_with_a_batch_of_one(name: str) -> None:
    operator, x = built(name).eval(), given(CASES[name])[:1]

    exported = torch.export.export(operator, (x,)).module()

    torch.testing.assert_close(exported(x), operator(x), rtol=1e-12, atol=1e-12)
