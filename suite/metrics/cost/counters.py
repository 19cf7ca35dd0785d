"""What the operators of a pass do, layer by layer: multiply-adds, what products write and move, unseen work."""

from collections import Counter
from dataclasses import dataclass

from suite.metrics.cost.maps import Maps
from suite.metrics.cost.recorder import ByLayer, Event
from suite.metrics.cost.unseen import unseen


class MultiplyAdds(ByLayer[int]):
    """Multiply-adds of convolutions and matrix products, by the formulas of `torch.utils.flop_counter`."""

    def __init__(self) -> None:
        super().__init__(int)

    def ran(self, event: Event) -> None:
        """An operator that has no formula has none."""
        if event.macs is not None:
            self.amount += event.macs


@dataclass(slots=True)
class Traffic:
    """`written` numbers, and `moved` bytes: weights and maps in, maps out, each once an operator."""

    written: int = 0
    moved: int = 0


class Products(ByLayer[Traffic]):
    """What convolutions and matrix products write and move."""

    def __init__(self) -> None:
        super().__init__(Traffic)

    def ran(self, event: Event) -> None:
        """Its first result is the map; others are statistics."""
        if event.macs is not None:
            result = event.writes[0]
            self.amount.written += result.numel()
            self.amount.moved += sum(
                tensor.numel() * tensor.element_size() for tensor in (*event.reads, result)
            )


class Outputs(ByLayer[int]):
    """The numbers that operators of all kinds write; `maps`, which knows what is new, must be told of each first."""

    def __init__(self, maps: Maps) -> None:
        super().__init__(int)
        self._maps = maps

    def ran(self, _event: Event) -> None:
        """Views and operators in place write nothing new."""
        self.amount += self._maps.fresh


class Unseen(ByLayer[Counter[str]]):
    """Operations that no public counter sees, by kind (`suite.metrics.cost.unseen`)."""

    def __init__(self) -> None:
        super().__init__(Counter)

    def ran(self, event: Event) -> None:
        """Operators that give nothing, and those without a formula, are left out."""
        if event.writes and (work := unseen(event.operator, event.args, event.writes[0])):
            kind, operations = work
            self.amount[kind] += operations
