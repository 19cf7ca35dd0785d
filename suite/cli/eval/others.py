"""Why other evaluators give another AP for the same detections: what of these data they count otherwise."""

from collections.abc import Iterator

from suite.datasets.split import Split

_ANEW = "annotation numbered anew"
_MORE = 'other evaluators: "Numbers you may know" in docs/evaluation.md'


def numbered_anew(val: Split) -> str:
    """What follows the sentence that pycocotools agrees, where the file's own ids would have spoilt its AP."""
    count = sum(issue.count for issue in val.issues if issue.kind.startswith(_ANEW))
    if not count:
        return ""
    return (
        f"; on the file itself it would give less: {count} annotations have the id 0 or one used twice, which it takes "
        "for no match or for one object, and got new ones here"
    )


def counted_otherwise(val: Split) -> Iterator[str]:
    """A sentence for each peculiarity of the data that evaluators treat differently, and where more is said."""
    crowds = sum(int(picture.crowd.sum()) for picture in val.pictures)
    if crowds:
        yield (
            f"{crowds} crowd regions are ignored, as COCO has it; evaluators that know no crowds, or are not handed "
            "them, count objects that nothing finds"
        )
    there = {label for picture in val.pictures for label in picture.labels[~picture.crowd].tolist()}
    lacking = len(val.categories) - len(there)
    if lacking and there:
        yield (
            f"{lacking} of {len(val.categories)} classes have no object and no AP; an evaluator that counts 0 for them "
            f"gives {len(there)}/{len(val.categories)} of this AP"
        )
    yield _MORE
