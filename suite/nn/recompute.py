"""Memory for time: a layer's activations are computed again when the backward pass needs them (arXiv 1604.06174)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint


def recomputed(layer: nn.Module, given: Any) -> Any:
    """`layer(given)`, of which only `given` is kept for the backward pass.

    Chance is the same the second time, and statistics of norms move the first time only.
    """
    return checkpoint(layer, given, use_reentrant=False, context_fn=partial(_contexts, layer))


def _contexts(
    layer: nn.Module,
) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), _on_copies_of_buffers(layer)


@contextmanager
def _on_copies_of_buffers(layer: nn.Module) -> Iterator[None]:
    before = [
        (module, name, buffer)
        for module in layer.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]
    for module, name, buffer in before:
        setattr(module, name, buffer.clone())
    try:
        yield
    finally:
        for module, name, buffer in before:
            setattr(module, name, buffer)
