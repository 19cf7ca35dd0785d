"""What is said of anchors before a training: whether they go by the strides, and what of the data they can take."""

import numpy as np

from suite.datasets.split import Split
from suite.datasets.survey.anchors import box_sizes, share_taken
from suite.session.variants import Tell
from suite.spec.records.variant import Variant
from suite.spec.solve.anchors import anchor_warnings, require_sizes, sizes_of

_USUAL = 0.98  # YOLOv5 looks for others below


def tell_anchors(
    variants: tuple[Variant, ...],
    data: Split,
    *,
    image_size: int,
    threshold: float,
    tell: Tell,
    always: bool = False,
) -> None:
    """Warn where anchors can take few of the training boxes, once for all variants that have the same.

    Args:
        variants: that are to be trained.
        data: the training part.
        image_size: side of the images in pixels.
        threshold: how many times larger or smaller a box may be than its anchor, side by side (`anchor_threshold`).
        tell: is given a line for each such set of anchors, and one for each warning about a variant's.
        always: whether the share is told where it is as large as usual too.

    Raises:
        SpecError: a variant's anchors are placeholders.
    """
    named: dict[tuple[tuple[float, ...], ...], list[str]] = {}
    for variant in variants:
        require_sizes(variant)
        for warning in anchor_warnings(variant):
            tell(str(warning))
        levels = sizes_of(variant.layers[-1])
        if levels and all(levels):
            named.setdefault(levels, []).append(variant.name)
    sizes = box_sizes(data, image_size)
    if not len(sizes):
        return
    for levels, names in named.items():
        anchors = np.concatenate([np.reshape(level, (-1, 2)) for level in levels])
        share = share_taken(sizes, anchors, threshold)
        if share >= _USUAL and not always:
            continue
        few = "warning: " if share < _USUAL else ""
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        mend = "; `import --anchors-from DATA` finds others" if few else ""
        tell(
            f"{few}the anchors of {names[0]}{others} can take {100 * share:.1f} % of the {len(sizes)} training boxes "
            f"at {image_size} pixels{mend}"
        )
