"""Detections as files: lists of COCO results, which any later statistic can be computed from without the model."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from suite.files import replacing

_LARGEST = 1e9
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
        wrong = next((index for index, row in enumerate(rows) if not _is_result(row)), None)
        if wrong is None:
            return rows
        raise ValueError(f"{path}: [{wrong}] is no COCO result; one has {', '.join(_KEYS)}")
    raise ValueError(
        f"{path}: holds a {type(rows).__name__}; detections are a list of COCO results"
    )


def _is_result(row: object) -> bool:
    if not isinstance(row, dict) or not row.keys() >= set(_KEYS):
        return False
    picture, category, box, score = (row[key] for key in _KEYS)
    if not isinstance(picture, int | str) or not isinstance(category, int):
        return False
    if not isinstance(box, list) or len(box) != 4:
        return False
    return all(_is_sane(value) for value in (*box, score))


def _is_sane(value: object) -> bool:
    """Whether a value is a number that pixels and scores may have; a NaN is none."""
    return isinstance(value, int | float) and abs(value) < _LARGEST
