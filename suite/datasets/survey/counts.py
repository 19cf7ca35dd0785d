"""Looks at every picture and every box of a data set, for `data check`."""

import base64
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.datasets.decode import decode_picture, load_image, picture_bytes
from suite.datasets.findings import Finding, Part, Shot, Survey
from suite.datasets.formats.forms import check_same_categories
from suite.datasets.images import encode_jpeg, scale_to
from suite.datasets.pixels import BLACK
from suite.datasets.split import BrokenPictureError, Picture, Split
from suite.datasets.survey.depth import nearly_black
from suite.datasets.survey.facts import counted_from_1, fingerprint, gallery, histogram
from suite.datasets.survey.near_duplicates import (
    ImageHash,
    Report,
    hash_image,
    look_alikes,
    same_files,
)
from suite.datasets.survey.suspects import Suspect, suspects

_AT_ONCE = 256  # pictures
_LONGEST = 260  # pixels of a shot's longer side
_SHOTS, _EXAMPLES = 6, 3
_RARE = 10  # boxes of a class
_PERCENTILES = (5, 25, 50, 75, 95)

Progress = Callable[[str, int, int], None]


def survey(train: Split, val: Split, *, pictures: bool, progress: Progress | None = None) -> Survey:
    """Decode every picture, and say what is there and what is odd.

    Args:
        train: the part to train on.
        val: the part to evaluate on.
        pictures: whether findings and parts get small pictures to look at.
        progress: told what is done, how much of it, and of how much.

    Raises:
        DataError: the two parts have different classes.
    """
    check_same_categories(train, val)
    camera = _Camera(takes=pictures)
    parts = {"train": train, "val": val}
    report = _counter(progress, sum(len(split.pictures) for split in parts.values()))
    hashes: dict[str, list[ImageHash | None]] = {}
    findings: list[Finding] = []
    for part, split in parts.items():
        hashes[part], broken = _hashed(split, part, report)
        findings += broken
    findings += _class_findings(train, val)
    findings += [
        Finding(issue.kind, "warning", "both", issue.count, issue.examples)
        for issue in counted_from_1(train, val)
    ]
    for part, split in parts.items():
        findings += _left_out(split, part)
        findings += nearly_black(split, part)
        findings += [
            _suspicious(kind, part, boxes, camera) for kind, boxes in suspects(split).items()
        ]
        same = _comparer(progress, part)
        findings += _doubles(split, part, hashes[part], camera, same)
        findings += _empty(split, part, camera)
    findings += _leaks(
        (train, val), (hashes["train"], hashes["val"]), camera, _comparer(progress, "both")
    )
    order = ("error", "warning", "note")
    findings.sort(key=lambda finding: order.index(finding.severity))
    return Survey(
        name=train.name,
        form=train.form,
        fingerprint=fingerprint(train, val),
        categories=tuple(category.name for category in train.categories),
        parts=tuple(_part(part, split, camera) for part, split in parts.items()),
        findings=tuple(findings),
    )


def _counter(progress: Progress | None, total: int) -> Callable[[], None]:
    """What to call after each picture."""
    done = itertools.count(1)
    return lambda: progress("pictures decoded", next(done), total) if progress else None


def _comparer(progress: Progress | None, part: str) -> Report | None:
    """What the search for look-alikes calls as it goes on."""
    if progress is None:
        return None
    what = f"parts of the search for look-alikes ({part})"
    return lambda done, total: progress(what, done, total)


def _hashed(
    split: Split, part: str, report: Callable[[], None]
) -> tuple[list[ImageHash | None], list[Finding]]:
    """The hash of each picture, None for those that do not decode, and a finding if there are such."""
    hashes: list[ImageHash | None] = []
    faults = []
    for result in _hashes_or_faults(split.pictures):
        if isinstance(result, str):
            faults.append(result)
        hashes.append(None if isinstance(result, str) else result)
        report()
    if not faults:
        return hashes, []
    kind = "picture that does not decode, and would stop a training"
    return hashes, [Finding(kind, "error", part, len(faults), tuple(faults))]


