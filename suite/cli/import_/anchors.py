"""Anchors for an imported network: those that YOLOv5 publishes, or found in a data set."""

from dataclasses import replace
from pathlib import Path

from suite.cli.errors import refusing_data
from suite.cli.output import ExitCode, Refusal
from suite.record import Json
from suite.spec.blocks.signatures import default_signatures
from suite.spec.library import Library
from suite.spec.records.variant import Layer, Variant
from suite.spec.solve.anchors import against_strides, head_strides, placeholders_of, sizes_of
from suite.spec.yolov5.importer import Imported

PUBLISHED = "published"
_PUBLISHERS = ("yolov5s", "yolov5s6")  # one of three levels, one of four


def with_anchors(imported: Imported, source: str, image_size: int) -> tuple[Imported, str]:
    """The imported network with other anchors, without the warnings about its own; and what they are of.

    Args:
        imported: a network of a model file.
        source: "published", or a data set.
        image_size: the longer side of the pictures that it will be trained on, in pixels; for a data set.

    Raises:
        Refusal: nothing is published for its strides, or the data cannot be used.
    """
    variant = imported.variant
    strides = head_strides(variant.layers, default_signatures())
    assert strides is not None, "the importer knows every block's stride"
    head = variant.layers[-1]
    if "anchors" not in head.options:
        message = f"--anchors-from: {head.block} has no anchors; leave the option out"
        raise Refusal(ExitCode.USAGE, message)
    count = placeholders_of(head) or len(sizes_of(head)[0]) // 2
    if source == PUBLISHED:
        levels, note = _published(strides, count), "the anchors are those that YOLOv5 publishes"
    else:
        levels, note = _found(Path(source), strides, count, image_size)
    filled = replace(head, options={**head.options, "anchors": levels})
    kept = [warning for warning in imported.warnings if warning not in imported.about_anchors]
    said = [f"{said}; {mend}" for said, mend in against_strides(sizes_of(filled), strides)]
    other = replace(variant, layers=(*variant.layers[:-1], filled))
    return Imported(other, (*kept, *said), tuple(said)), note


def _published(strides: tuple[float, ...], count: int) -> Json:
    library = Library()
    known: dict[tuple[float, ...], Layer] = {}
    for name in _PUBLISHERS:
        variant: Variant = library.load(name)
        found = head_strides(variant.layers, default_signatures())
        assert found is not None
        known[found] = variant.layers[-1]
    in_order = tuple(sorted(strides))
    head = known.get(in_order)
    if head is None or len(sizes_of(head)[0]) != 2 * count:
        listed = " and ".join(", ".join(f"{s:g}" for s in each) for each in known)
        message = (
            f"--anchors-from published: YOLOv5 publishes 3 anchors a level for the strides {listed}, not {count} for "
            f"{', '.join(f'{s:g}' for s in strides)}; find them in the data, --anchors-from DATA"
        )
        raise Refusal(ExitCode.USAGE, message)
    levels = head.options["anchors"]
    assert isinstance(levels, list)
    return [levels[in_order.index(stride)] for stride in strides]


def _found(data: Path, strides: tuple[float, ...], count: int, image_size: int) -> tuple[Json, str]:
    # bring the readers of data, which importing alone does without
    from suite.datasets.formats.forms import read_split
    from suite.datasets.survey.anchors import (
        THRESHOLD,
        box_sizes,
        by_level,
        find_anchors,
        share_taken,
    )

    with refusing_data():
        split = read_split(data, "train")
        anchors = find_anchors(split, count * len(strides), image_size=image_size)
    share = share_taken(box_sizes(split, image_size), anchors)
    note = (
        f"the anchors are of the {split.box_count} training boxes of {split.name}, for pictures of {image_size} "
        f"pixels, by k-means and evolution as YOLOv5 finds them (seed 0): they can take {100 * share:.1f} % of the "
        f"boxes, which are less than {THRESHOLD:g} times larger or smaller"
    )
    return by_level(anchors, strides), note
