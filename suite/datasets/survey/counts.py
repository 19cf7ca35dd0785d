"""Looks at every picture and every box of a data set, for `data check`."""

import base64
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from suite.datasets.decode import decode_picture, load_image, picture_bytes
from suite.datasets.findings import Finding, Part, Severity, Shot, Survey
from suite.datasets.formats.forms import check_same_categories
from suite.datasets.images import encode_jpeg, scale_to
from suite.datasets.split import BrokenPictureError, Picture, Split
from suite.datasets.survey.facts import fingerprint, gallery, histogram
from suite.datasets.survey.near_duplicates import ImageHash, near_duplicates, print_of, same_files
from suite.datasets.survey.suspects import Suspect, suspects

_AT_ONCE = 256  # pictures
_LONGEST = 260  # pixels of a shot's longer side
_SHOTS, _EXAMPLES = 6, 3
_RARE = 10  # boxes of a class
_PERCENTILES = (5, 25, 50, 75, 95)

Progress = Callable[[int, int], None]


def survey(train: Split, val: Split, *, pictures: bool, progress: Progress | None = None) -> Survey:
    """Decode every picture, and say what is there and what is odd.

    Args:
        train: the part to train on.
        val: the part to evaluate on.
        pictures: whether findings and parts get small pictures to look at.
        progress: told how many pictures are behind, of how many.

    Raises:
        DataError: the two parts have different classes.
    """
    check_same_categories(train, val)
    camera = _Camera(takes=pictures)
    total = len(train.pictures) + len(val.pictures)
    prints: dict[str, list[ImageHash | None]] = {"train": [], "val": []}
    broken: list[Finding] = []
    for part, split in (("train", train), ("val", val)):
        faults = []
        for found in _prints(split.pictures):
            prints[part].append(found if isinstance(found, ImageHash) else None)
            if isinstance(found, str):
                faults.append(found)
            if progress is not None:
                progress(sum(map(len, prints.values())), total)
        if faults:
            kind = "picture that does not decode, and would stop a training"
            broken.append(Finding(kind, "error", part, len(faults), tuple(faults)))
    findings = [*broken, *_class_findings(train, val)]
    for part, split in (("train", train), ("val", val)):
        findings += _left_out(split, part)
        findings += [
            _suspicious(kind, part, found, camera) for kind, found in suspects(split).items()
        ]
        findings += _doubles(split, part, prints[part], camera)
        empty = [picture for picture in split.pictures if not len(picture.boxes)]
        if empty:
            findings.append(
                _finding(
                    "picture without objects", "note", part, [Suspect(p, ()) for p in empty], camera
                )
            )
    findings += _leaks(train, val, prints, camera)
    order = ("error", "warning", "note")
    findings.sort(key=lambda finding: order.index(finding.severity))
    names = tuple(category.name for category in train.categories)
    parts = (_part("train", train, camera), _part("val", val, camera))
    return Survey(train.name, train.form, fingerprint(train, val), names, parts, tuple(findings))


def _prints(pictures: Sequence[Picture]) -> Iterator[ImageHash | str]:
    """A print of each picture in order, or what is wrong with it. OpenCV and hashing leave the interpreter free."""
    with ThreadPoolExecutor(min(8, len(os.sched_getaffinity(0)))) as pool:
        for first in range(0, len(pictures), _AT_ONCE):
            yield from pool.map(_print, pictures[first : first + _AT_ONCE])


def _print(picture: Picture) -> ImageHash | str:
    try:
        data = picture_bytes(picture)
        return print_of(data, decode_picture(picture, data))
    except BrokenPictureError as error:
        return str(error)


