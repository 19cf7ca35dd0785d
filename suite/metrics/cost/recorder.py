"""One walk over the operators of a pass, which observers follow: counters, memory, receptive fields.

On the meta device nothing is computed, but tensors come and go as they would, so what the pass
holds at each moment is what a real one holds, whatever the modules look like inside.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from suite.nn.network import Detector
from suite.nn.shapes import Shapes, run

AmountT = TypeVar("AmountT")


class Event:
    """One dispatched operator that has run.

    Nobody keeps an event: it holds tensors, and what is held counts as needed.

    Attributes:
        args: what it was called with, keyword arguments left out.
        out: its result, a tensor or a sequence of them.
        macs: its multiply-adds by torch's formula (`torch.utils.flop_counter`), None where there is none.
        number: counts the operators of the pass from 1.
    """

    __slots__ = ("_func", "_reads", "_writes", "args", "macs", "number", "out")

    def __init__(
        self, func: Any, args: Sequence[Any], out: Any, macs: int | None, number: int
    ) -> None:
        self._func, self.args, self.out, self.macs, self.number = func, args, out, macs, number
        self._reads: list[Tensor] | None = None
        self._writes: list[Tensor] | None = None

    @property
    def operator(self) -> str:
        """Its name without namespace, overload and the underscore of the in-place form, such as "mul"."""
        return _name(self._func)

    @property
    def reads(self) -> list[Tensor]:
        """The tensors among its arguments."""
        if self._reads is None:
            self._reads = tensors(self.args)
        return self._reads

    @property
    def writes(self) -> list[Tensor]:
        """The tensors among its results."""
        if self._writes is None:
            self._writes = tensors((self.out,))
        return self._writes


class Observer:
    """Is told what happens in a pass, in the order it happens; what it does not care about it leaves as it is here."""

    def entered(self, layer: str, /) -> None:
        """A layer begins."""

    def ran(self, event: Event, /) -> None:
        """An operator has run: in the layer that began last, unless that has ended."""

    def left(self, layer: str, out: Any, /) -> None:
        """A layer has ended, and gave `out`."""


class ByLayer(Observer, Generic[AmountT]):
    """An observer with an amount for each layer; what runs between two layers, the joining of maps, is the second's.

    `layers` has the amounts by address, of every layer that has begun, in the order of the pass.
    """

    def __init__(self, zero: Callable[[], AmountT]) -> None:
        self.layers: dict[str, AmountT] = {}
        self._zero = zero
        self.amount = zero()

    def entered(self, layer: str) -> None:
        """What ran since the last layer has ended is counted here too."""
        self.layers[layer] = self.amount

    def left(self, layer: str, _out: Any) -> None:
        """From here on it is the next one's."""
        self.layers[layer] = self.amount
        self.amount = self._zero()


class Recorder(Shapes):  # type: ignore[no-untyped-call]
    """Within it, observers are told of every dispatched operator, backward passes included."""

    def __init__(self, *observers: Observer) -> None:
        super().__init__()
        self._observers = observers
        self._listeners = [observer.ran for observer in observers]
        self._number = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out, macs = run(func, args, kwargs or {})
        self._number += 1
        event = Event(func, args, out, macs, self._number)
        for listener in self._listeners:
            listener(event)
        return out

    @contextmanager
    def following(self, layers: Mapping[str, nn.Module]) -> Iterator[None]:
        """Tell the observers which of these layers, by address, begins and ends."""
        handles = []
        for address, layer in layers.items():
            handles.append(layer.register_forward_pre_hook(partial(self._enter, address)))
            handles.append(layer.register_forward_hook(partial(self._leave, address)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, address: str, _layer: nn.Module, _args: Any) -> None:
        for observer in self._observers:
            observer.entered(address)

    def _leave(self, address: str, _layer: nn.Module, _args: Any, out: Any) -> None:
        for observer in self._observers:
            observer.left(address, out)


def walk(model: nn.Module, images: Tensor, *observers: Observer) -> Any:
    """Send images (B, 3, H, W) through a model without gradients, and tell the observers of it.

    The model's mode is not touched. A Detector is followed layer by layer, any other module as one
    layer whose address is "".

    Returns:
        What the model gave.

    Example:
        >>> macs = MultiplyAdds()
        >>> walk(model, torch.empty(1, 3, 640, 640, device="meta"), macs)
        >>> sum(macs.layers.values())
    """
    recorder = Recorder(*observers)
    with (
        torch.no_grad(),
        without_fast_attention(),
        recorder.following(layers_of(model)),
        recorder,
    ):
        return model(images)


def layers_of(model: nn.Module) -> dict[str, nn.Module]:
    """The layers of a Detector by address; any other module is its only layer."""
    if not isinstance(model, Detector):
        return {"": model}
    layers = (*model.backbone, *model.neck, model.head)
    return {node.address: layer for node, layer in zip(model.graph, layers, strict=True)}


def tensors(values: Sequence[Any]) -> list[Tensor]:
    """All tensors among arguments or results, those in lists included."""
    collected: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            collected.append(value)
        elif isinstance(value, list | tuple):
            collected += [member for member in value if isinstance(member, Tensor)]
    return collected


@contextmanager
def without_fast_attention() -> Iterator[None]:
    """Without the fast path of nn.MultiheadAttention, which is one operator that no formula knows."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(value=False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(value=before)


@cache
def _name(func: Any) -> str:
    name: str = func.overloadpacket.__name__
    return name.removesuffix("_")
