"""Memory of a pass: which maps it makes, and from which operator to which each is needed or held."""

import weakref
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from suite.metrics.cost.recorder import Event, Observer


@dataclass(slots=True)
class _Map:
    """A piece of memory that the pass made: its bytes, and the operators that wrote it and read it last."""

    size: int
    born: int
    last: int


_NEW = _Map(0, 0, 0)  # stands for all that is not known yet


class Maps(Observer):
    """The maps of a pass without gradients; what is read before anything has written it is a weight, and no map.

    Attributes:
        held: bytes that eager PyTorch holds now, which keeps what a name still stands for.
        most: those at the worst moment so far.
        fresh: numbers that the last operator wrote into memory of its own; views and in-place operators write none.
    """

    def __init__(self, images: Tensor | None = None) -> None:
        self.held = self.most = self.fresh = 0
        self._maps: list[_Map] = []
        # by address of the storage, as long as that lives; None: not counted
        self._known: dict[int, _Map | None] = {}
        self._watched: dict[int, object] = {}
        self._number = 0
        if images is not None:
            self._write(images, 0)

    def ran(self, event: Event) -> None:
        """Arguments are read, then results are written."""
        self._number = event.number
        for tensor in event.reads:
            self._read(tensor, event.number)
        self.fresh = 0
        for tensor in event.writes:
            if self._write(tensor, event.number):
                self.fresh += tensor.numel()

    def keep(self, results: Iterable[Tensor]) -> None:
        """These are needed till the end of the pass, which is now."""
        for tensor in results:
            self._read(tensor, self._number)

    def needed(self) -> int:
        """The most bytes at once if every map is given back after the operator that reads it last."""
        change: Counter[int] = Counter()
        for made in self._maps:
            change[made.born] += made.size
            change[made.last + 1] -= made.size
        held = most = 0
        for number in sorted(change):
            held += change[number]
            most = max(most, held)
        return most

    def _read(self, tensor: Tensor, number: int) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata  # noqa: SLF001  (on the meta device storages have no other address)
        known = self._known.get(key, _NEW)
        if known is _NEW:
            self._known[key] = None
            self._watched[key] = weakref.ref(storage, partial(self._freed, key, 0))
        elif known is not None:
            known.last = number

    def _write(self, tensor: Tensor, number: int) -> bool:
        """Whether the tensor's memory is new."""
        storage = tensor.untyped_storage()
        key = storage._cdata  # noqa: SLF001
        known = self._known.get(key, _NEW)
        if known is not _NEW:
            if known is not None:
                known.last = number
            return False
        made = _Map(storage.nbytes(), number, number)
        self._known[key] = made
        self._maps.append(made)
        self.held += made.size
        self.most = max(self.most, self.held)
        self._watched[key] = weakref.ref(storage, partial(self._freed, key, made.size))
        return True

    def _freed(self, key: int, size: int, _: object) -> None:
        self.held -= size
        del self._known[key], self._watched[key]


class TrainingMaps(Maps):
    """All that tensors hold, backward passes included, but for `kept` ones, which were there before and stay.

    A backward pass reads much that no operator was seen to write, so there nothing is taken for a
    weight by itself.
    """

    def __init__(self, kept: Iterable[Tensor]) -> None:
        super().__init__()
        for tensor in kept:
            self._known[tensor.untyped_storage()._cdata] = None  # noqa: SLF001

    def ran(self, event: Event) -> None:
        """Whatever an operator touches is held."""
        for tensor in (*event.reads, *event.writes):
            self._write(tensor, event.number)
