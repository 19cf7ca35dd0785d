"""What to say when training leaves the finite numbers: the step, and the first layer that shows it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

PARTS = ("box", "objectness", "class")


class TrainingDiverged(ArithmeticError):  # noqa: N818 - an event, not a mistake
    """Something is not finite. `step` counts from 1; `what` names the part and the layer.

    `kept` is the last checkpoint, of `kept_step`: all that it holds is finite. None where none had been written.
    """

    def __init__(self, step: int, what: str, kept: Path | None = None, kept_step: int = 0) -> None:
        good = (
            f"the last good checkpoint is that of step {kept_step}, {kept}"
            if kept
            else "no checkpoint was kept yet"
        )
        super().__init__(f"step {step}: {what}; {good}")
        self.step = step
        self.what = what
        self.kept = kept
        self.kept_step = kept_step


def explain_loss(model: nn.Module, rerun: Callable[[], object], parts: Sequence[float]) -> str:
    """Which part of the loss is not finite, and the first layer whose weights or output are not.

    `rerun` sends the batch of that step through the model once more, which is watched.
    """
    bad = [
        name
        for name, value in zip(PARTS, parts, strict=True)
        if not torch.isfinite(torch.tensor(value))
    ]
    loss = f"the {' and '.join(bad)} loss is not finite" if bad else "the loss is not finite"
    weights = first_not_finite(model.named_parameters())
    if weights:
        return f"{loss}: the weights of {weights} are not finite"
    layer = _first_output(model, rerun)
    return (
        f"{loss}: the output of {layer} is the first that is not finite"
        if layer
        else f"{loss}; all layers are"
    )


def explain_gradient(model: nn.Module) -> str:
    """The last parameter, and so the first in the backward pass, whose gradient is not finite."""
    gradients = [(name, p.grad) for name, p in model.named_parameters() if p.grad is not None]
    name = first_not_finite(reversed(gradients))
    return (
        f"the gradient of {name} is not finite"
        if name
        else "the norm of the gradient is not finite"
    )


def first_not_finite(named: Iterable[tuple[str, Tensor]]) -> str:
    """The name of the first tensor with a number that is not finite; "" if there is none."""
    return next((name for name, value in named if not torch.isfinite(value).all()), "")


@torch.no_grad()
def _first_output(model: nn.Module, rerun: Callable[[], object]) -> str:
    with _watched(model) as broken:
        rerun()
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

    leaves = [
        (name, module)
        for name, module in model.named_modules()
        if not next(module.children(), None)
    ]
    handles = [module.register_forward_hook(watch(name)) for name, module in leaves]
    try:
        yield broken
    finally:
        for handle in handles:
            handle.remove()
