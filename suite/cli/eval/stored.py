"""Stored detections made to fit the data: pictures that were left out, and numbers where a form has no ids."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from suite.cli.output import say
from suite.datasets.split import Split
from suite.yaml.errors import few

Result = dict[str, Any]
_WITH_IDS = "COCO JSON"


def fitted(results: Sequence[Result], val: Split, first_class: int | None) -> list[Result]:
    """The results with the data's own picture and category ids; those of pictures that were left out are told.

    Args:
        results: as the file has them.
        val: the data.
        first_class: the number of the first class in `results`; None: what the numbers themselves decide.

    Raises:
        ValueError: `first_class` is given for data that have ids, or a category is of no class.
    """
    fitting = _without_left_out(_by_stem(results, val), val)
    if val.form == _WITH_IDS:
        if first_class is not None:
            raise ValueError("--first-class is for YOLO txt and Pascal VOC; COCO JSON has ids")
    else:
        fitting = _from_one(fitting, val, first_class)
    _tell_mismatch(fitting, val)
    return fitting


def _by_stem(results: Sequence[Result], val: Split) -> list[Result]:
    """A word for a picture is the name of its file without the ending, as YOLOv5 writes it."""
    stems = Counter(picture.file.stem for picture in val.pictures)
    numbers = {p.file.stem: p.own_id for p in val.pictures if stems[p.file.stem] == 1}
    return [
        {**row, "image_id": numbers.get(row["image_id"], row["image_id"])}
        if isinstance(row["image_id"], str)
        else row
        for row in results
    ]


def _without_left_out(results: Sequence[Result], val: Split) -> list[Result]:
    kept = [row for row in results if row["image_id"] not in val.left_out]
    if len(kept) < len(results):
        pictures = sorted({row["image_id"] for row in results} & val.left_out)
        say(
            f"warning: {len(results) - len(kept)} detections of {len(pictures)} pictures that were left out "
            f"are not scored ({few(pictures)})"
        )
    return kept


def _from_one(results: list[Result], val: Split, first_class: int | None) -> list[Result]:
    """Forms without ids have the categories 1 to n; files of other tools often count from 0."""
    count = len(val.categories)
    numbers = {row["category_id"] for row in results}
    outside = sorted(number for number in numbers if not 0 <= number <= count)
    if outside or {0, count} <= numbers:
        raise ValueError(
            f"a detection is of category {outside[0] if outside else 0}; {val.form} has no ids, so that its {count} "
            f"classes are 1 to {count}, or 0 to {count - 1} where there is a 0"
        )
    first = first_class
    if first is None:
        first = 0 if 0 in numbers else 1
        if not numbers & {0, count} and numbers:
            say(
                f"warning: the categories are taken for 1 to {count}; neither 0 nor {count} occurs, which would tell "
                f"(--first-class 0 takes them for 0 to {count - 1})"
            )
    if first == 1:
        return results
    say("the categories of the detections count from 0, here from 1: each is taken for the next")
    return [{**row, "category_id": row["category_id"] + 1} for row in results]


def _tell_mismatch(results: Sequence[Result], val: Split) -> None:
    """Say where the detections look as if they were numbered by another table: nothing else would."""
    found = Counter(row["category_id"] for row in results)
    objects = Counter(
        val.categories[label].own_id
        for picture in val.pictures
        for label in picture.labels[~picture.crowd].tolist()
    )
    names = {category.own_id: category.name for category in val.categories}
    unfound = [names[number] for number in objects if not found[number]]
    invented = [names[number] for number in found if number in names and not objects[number]]
    if unfound and invented:
        say(
            f"warning: no detection of {few(unfound)}, of which there are objects, but some of {few(invented)}, of "
            "which there are none; are the category ids those of another table?"
        )
