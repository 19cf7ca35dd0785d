"""What to say when training leaves the finite numbers: the step, and the first layer that shows it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

PARTS = ("box", "objectness", "class")


class TrainingDiverged(ArithmeticError):  # noqa: N818 - an event, not a mistake
    """Loss or gradient is not finite. `step` counts from 1; `what` names the part and the layer."""

    def __init__(self, step: int, what: str) -> None:
        super().__init__(f"step {step}: {what}")
        self.step = step
        self.what = what


def explain_loss(model: nn.Module, images: Tensor, parts: Sequence[float]) -> str:
    """Which part of the loss is not finite, and the first layer whose weights or output are not."""
    bad = [name for name, value in zip(PARTS, parts, strict=True) if not torch.isfinite(torch.tensor(value))]
    loss = f"the {' and '.join(bad)} loss is not finite" if bad else "the loss is not finite"
    weights = _first(model.named_parameters())
    if weights:
        return f"{loss}: the weights of {weights} are not finite"
    layer = _first_output(model, images)
    return f"{loss}: the output of {layer} is the first that is not finite" if layer else f"{loss}; all layers are"


def explain_gradient(model: nn.Module) -> str:
    """The last parameter, and so the first in the backward pass, whose gradient is not finite."""
    gradients = [(name, p.grad) for name, p in model.named_parameters() if p.grad is not None]
    return f"the gradient of {_first(reversed(gradients))} is not finite"


def _first(named: Iterable[tuple[str, Tensor]]) -> str:
    return next((name for name, value in named if not torch.isfinite(value).all()), "")


@torch.no_grad()
def _first_output(model: nn.Module, images: Tensor) -> str:
    with _watched(model) as broken:
        model(images)
    return next(iter(broken), "")


@contextmanager
def _watched(model: nn.Module) -> Iterator[list[str]]:
    """Names of the layers whose output was not finite, in the order they ran."""
    broken: list[str] = []

    def watch(name: str) -> Callable[[nn.Module, object, object], None]:
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and not torch.isfinite(output).all():
                broken.append(name)

        return hook

    leaves = [(name, module) for name, module in model.named_modules() if not next(module.children(), None)]
    handles = [module.register_forward_hook(watch(name)) for name, module in leaves]
    try:
        yield broken
    finally:
        for handle in handles:
            handle.remove()