class _Camera:
    """Makes shots, or none if nobody is going to look at them."""

    def __init__(self, *, takes: bool) -> None:
        self._takes = takes

    def shots(self, found: Sequence[Suspect], details: Sequence[str] = ()) -> tuple[Shot, ...]:
        if not self._takes:
            return ()
        shots = []
        for place, suspect in enumerate(found[:_SHOTS]):
            try:
                shots.append(_shot(suspect, details[place] if details else ""))
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
    boxes = [picture.boxes[~picture.crowd] for picture in split.pictures]
    areas = np.concatenate(
        [
            b[:, 2:].prod(axis=1) / (p.width * p.height)
            for b, p in zip(boxes, split.pictures, strict=True)
        ]
    )
    sides = np.concatenate([b[:, 2:] for b in boxes])
    values = {"relative size": np.sqrt(areas), "width / height": sides[:, 0] / sides[:, 1]}
    spread = {
        title: tuple(round(float(v), 3) for v in np.percentile(value, _PERCENTILES))
        if len(value)
        else ()
        for title, value in values.items()
    }
    return Part(
        name=name,
        pictures=len(split.pictures),
        boxes=split.box_count,
        crowds=sum(int(picture.crowd.sum()) for picture in split.pictures),
        empty=sum(not len(picture.boxes) for picture in split.pictures),
        sizes=counts["sizes"],
        per_picture=counts["per_picture"],
        spread=spread,
        classes=tuple(count for _, count in counts["categories"]),
        shots=camera.shots([Suspect(picture, ()) for picture in gallery(split)]),
    )


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
        Finding(issue.kind, "warning", part, issue.count, issue.examples) for issue in split.issues
    ]


def _suspicious(kind: str, part: str, found: Sequence[Suspect], camera: _Camera) -> Finding:
    count = sum(len(suspect.boxes) for suspect in found)
    names = tuple(suspect.picture.file.name for suspect in found[:_EXAMPLES])
    return Finding(kind, "warning", part, count, names, camera.shots(found))


def _finding(
    kind: str, severity: Severity, part: str, found: Sequence[Suspect], camera: _Camera
) -> Finding:
    names = tuple(suspect.picture.file.name for suspect in found[:_EXAMPLES])
    return Finding(kind, severity, part, len(found), names, camera.shots(found))


def _doubles(
    split: Split, part: str, prints: Sequence[ImageHash | None], camera: _Camera
) -> list[Finding]:
    """Pictures that the part has more than once; each group counts but its first."""
    places, known = _known(prints)
    same = [(group[0], further) for group in same_files(known) for further in group[1:]]
    kinds = {
        "picture twice in one part: same file": same,
        "picture twice in one part: looks the same": near_duplicates(known),
    }
    return [
        _pairs(
            kind,
            part,
            [(split.pictures[places[a]], split.pictures[places[b]]) for a, b in pairs],
            camera,
        )
        for kind, pairs in kinds.items()
        if pairs
    ]


def _leaks(
    train: Split, val: Split, prints: dict[str, list[ImageHash | None]], camera: _Camera
) -> list[Finding]:
    """Pictures to evaluate on that were trained on; each counts once."""
    of_train, known_train = _known(prints["train"])
    of_val, known_val = _known(prints["val"])
    known, border = [*known_train, *known_val], len(known_train)
    same = [
        (a, b) for group in same_files(known) for a in group[:1] for b in group if a < border <= b
    ]
    alike = [(a, b) for a, b in near_duplicates(known) if a < border <= b]
    findings = []
    for kind, pairs in (("same file", same), ("looks the same", alike)):
        first = {b: a for a, b in reversed(pairs)}
        leaked = [
            (train.pictures[of_train[a]], val.pictures[of_val[b - border]]) for b, a in sorted(first.items())
        ]  # fmt: skip
        if leaked:
            findings.append(_pairs(f"leak from train to val: {kind}", "both", leaked, camera))
    return findings


def _known(prints: Sequence[ImageHash | None]) -> tuple[list[int], list[ImageHash]]:
    """Prints of the pictures that decode, and their places."""
    found = [(place, one) for place, one in enumerate(prints) if one is not None]
    return [place for place, _ in found], [one for _, one in found]


def _pairs(
    kind: str, part: str, pairs: Sequence[tuple[Picture, Picture]], camera: _Camera
) -> Finding:
    names = tuple(f"{one.file.name} = {other.file.name}" for one, other in pairs[:_EXAMPLES])
    shown = [Suspect(picture, ()) for pair in pairs[: _SHOTS // 2] for picture in pair]
    details = [f"= {name.file.name}" for pair in pairs[: _SHOTS // 2] for name in reversed(pair)]
    return Finding(kind, "warning", part, len(pairs), names, camera.shots(shown, details))
