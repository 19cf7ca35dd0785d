"""The anchors of a head: sizes in pixels that go by the strides. No sizes are refused, what cannot fit is told."""

import itertools
import math
from collections.abc import Sequence

from suite.record import Json
from suite.spec.blocks.signatures import Signatures, default_signatures
from suite.spec.records.variant import Layer, Variant
from suite.yaml.errors import Problem, SpecError

MAX_PER_LEVEL = 64
_HEADS = frozenset({"anchor.AnchorHead", "implicit.ImplicitHead"})
PLACEHOLDERS = "placeholders, from which nothing trains"
_MEND = "state sizes in pixels; `import --anchors-from DATA` finds them"


def sizes_of(head: Layer) -> tuple[tuple[float, ...], ...]:
    """A head's widths and heights in pixels, one flat tuple a level; empty for placeholders and without anchors."""
    levels = _option(head)
    if not isinstance(levels, list):
        return ()
    sizes: list[tuple[float, ...]] = []
    for level in levels:
        if not isinstance(level, list):
            return ()
        sizes.append(tuple(float(side) for side in level if isinstance(side, int | float)))
    return tuple(sizes)


def placeholders_of(head: Layer) -> int:
    """How many anchors a level are still to be found; 0 where they are stated, or the head has none."""
    count = _option(head)
    return count if isinstance(count, int) and not isinstance(count, bool) else 0


def _option(head: Layer) -> Json:
    """What the suite's own heads are told; what the word means to a user's head is not known."""
    return head.options.get("anchors") if head.block in _HEADS else None


def complaint(head: Layer) -> tuple[str, str]:
    """What is wrong with a head's anchors whatever it reads, and what to do; "" twice if nothing is."""
    count, levels = _option(head), sizes_of(head)
    if isinstance(count, int | float) and not 1 <= placeholders_of(head) <= MAX_PER_LEVEL:
        return f"the number of anchors a level is from 1 to {MAX_PER_LEVEL}, not {count}", ""
    if levels and all(level == tuple(range(len(level))) for level in levels):
        per_level = len(levels[0]) // 2
        return (
            f"the anchors 0, 1, 2, ... are {PLACEHOLDERS}",
            f"write `anchors: {per_level}`, or {_MEND}",
        )
    smallest = min((side for level in levels for side in level), default=1)
    if smallest <= 0:
        return f"an anchor's width and height are pixels, above 0, not {smallest:g}", ""
    if smallest < 1:
        hint = "are they shares of the picture? multiply them by its size"
        return f"an anchor's width and height are pixels, and {smallest:g} is less than one", hint
    return "", ""


def require_sizes(variant: Variant) -> None:
    """Raises SpecError where a training would begin with placeholders."""
    head = variant.layers[-1]
    count = placeholders_of(head)
    if count:
        message = f"{head.block} has {count} anchors a level that are {PLACEHOLDERS}"
        problem = Problem(head.mark, "E202", message, _MEND)
        raise SpecError([problem.within(variant.name)])


def anchor_warnings(
    variant: Variant, strides: Sequence[float] | None = None
) -> tuple[Problem, ...]:
    """What is to be known of a variant's anchors; `strides` of the head's maps, in pixels, where a build tells them."""
    head = variant.layers[-1]
    if placeholders_of(head):
        message = f"{placeholders_of(head)} anchors a level are {PLACEHOLDERS}"
        found = [Problem(head.mark, "W303", message, _MEND)]
    else:
        known = strides or head_strides(variant.layers, default_signatures())
        said = against_strides(sizes_of(head), known or ())
        found = [Problem(head.mark, "W303", message, hint) for message, hint in said]
    return tuple(problem.within(variant.name) for problem in found)


def against_strides(
    levels: Sequence[Sequence[float]], strides: Sequence[float]
) -> list[tuple[str, str]]:
    """A message and a hint where anchors do not go by the strides of their maps, or are smaller than a cell."""
    if len(levels) != len(strides) or not all(levels):
        return []
    by_stride = sorted(range(len(strides)), key=lambda level: strides[level])
    means = [_mean_size(levels[level]) for level in by_stride]
    if any(later < sooner for sooner, later in itertools.pairwise(means)):
        sizes = ", ".join(f"{_mean_size(level):.0f}" for level in levels)
        listed = ", ".join(f"{stride:g}" for stride in strides)
        message = f"anchors of {sizes} pixels on average do not go by the strides {listed}"
        return [(message, "the coarser the map, the larger its anchors")]
    coarsest = by_stride[-1]
    largest = max(levels[coarsest])
    if largest < strides[coarsest]:
        message = f"the anchors at stride {strides[coarsest]:g} are smaller than its cells: {largest:g} pixels at most"
        return [(message, "are they in units of the strides? multiply each list by its stride")]
    return []


def head_strides(layers: Sequence[Layer], signatures: Signatures) -> tuple[float, ...] | None:
    """The strides of the maps that the head reads, from the lines alone; None where a block tells only when built."""
    last, by_tag = 1.0, dict[str, float]()
    for layer in layers:
        inputs = [last if name == "last" else by_tag.get(name) for name in layer.inputs]
        known = [stride for stride in inputs if stride is not None]
        if len(known) < len(inputs):
            return None
        if layer.part == "head":
            return tuple(known)
        factor = _factor(layer, signatures)
        if factor is None:
            return None
        last = known[0] * factor
        by_tag |= dict.fromkeys(layer.tags, last)
    return None


def _factor(layer: Layer, signatures: Signatures) -> float | None:
    """What a line makes of the stride of its input; None where it has several maps or is of the user's own."""
    try:
        signature = signatures.get(layer.block)
    except SpecError:
        return None
    if any(layer.tags.values()) or layer.block.startswith("timm."):
        return None
    scale = layer.options.get("scale", signature.options.get("scale"))
    factor = (layer.stride or signature.stride) / (scale if isinstance(scale, int) else 1)
    strides_in_each = not signature.takes_out and not signature.takes_repeat
    return float(factor**layer.repeat) if strides_in_each else factor


def _mean_size(level: Sequence[float]) -> float:
    """The side of a square as large as the anchors of a level are on average, in pixels."""
    areas = [w * h for w, h in zip(level[::2], level[1::2], strict=False)]
    return math.sqrt(math.fsum(areas) / len(areas))
