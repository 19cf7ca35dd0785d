"""Every convolution and matrix product of one forward pass: what, where, and how many multiply-adds.

Formulas are those of `torch.utils.flop_counter`, at the level of dispatched operators, so nothing
depends on how a module is written. On the meta device nothing is computed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from suite.metrics.cost.counters import MultiplyAdds
from suite.metrics.cost.recorder import Event, Observer, walk
from suite.nn.network import Detector
from suite.nn.shapes import Shapes


@dataclass(frozen=True, slots=True)
class Call:
    """One convolution or matrix product.

    `path` and `module` are the innermost module that was running; `function` is the outermost torch
    function that led to the operator, such as "conv2d" or "einsum". `own_weight` says that an
    operand is a parameter, or a view of one, rather than something computed.
    """

    path: str
    module: type[nn.Module]
    function: str
    operator: str
    macs: int
    own_weight: bool


def record(model: nn.Module, images: Tensor) -> tuple[Call, ...]:
    """The calls of `model(images)` without gradients, in the order they ran. The model's mode is not touched.

    Example:
        >>> (call,) = record(nn.Linear(10, 20), torch.zeros(3, 10))
        >>> call.operator, call.macs
        ('addmm', 600)
    """
    calls = _Calls(model)
    with calls.following_modules(), calls.functions:
        walk(model, images, calls)
    return tuple(calls.calls)


def by_layer(model: Detector, images: Tensor) -> dict[str, int]:
    """Multiply-adds of every layer of `model(images)` that has any, by address."""
    macs = MultiplyAdds()
    walk(model, images, macs)
    return {address: count for address, count in macs.layers.items() if count}


def reached(model: nn.Module, images: Tensor) -> set[str]:
    """Names of the parameters that a gradient of `model(images)`, a tuple of maps, would arrive at.

    Read from the graph that autograd keeps of the pass, so nothing runs backward.
    """
    with Shapes():
        maps: tuple[Tensor, ...] = model(images)
    waiting = [level.grad_fn for level in maps]
    seen = set(waiting)
    leaves = set()
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        # only the leaves of the graph hold a variable
        leaves.add(id(getattr(node, "variable", None)))
        fresh = {parent for parent, _ in node.next_functions} - seen
        seen |= fresh
        waiting += fresh
    return {path for path, parameter in model.named_parameters() if id(parameter) in leaves}


class _Functions(TorchFunctionMode):
    """Knows the torch function that the model itself called."""

    current = ""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # the mode is off while `func` runs: nested functions keep this name
        self.current = getattr(func, "__name__", "")
        return func(*args, **(kwargs or {}))


class _Calls(Observer):
    """Writes down every operator that has a formula."""

    def __init__(self, model: nn.Module) -> None:
        self.calls: list[Call] = []
        self.functions = _Functions()
        self._paths = {module: path for path, module in model.named_modules()}
        self._weights = {parameter.untyped_storage()._cdata for parameter in model.parameters()}  # noqa: SLF001
        self._stack: list[nn.Module] = [model]

    def ran(self, event: Event) -> None:
        """In the module that began last of those that have not ended."""
        if event.macs is None:
            return
        module = self._stack[-1]
        call = Call(
            path=self._paths[module],
            module=type(module),
            function=self.functions.current,
            operator=event.operator,
            macs=event.macs,
            own_weight=any(self._is_weight(value) for value in event.args),
        )
        self.calls.append(call)

    @contextmanager
    def following_modules(self) -> Iterator[None]:
        """Keep track of the module that is running, by hooks that hang on no module."""

        def enter(module: nn.Module, _args: Any) -> None:
            if module in self._paths:
                self._stack.append(module)

        def leave(module: nn.Module, _args: Any, _out: Any) -> None:
            if self._stack[-1] is module:
                self._stack.pop()

        handles = [register_module_forward_pre_hook(enter), register_module_forward_hook(leave)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _is_weight(self, value: object) -> bool:
        # Views share their storage's implementation, which on the meta device has no address to compare.
        return isinstance(value, Tensor) and value.untyped_storage()._cdata in self._weights  # noqa: SLF001
