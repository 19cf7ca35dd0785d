"""One pass over a network on the meta device that notes all that complexity is made of, operator by operator.

Nothing is computed there, but tensors come and go as they would: what the pass holds at each moment is what a real one
holds, whatever the modules look like inside.
"""

import weakref
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from suite.metrics.cost.reach import Reach, begin, reach_of, tensors
from suite.metrics.cost.receptive import follow as follow_operator
from suite.metrics.cost.unseen import unseen
from suite.metrics.cost.work import without_fast_attention
from suite.nn.network import Detector
from suite.nn.shapes import run


@dataclass(slots=True)
class Work:
    """What one layer does.

    `macs` are multiply-adds of convolutions and matrix products, `products` the numbers that these write and `moved`
    the bytes that they read and write (weights, maps in, maps out); `outputs` are the numbers that all operators
    write; `other` are operations that no counter sees, by kind (`suite.metrics.cost.unseen`).
    """

    macs: int = 0
    products: int = 0
    moved: int = 0
    outputs: int = 0
    other: Counter[str] = field(default_factory=Counter)

    def add(self, more: "Work") -> None:
        """Include the work of another."""
        self.macs += more.macs
        self.products += more.products
        self.moved += more.moved
        self.outputs += more.outputs
        self.other += more.other


@dataclass(frozen=True, slots=True)
class Trace:
    """A pass in numbers.

    `layers` by address. `peak` are the bytes of maps that are needed at once at the worst moment if each is kept from
    the operator that writes it to the last that reads it, the images included; `held` are the bytes that eager
    PyTorch holds at its worst moment, which keeps what a name still stands for. `reaches` is what each output of a
    layer sees of the image.
    """

    layers: Mapping[str, Work]
    peak: int
    held: int
    reaches: Mapping[str, tuple[Reach, ...]]

    @property
    def total(self) -> Work:
        """The work of all layers."""
        whole = Work()
        for work in self.layers.values():
            whole.add(work)
        return whole


def trace(model: nn.Module, images: Tensor, *, follow: bool = False) -> Trace:
    """Send `images` through `model` without gradients, and note what happens. The model's mode is not touched.

    With `follow` receptive fields are followed as well. A Detector's work is noted by layer, any other module's
    under the address "".
    """
    tape = _Tape(images, follow=follow)
    with torch.no_grad(), without_fast_attention(), tape.following(_layers(model)), tape:
        out = model(images)
    return tape.finished(out)


def _layers(model: nn.Module) -> dict[str, nn.Module]:
    if not isinstance(model, Detector):
        return {"": model}
    layers = (*model.backbone, *model.neck, model.head)
    return {node.address: layer for node, layer in zip(model.graph, layers, strict=True)}


@dataclass(slots=True)
class _Map:
    """A piece of memory that the pass made: its bytes, and the operators that wrote it and read it last."""

    size: int
    born: int
    last: int


_NEW = _Map(0, 0, 0)  # stands for all that is not known yet


