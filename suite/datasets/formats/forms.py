"""Reads a data set in whichever of its forms lies in the folder: COCO JSON, Pascal VOC or YOLO txt."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from suite.datasets.formats import coco, coco_files, voc, voc_files, yolo
from suite.datasets.formats.one_part import PARTS
from suite.datasets.split import USUAL, DataError, MissingDataError, Reading, Split

SplitName = Literal["train", "val"]


@dataclass(frozen=True, slots=True)
class _Form:
    """`whole` gives the pictures of a set that is in one part of this form, None for any other."""

    has: Callable[[Path, str], bool]
    read: Callable[[Path, str, Reading], Split]
    whole: Callable[[Path], list[str] | None]


_FORMS = (  # in the order in which they are looked for
    _Form(
        lambda folder, split: coco_files.annotation_file(folder, split) is not None,
        coco.read,
        coco.whole,
    ),
    _Form(lambda folder, split: voc_files.layout(folder, split) is not None, voc.read, voc.whole),
    _Form(
        lambda folder, _: yolo.description_file(folder) is not None,
        yolo.read,
        lambda folder: yolo.whole(folder) if yolo.description_file(folder) else None,
    ),
)


def read_split(folder: Path, split: SplitName, how: Reading = USUAL) -> Split:
    """One part of a data set, read, checked and fingerprinted; no picture is decoded.

        val = read_split(Path("data/coco"), "val")
        val.pictures[0].boxes        # (n, 4) float64: x, y, width, height in pixels
        val.fingerprint              # 64 hexadecimal digits; changes with anything that training could notice

    What can be mended, or left out without harm, is: `issues` of the result says what, how often and where. A form of
    which both parts are there goes before one that has only one of them.

    Args:
        folder: of the data set, or a YOLO `data.yaml` that describes it.
        split: which part.
        how: it is read.

    Raises:
        DataError: its files are wrong; the message names file and line, and what would be right.
        MissingDataError: there is no such data, or nothing usable is left.
    """
    found = _read(folder, split, how)
    if how.labelled:
        _require_objects(found)
    return found


def read_parts(folder: Path, how: Reading = USUAL) -> tuple[Split, Split]:
    """The training and the validation part, each as `read_split` reads it."""
    return read_split(folder, "train", how), read_split(folder, "val", how)


def _read(folder: Path, split: SplitName, how: Reading) -> Split:
    if folder.is_file():
        return _read_by(_FORMS[-1], folder, split, how)
    if not folder.is_dir():
        raise MissingDataError(
            f"{folder}: no such folder; a data set is a folder with annotations and pictures"
        )
    whole = [form for form in _FORMS if form.has(folder, "train") and form.has(folder, "val")]
    form = next((form for form in (*whole, *_FORMS) if form.has(folder, split)), None)
    if form is None:
        one = f"; if all is in one part, `data split {folder}` makes two of it"
        raise MissingDataError(
            f"{folder}: no annotations of '{split}'; there should be instances_{split}.json or "
            f"annotations/instances_{split}2017.json (COCO), data.yaml (YOLO) or ImageSets/Main/{split}.txt (VOC)"
            + (one if any(form.whole(folder) for form in _FORMS) else "")
        )
    return _read_by(form, folder, split, how)


def _read_by(form: _Form, folder: Path, split: SplitName, how: Reading) -> Split:
    found = form.read(folder, split, how)
    if how.voc_first_pixel is not None and found.form != voc.FORM:
        raise DataError(f"{folder}: is {found.form}; --voc-first-pixel is for {voc.FORM} alone")
    return found


def only_part(folder: Path) -> tuple[str, ...]:
    """The pictures of a data set that is in one part, in order and seen from its folder.

    Raises:
        DataError: a file is wrong, or the set has two parts.
        MissingDataError: there is no such data, or none of its pictures is there.
    """
    if not folder.is_dir():
        raise MissingDataError(
            f"{folder}: no such folder; a data set is a folder with annotations and pictures"
        )
    for form in _FORMS:
        pictures = form.whole(folder)
        if pictures:
            return tuple(sorted(pictures))
        if pictures is not None:
            raise MissingDataError(f"{folder}: none of its pictures is there")
    parts = [split for split in PARTS if any(form.has(folder, split) for form in _FORMS)]
    if parts:
        raise DataError(
            f"{folder}: has parts of its own ({' and '.join(parts)}); what is split is a set in one part"
        )
    raise MissingDataError(
        f"{folder}: no set in one part; there should be instances_default.json or result.json (COCO), "
        "classes.txt beside images/ and labels/ (YOLO), or Annotations/ beside JPEGImages/ (VOC)"
    )


def _require_objects(found: Split) -> None:
    """AP of a part without objects has no value, and a training has nothing to learn: better said before than after."""
    if any((~picture.crowd).any() for picture in found.pictures):
        return
    purpose = "train" if found.split == "train" else "evaluate"
    reasons = [
        f"{issue.kind} ({issue.count}: {issue.examples[0]})"
        for issue in found.issues
        if issue.severity == "warning"
    ]
    if found.box_count:
        reasons.append(f"each of its {found.box_count} objects is a crowd region or difficult")
    why = ", ".join(reasons) or "it has no annotations"
    raise MissingDataError(
        f"{found.file or found.folder}: no object is left to {purpose} on; {why}; "
        f"labels were looked for in {found.sought}"
    )


def check_same_categories(train: Split, val: Split) -> None:
    """Raise DataError unless both parts have the same table of categories."""
    if train.categories == val.categories:
        return
    differ = sorted({str(c.id) + " " + c.name for c in set(train.categories) ^ set(val.categories)})
    raise DataError(
        f"{train.folder}: train and val have different categories ({', '.join(differ[:4])}); both files need one table"
    )