def _hashes_or_faults(pictures: Sequence[Picture]) -> Iterator[ImageHash | str]:
    """The hash of each picture in order, or what is wrong with it. OpenCV and hashing leave the interpreter free."""
    with ThreadPoolExecutor(min(8, len(os.sched_getaffinity(0)))) as pool:
        for first in range(0, len(pictures), _AT_ONCE):
            yield from pool.map(_hash_or_fault, pictures[first : first + _AT_ONCE])


def _hash_or_fault(picture: Picture) -> ImageHash | str:
    try:
        data = picture_bytes(picture)
        return hash_image(data, decode_picture(picture, data))
    except BrokenPictureError as error:
        return str(error)


class _Camera:
    """Makes shots, or none if nobody is going to look at them."""

    def __init__(self, *, takes: bool) -> None:
        self._takes = takes

    def shots(self, suspects: Sequence[Suspect], details: Sequence[str] = ()) -> tuple[Shot, ...]:
        """Of the first few; `details` has a line for each, or nothing."""
        if not self._takes:
            return ()
        shots = []
        for suspect, detail in zip(suspects[:_SHOTS], details or [""] * _SHOTS, strict=False):
            try:
                shots.append(_shot(suspect, detail))
            except BrokenPictureError:
                continue  # it is an example of its own finding
        return tuple(shots)


def _shot(suspect: Suspect, detail: str) -> Shot:
    picture = suspect.picture
    image, ratio = scale_to(load_image(picture), _LONGEST)
    boxes = tuple(
        (
            *(round(float(side) * ratio, 1) for side in box),
            int(label),
            index in suspect.boxes,
        )
        for index, (box, label) in enumerate(zip(picture.boxes, picture.labels, strict=True))
    )
    jpeg = base64.b64encode(encode_jpeg(image, quality=70)).decode("ascii")
    shown: Any = boxes
    return Shot(picture.file.name, detail, image.shape[1], image.shape[0], jpeg, shown)


def _part(name: str, split: Split, camera: _Camera) -> Part:
    counts: Any = histogram(split)
    return Part(
        name=name,
        pictures=len(split.pictures),
        boxes=split.box_count,
        crowds=sum(int(picture.crowd.sum()) for picture in split.pictures),
        empty=sum(not len(picture.boxes) for picture in split.pictures),
        sizes=counts["sizes"],
        per_picture=counts["per_picture"],
        spread=_spread(split),
        classes=tuple(count for _, count in counts["categories"]),
        shots=camera.shots([Suspect(picture, ()) for picture in gallery(split)]),
    )


def _spread(split: Split) -> dict[str, tuple[float, ...]]:
    """Percentiles of what `Part.spread` says, over all boxes but for crowd regions."""
    boxes = [picture.boxes[~picture.crowd] for picture in split.pictures]
    shares = [
        of_picture[:, 2:].prod(axis=1) / (picture.width * picture.height)
        for of_picture, picture in zip(boxes, split.pictures, strict=True)
    ]
    sides = np.concatenate([of_picture[:, 2:] for of_picture in boxes])
    if not len(sides):
        return {"relative size": (), "width / height": ()}
    return {
        "relative size": _percentiles(np.sqrt(np.concatenate(shares))),
        "width / height": _percentiles(sides[:, 0] / sides[:, 1]),
    }


def _percentiles(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), 3) for value in np.percentile(values, _PERCENTILES))


def _class_findings(train: Split, val: Split) -> list[Finding]:
    counts: Any = {"train": histogram(train)["categories"], "val": histogram(val)["categories"]}
    findings = []
    for part, rows in counts.items():
        none = tuple(name for name, count in rows if not count)
        few = tuple(f"{name}: {count}" for name, count in rows if 0 < count < _RARE)
        if none:
            findings.append(
                Finding("class without objects", "warning", part, len(none), none[:_EXAMPLES])
            )
        if few:
            findings.append(
                Finding(
                    f"class with fewer than {_RARE} objects",
                    "note",
                    part,
                    len(few),
                    few[:_EXAMPLES],
                )
            )
    return findings