class Memory:
    """The bytes that tensors made since then hold: `held` now, `most` at the worst moment so far."""

    def __init__(self) -> None:
        self.held = self.most = 0
        self.maps: list[_Map] = []
        self._known: dict[
            int, _Map | None
        ] = {}  # by address of the storage, as long as that lives; None: not counted
        self._watched: dict[int, object] = {}

    def leave_out(self, held: Iterable[Tensor]) -> None:
        """Do not count these: they were there before, and stay."""
        for tensor in held:
            self._known[tensor.untyped_storage()._cdata] = None  # noqa: SLF001

    def read(self, tensor: Tensor, now: int) -> None:
        """The operator number `now` reads a tensor. One that no operator has written was there before: a weight."""
        storage = tensor.untyped_storage()
        key = storage._cdata  # noqa: SLF001  (on the meta device storages have no other address)
        found = self._known.get(key, _NEW)
        if found is _NEW:
            self._known[key] = None
            self._watched[key] = weakref.ref(storage, partial(self._freed, key, 0))
        elif found is not None:
            found.last = now

    def written(self, tensor: Tensor, now: int) -> bool:
        """The operator number `now` gives a tensor; whether its memory is new."""
        storage = tensor.untyped_storage()
        key = storage._cdata  # noqa: SLF001
        found = self._known.get(key, _NEW)
        if found is _NEW:
            made = _Map(storage.nbytes(), now, now)
            self._known[key] = made
            self.maps.append(made)
            self.held += made.size
            self.most = max(self.most, self.held)
            self._watched[key] = weakref.ref(storage, partial(self._freed, key, made.size))
            return True
        if found is not None:
            found.last = now
        return False

    def needed(self) -> int:
        """The most bytes at once if every map is given back after the operator that reads it last."""
        change: Counter[int] = Counter()
        for made in self.maps:
            change[made.born] += made.size
            change[made.last + 1] -= made.size
        held = most = 0
        for now in sorted(change):
            held += change[now]
            most = max(most, held)
        return most

    def _freed(self, key: int, size: int, _: object) -> None:
        self.held -= size
        del self._known[key], self._watched[key]


class Ledger(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it, the bytes that tensors hold are counted, backward passes included; `known` ones are left out."""

    def __init__(self, known: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._memory = Memory()
        self._memory.leave_out(known)

    @property
    def most(self) -> int:
        """At the worst moment so far."""
        return self._memory.most

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out, _ = run(func, args, kwargs or {})
        for tensor in (*tensors(args), *tensors([out])):
            self._memory.written(tensor, 0)
        return out


class _Tape(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down what each operator does, in the layer that is running.

    What happens between two layers, the joining of maps, belongs to the second.
    """

    def __init__(self, images: Tensor, *, follow: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._layers: dict[str, Work] = {}
        self._reaches: dict[str, tuple[Reach, ...]] = {}
        self._work, self._layer, self._follow = Work(), "", follow
        self._memory, self._now = Memory(), 0
        self._memory.written(images, 0)
        if follow:
            begin(images)

    @contextmanager
    def following(self, layers: Mapping[str, nn.Module]) -> Iterator[None]:
        """Know which layer is running."""
        handles = []
        for address, layer in layers.items():
            handles.append(layer.register_forward_pre_hook(partial(self._enter, address)))
            handles.append(layer.register_forward_hook(partial(self._leave, address)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def finished(self, out: Any) -> Trace:
        """The trace, after a pass that gave `out`."""
        for tensor in tensors([out]):
            self._memory.read(tensor, self._now)
        return Trace(self._layers, self._memory.needed(), self._memory.most, self._reaches)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out, macs = run(func, args, kwargs or {})
        name, work, memory = _name(func), self._work, self._memory
        now = self._now = self._now + 1
        given, made = tensors(args), tensors((out,))
        for tensor in given:
            memory.read(tensor, now)
        for tensor in made:
            if memory.written(tensor, now):
                work.outputs += tensor.numel()
        if macs is not None:
            work.macs += macs
            work.products += made[0].numel()
            work.moved += sum(t.numel() * t.element_size() for t in (*given, made[0]))
        if made and (found := unseen(name, args, made[0])):
            work.other[found[0]] += found[1]
        if self._follow:
            follow_operator(name, args, out, self._layer)
        return out

    def _enter(self, address: str, _layer: nn.Module, _args: Any) -> None:
        self._layers[address] = self._work
        self._layer = address

    def _leave(self, address: str, _layer: nn.Module, _args: Any, out: Any) -> None:
        self._work = Work()
        if self._follow:
            self._reaches[address] = tuple(reach_of(t) or Reach() for t in tensors([out]))


@cache
def _name(func: Any) -> str:
    """The operator without namespace and overload, and without the mark of its in-place form."""
    name: str = func.overloadpacket.__name__
    return name.removesuffix("_")
