"""What only numbers show of a network in evaluation: a block that draws at random, or that looks across its batch.

With either, average precision depends on `--batch`, or on chance. The suite's own blocks are tested for it; a user's
are tried here, in one pass with small images.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from suite.nn.conv import MISTAKES
from suite.nn.detector import build
from suite.nn.network import Detector
from suite.nn.sizes import coarsest_stride
from suite.runtimes.common.lively import liven
from suite.spec.records.variant import Variant
from suite.yaml.errors import Problem, first_line

_SMALL, _USUAL = 64, 640  # pixels, up to a multiple of the coarsest stride
_TOLERANCE = 1e-3  # of a map's largest value: other kernels round differently
_CHANCE = "draws at random in evaluation: the same image twice gives two results"
_BATCH = "mixes its batch in evaluation: an image alone and in a pair give two results"
_CHANCE_HINT = "do it in training only, by `self.training`"
_BATCH_HINT = "take means and norms over channels and places of one image, never over dimension 0"

Maps = dict[str, tuple[Tensor, ...]]


def check_numbers(variant: Variant) -> tuple[Problem, ...]:
    """One problem where an image's result is another the second time, or beside another image; at the first layer.

    Raises:
        SpecError: the variant does not build.
    """
    model = build(variant, seed=0)
    coarsest = coarsest_stride(model)
    for size in (_SMALL, _USUAL):
        side = max(-(-size // coarsest), 2) * coarsest
        try:
            return _compared(model, variant, side)
        except MISTAKES as error:  # a small map may be too small for a block; a usual one is not
            failure = first_line(error)
    message = f"fails on numbers in evaluation, though not on shapes alone: {failure}"
    return (Problem(variant.mark, "E314", message).within(variant.name),)


def _compared(model: Detector, variant: Variant, side: int) -> tuple[Problem, ...]:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand((2, 3, side, side), generator=generator)
    liven(model, images)
    alone = _maps(model, images[:1])
    trials: tuple[tuple[Tensor, int, str, str], ...] = (
        (images[:1], 0, _CHANCE, _CHANCE_HINT),
        (images, 0, _BATCH, _BATCH_HINT),
        (images.flip(0), 1, _BATCH, _BATCH_HINT),  # a sum up to each image changes no first one
    )
    for given, place, said, hint in trials:
        address = _first_difference(alone, _maps(model, given, place))
        if address:
            layer = next(
                layer
                for layer, node in zip(variant.layers, model.graph, strict=True)
                if node.address == address
            )
            problem = Problem(layer.mark, "E314", f"{address} ({layer.block}) {said}", hint)
            return (problem.within(variant.name),)
    return ()


def _maps(model: Detector, images: Tensor, place: int = 0) -> Maps:
    """What every layer gives for the image at `place`, in the order they run."""
    maps: Maps = {}

    def keep(address: str, _layer: nn.Module, _given: object, out: object) -> None:
        outputs = (out,) if isinstance(out, Tensor) else out
        assert isinstance(outputs, tuple | list)
        maps[address] = tuple(each[place : place + 1].detach().clone() for each in outputs)

    hooks: list[Callable[[], None]] = [
        model.get_submodule(node.address).register_forward_hook(partial(keep, node.address)).remove
        for node in model.graph
    ]
    try:
        with torch.no_grad():
            model(images)
    finally:
        for remove in hooks:
            remove()
    return maps


def _first_difference(one: Maps, other: Maps) -> str:
    """The first layer that gives something else, "" if none does."""
    for address, outputs in one.items():
        for left, right in zip(outputs, other[address], strict=True):
            largest = float(left.abs().max())
            # a NaN is no agreement either
            if not float((left - right).abs().max()) <= _TOLERANCE * max(largest, 1e-6):
                return address
    return ""
