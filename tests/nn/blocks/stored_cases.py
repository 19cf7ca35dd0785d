"""What every block with stored cases must keep, as checks that a test is parametrised over."""

from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from suite.nn.deploy import deploy
from tests.nn.blocks.fill import TOLERANCE, assert_output, fill, given, golden, macs, slots, value

Case = dict[str, Any]
Build = Callable[[], nn.Module]
Check = Callable[[Build, Case], None]


def against(file: str, prefix: str, construct: Callable[[Case], nn.Module]) -> pytest.MarkDecorator:
    """Each check, builder and case of a golden file, of the cases whose name starts with `prefix`."""
    found = [
        pytest.param(check, _builder(construct, case), case, id=f"{name}-{check.__name__}")
        for name, case in golden(file).items()
        if name.startswith(prefix)
        for check in (has_the_tensors, costs, evaluates, trains, deploys)
        if check is not trains or "train" in case
    ]
    return pytest.mark.parametrize(("check", "build", "expected"), found)


def _builder(construct: Callable[[Case], nn.Module], case: Case) -> Build:
    return lambda: fill(construct(case["config"]))


def has_the_tensors(build: Build, expected: Case) -> None:
    block = build()

    assert slots(block) == expected["slots"]
    assert sum(p.numel() for p in block.parameters()) == expected["params"]


def costs(build: Build, expected: Case) -> None:
    assert macs(build().eval(), given(expected)) == expected["macs"]


def evaluates(build: Build, expected: Case) -> None:
    assert_output(build().eval()(given(expected)), expected["eval"])


def trains(build: Build, expected: Case) -> None:
    block = build().train()
    x = given(expected).requires_grad_()

    out = block(x)
    out.backward(value("x", tuple(out.shape)).reshape(out.shape))

    assert_output(out, expected["train"])
    assert x.grad is not None
    assert_output(x.grad, expected["train_input_grad"])
    gradients = [p.grad for p in block.parameters() if p.grad is not None]
    total = sum(gradient.abs().sum().item() for gradient in gradients)
    assert total == pytest.approx(expected["train_param_grad_abs_sum"], rel=TOLERANCE)
    assert len(list(block.parameters())) - len(gradients) == expected["train_params_without_grad"]


def deploys(build: Build, expected: Case) -> None:
    deployed = deploy(nn.Sequential(build()))

    assert not [module for module in deployed.modules() if isinstance(module, nn.BatchNorm2d)]
    assert_output(deployed(given(expected)), expected["eval"])
