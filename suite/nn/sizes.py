"""The one rule for sides of pictures: a multiple of the coarsest stride, or maps that are joined do not fit."""

from collections.abc import Iterable, Mapping

from suite.nn.detector import build
from suite.nn.network import Detector
from suite.spec.records.variant import Variant
from suite.yaml.errors import Problem, SpecError

_COARSE = 128  # pixels: no network of the zoo goes further, nor does any that YOLOv5 describes (P7)


def coarsest_stride(model: Detector) -> int:
    """In pixels, of all layers: the head may leave out the level that others are joined with."""
    return max((*model.strides, *(stride for node in model.graph for stride in node.strides)))


def require_image_size(model: Detector, size: int, called: str = "image size") -> None:
    """Raise SpecError unless pictures of `size` pixels a side suit the network; `called` is who states the size."""
    stride = coarsest_stride(model)
    if size < 1 or size % stride:
        near = max(size // stride, 1) * stride
        message = f"{called} {size}: {model.name} needs a multiple of {stride}"
        raise SpecError.single(None, "E313", message, hint=f"such as {near}")


def require_image_sizes(variants: Iterable[Variant], sizes: Mapping[str, int]) -> None:
    """Hold variants to the rule before anything runs; nothing is allocated, and what need not be built is not.

    Args:
        variants: in their final form.
        sizes: in pixels, by who states them.

    Raises:
        SpecError: some variant does not suit some size, all of them at once; or does not build.
    """
    doubtful = {called: size for called, size in sizes.items() if size % _COARSE}
    problems: list[Problem] = []
    for variant in variants if doubtful else ():
        model = build(variant, 1, device="meta")
        for called, size in doubtful.items():
            try:
                require_image_size(model, size, called)
            except SpecError as error:
                problems += error.problems
    if problems:
        raise SpecError(problems)
