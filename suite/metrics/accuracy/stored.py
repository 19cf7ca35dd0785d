"""Detections as files: lists of COCO results, which any later statistic can be computed from without the model."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from suite.files import replacing

_LARGEST = 1e9
_LONGEST = 40  # signs of a value that a message shows
_KEYS = ("image_id", "category_id", "bbox", "score")


def write_results(results: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Write results (.json.gz); equal results give equal bytes, and no reader sees a half."""
    text = json.dumps(list(results), separators=(",", ":"))
    content = gzip.compress(text.encode(), mtime=0)
    with replacing(path, size=len(content)) as part:
        part.write_bytes(content)
    return path


def read_results(path: Path) -> list[dict[str, Any]]:
    """Read a list of COCO results, packed with gzip or not.

    Raises:
        ValueError: the file is not there, cannot be read, or holds something else.
    """
    try:
        data = path.read_bytes()
        rows = json.loads(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: cannot be read as detections ({error})") from error
    if isinstance(rows, list):
        faults = ((index, _fault(row)) for index, row in enumerate(rows))
        first = next(((index, fault) for index, fault in faults if fault), None)
        if first is None:
            return rows
        raise ValueError(f"{path}: [{first[0]}] {first[1]}")
    raise ValueError(
        f"{path}: holds a {type(rows).__name__}; detections are a list of COCO results"
    )


def _fault(row: object) -> str:
    """What is wrong with a result; empty for a sound one."""
    if not isinstance(row, dict) or not row.keys() >= set(_KEYS):
        return f"is no COCO result; one has {', '.join(_KEYS)}"
    picture, category = row["image_id"], row["category_id"]
    kinds = {
        "image_id": (_is_whole(picture) or isinstance(picture, str), "a number, or a word"),
        "category_id": (_is_whole(category), "a whole number"),
        "bbox": (_is_box(row["bbox"]), "four numbers: left, top, width, height"),
        "score": (_is_sane(row["score"]), "a number"),
    }
    wrong = next((key for key, (right, _) in kinds.items() if not right), None)
    if wrong is None:
        return ""
    return f"has {wrong} {_shown(row[wrong])}; it must be {kinds[wrong][1]}"


def _is_box(box: object) -> bool:
    return isinstance(box, list) and len(box) == 4 and all(_is_sane(value) for value in box)


def _is_whole(value: object) -> bool:
    """Whether it can be an id: tables with gaps write whole numbers as floats."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def _is_sane(value: object) -> bool:
    """Whether a value is a number that pixels and scores may have; a NaN is none."""
    return isinstance(value, int | float) and abs(value) < _LARGEST


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
