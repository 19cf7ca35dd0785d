"""The deployed form of a model: norms folded, branches merged, the output unchanged."""

import copy
from collections import OrderedDict
from typing import Any, Protocol, TypeVar, runtime_checkable

from torch import nn

ModelT = TypeVar("ModelT", bound=nn.Module)
_IMMUTABLE = frozenset({bool, int, float, str, type(None)})
_CONTAINERS = frozenset({dict, OrderedDict, list, set})


@runtime_checkable
class Deployable(Protocol):
    """A module that has a simpler form with the same output in evaluation."""

    def deployed(self) -> nn.Module:
        """That form, or the module itself where there is none."""
        ...


def deploy(model: ModelT) -> ModelT:
    """A copy in evaluation mode where every module that can say its `deployed()` form has taken it.

    Outermost first; the forms themselves are walked too, so a merged branch may still hold blocks
    that fold. Of a Detector the copy maps images (B, 3, H, W) to the same raw maps, up to the
    rounding of the folded weights.

    Args:
        model: whose modules are `Deployable` where they can be merged; it is left as it is, on whatever device.

    Returns:
        The copy, without gradients.

    Example:
        >>> deploy(nn.Sequential(ConvNormAct(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.SiLU())))
        Sequential(
          (0): Sequential(
            (0): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))
            (1): SiLU()
          )
        )
    """
    deployed = _copied(model, {}).eval()
    _walk(deployed)
    return deployed.requires_grad_(requires_grad=False).eval()


def _copied(module: ModelT, memo: dict[int, Any]) -> ModelT:
    """What `copy.deepcopy` makes of a module, in half the time: most of a module's attributes are empty or numbers.

    `memo` is deepcopy's: what was copied already, by id.
    """
    if id(module) in memo:
        return memo[id(module)]
    if hasattr(module, "__deepcopy__"):
        return copy.deepcopy(module, memo)
    made = memo[id(module)] = object.__new__(type(module))
    for name, value in vars(module).items():
        kind = type(value)
        if kind in _IMMUTABLE:
            copied = value
        elif not value and kind in _CONTAINERS:
            copied = kind()
        elif name == "_modules":
            copied = {
                key: child if child is None else _copied(child, memo)
                for key, child in value.items()
            }
        else:
            copied = copy.deepcopy(value, memo)
        # past nn.Module's own __setattr__, which would register it once more
        vars(made)[name] = copied
    return made


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