def _left_out(split: Split, part: str) -> list[Finding]:
    return [
        Finding(issue.kind, issue.severity, part, issue.count, issue.examples)
        for issue in split.issues
        if issue.kind != BLACK  # `nearly_black` looks at all of them
    ]


def _suspicious(kind: str, part: str, suspects: Sequence[Suspect], camera: _Camera) -> Finding:
    count = sum(len(suspect.boxes) for suspect in suspects)
    names = tuple(suspect.picture.file.name for suspect in suspects[:_EXAMPLES])
    return Finding(kind, "warning", part, count, names, camera.shots(suspects))


def _empty(split: Split, part: str, camera: _Camera) -> list[Finding]:
    empty = [picture for picture in split.pictures if not len(picture.boxes)]
    if not empty:
        return []
    names = tuple(picture.file.name for picture in empty[:_EXAMPLES])
    shots = camera.shots([Suspect(picture, ()) for picture in empty[:_SHOTS]])
    return [Finding("picture without objects", "note", part, len(empty), names, shots)]


def _doubles(
    split: Split,
    part: str,
    hashes: Sequence[ImageHash | None],
    camera: _Camera,
    report: Report | None,
) -> list[Finding]:
    """Pictures that the part has more than once; each counts once, and the first of its kind not at all."""
    indices, images = _decoded(hashes)
    same = [(group[0], further) for group in same_files(images) for further in group[1:]]
    alike = [(first, further) for further, first in look_alikes(images, report=report).items()]
    kinds = {
        "picture twice in one part: same file": same,
        "picture twice in one part: looks the same": alike,
    }
    findings = []
    for kind, pairs in kinds.items():
        pictures = [(split.pictures[indices[a]], split.pictures[indices[b]]) for a, b in pairs]
        if pictures:
            findings.append(_pairs(kind, part, pictures, camera))
    return findings


def _leaks(
    parts: tuple[Split, Split],
    hashes: tuple[Sequence[ImageHash | None], Sequence[ImageHash | None]],
    camera: _Camera,
    report: Report | None,
) -> list[Finding]:
    """Pictures to evaluate on that were trained on; each counts once."""
    train, val = parts
    (of_train, train_images), (of_val, val_images) = map(_decoded, hashes)
    known = {image.content: index for index, image in reversed(list(enumerate(train_images)))}
    same = {b: known[image.content] for b, image in enumerate(val_images) if image.content in known}
    kinds = {"same file": same, "looks the same": look_alikes(val_images, train_images, report)}
    findings = []
    for kind, found in kinds.items():
        leaked = [
            (train.pictures[of_train[a]], val.pictures[of_val[b]]) for b, a in sorted(found.items())
        ]
        if leaked:
            findings.append(_pairs(f"leak from train to val: {kind}", "both", leaked, camera))
    return findings


def _decoded(hashes: Sequence[ImageHash | None]) -> tuple[list[int], list[ImageHash]]:
    """The indices of the pictures that decode, and their hashes."""
    indexed = [(index, image) for index, image in enumerate(hashes) if image is not None]
    return [index for index, _ in indexed], [image for _, image in indexed]


def _pairs(
    kind: str, part: str, pairs: Sequence[tuple[Picture, Picture]], camera: _Camera
) -> Finding:
    names = tuple(f"{one.file.name} = {other.file.name}" for one, other in pairs[:_EXAMPLES])
    shown = [Suspect(picture, ()) for pair in pairs[: _SHOTS // 2] for picture in pair]
    details = [f"= {name.file.name}" for pair in pairs[: _SHOTS // 2] for name in reversed(pair)]
    return Finding(kind, "warning", part, len(pairs), names, camera.shots(shown, details))
