"""One pass over a network on the meta device that notes all that complexity is made of, layer by layer."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from suite.metrics.cost.counters import MultiplyAdds, Outputs, Products, Unseen
from suite.metrics.cost.maps import Maps
from suite.metrics.cost.reach import Reach
from suite.metrics.cost.receptive import Fields
from suite.metrics.cost.recorder import Observer, tensors, walk


@dataclass(slots=True)
class Work:
    """What one layer does.

    `macs` are multiply-adds of convolutions and matrix products, `products` the numbers that these
    write and `moved` the bytes that they read and write (weights, maps in, maps out); `outputs` are
    the numbers that all operators write; `other` are operations that no counter sees, by kind
    (`suite.metrics.cost.unseen`).
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

    `layers` by address. `peak` are the bytes of maps that are needed at once at the worst moment if
    each is kept from the operator that writes it to the last that reads it, the images included;
    `held` are the bytes that eager PyTorch holds at its worst moment, which keeps what a name still
    stands for. `reaches` is what each output of a layer sees of the image.
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
    """Send images (B, C, H, W) through `model` without gradients, and note what happens.

    The model's mode is not touched. A Detector's work is noted by layer, any other module's under
    the address "".

    Args:
        model: on the device of the images; on the meta device nothing is computed.
        images: what goes in.
        follow: whether receptive fields are followed as well, which takes as long again.

    Example:
        >>> conv = nn.Conv2d(8, 16, 3, padding=1).to("meta")
        >>> work = trace(conv, torch.empty(1, 8, 10, 10, device="meta")).total
        >>> work.macs, work.products  # 16 · 100 numbers, 8 · 9 multiply-adds each
        (115200, 1600)

    Raises:
        RuntimeError: the images do not fit the model.
    """
    macs, products, unseen = MultiplyAdds(), Products(), Unseen()
    maps = Maps(images)
    outputs = Outputs(maps)
    fields = Fields(images) if follow else None
    observers: list[Observer] = [maps, macs, products, outputs, unseen]
    out = walk(model, images, *observers, *([fields] if fields else []))
    maps.keep(tensors([out]))
    layers = {
        address: Work(
            macs=macs.layers[address],
            products=products.layers[address].written,
            moved=products.layers[address].moved,
            outputs=outputs.layers[address],
            other=unseen.layers[address],
        )
        for address in macs.layers
    }
    return Trace(layers, maps.needed(), maps.most, fields.reaches if fields else {})
