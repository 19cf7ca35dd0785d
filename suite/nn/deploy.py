"""The deployed form of a model: norms folded, branches merged, the output unchanged."""

import copy
from typing import Protocol, TypeVar, runtime_checkable

from torch import nn

ModelT = TypeVar("ModelT", bound=nn.Module)


@runtime_checkable
class Deployable(Protocol):
    """A module that has a simpler form with the same output in evaluation."""

    def deployed(self) -> nn.Module:
        """That form, or the module itself where there is none."""
        ...


def deploy(model: ModelT) -> ModelT:
    """A copy in evaluation mode where every module that can say its `deployed()` form has taken it.

    Outermost first; the forms themselves are walked too, so a merged branch may still hold blocks that fold.
    The model itself is left as it is.
    """
    deployed = copy.deepcopy(model).eval()
    _walk(deployed)
    return deployed.requires_grad_(requires_grad=False).eval()


def _walk(parent: nn.Module) -> None:
    for name, child in list(parent.named_children()):
        form = _form(child)
        if form is not child:
            parent.register_module(name, form)
        _walk(form)


def _form(module: nn.Module) -> nn.Module:
    """The deployed form, and the deployed form of that, until it stays."""
    while isinstance(module, Deployable):
        form = module.deployed()
        if form is module:
            break
        module = form
    return module
