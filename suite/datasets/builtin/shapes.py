"""The built-in data set: textured shapes in COCO format, written from a seed, byte for byte the same everywhere.

Scenes come from integer arithmetic on raw PCG64 words. Pictures are palette PNGs whose data is stored, not
compressed, because compressed bytes differ between versions of zlib; a 128-pixel picture takes 17 KiB.
"""

import json
import shutil
import struct
import tempfile
import zlib
from pathlib import Path

from suite.datasets.builtin.scenes import SHAPES, Scene, draw_scene
from suite.datasets.random import RandomStream
from suite.datasets.split import DataError
from suite.record import Json, canonical_json

_VERSION = 1  # rises when the same seed gives other scenes
_SPLITS = ("train", "val")


def ensure(
    folder: Path, *, seed: int = 0, train: int = 1000, val: int = 200, size: int = 128
) -> Path:
    """Write the data set into `folder` unless it is there already, and return `folder`.

    The folder appears complete or not at all: it is written under another name beside its place and renamed.
    Scene i of a split depends on seed, size and i only, so a smaller set is the beginning of a larger one.

    Raises:
        DataError: the folder holds something else, or a set made with other numbers.
    """
    about: dict[str, Json] = {
        "description": "textured shapes",
        "version": str(_VERSION),
        "seed": seed,
        "train": train,
        "val": val,
        "size": size,
    }
    if _is_there(folder, about):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for number, (split, count) in enumerate(zip(_SPLITS, (train, val), strict=True)):
            scenes = (draw_scene(RandomStream(seed, number, index), size) for index in range(count))
            _write_split(partial, split, about, list(scenes))
        partial.chmod(0o755)
        try:
            partial.rename(folder)
        except OSError:  # another process was faster, or the folder holds something else
            if not _is_there(folder, about):
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _is_there(folder: Path, about: dict[str, Json]) -> bool:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    try:
        present = json.loads((folder / "instances_val.json").read_bytes())["info"]
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(
            f"{folder}: holds something else than the built-in data set; name an empty folder"
        ) from None
    if present != about:
        raise DataError(
            f"{folder}: was made with {_numbers(present)}, but {_numbers(about)} is asked for; "
            "name another folder or remove this one"
        )
    return True


def _numbers(about: dict[str, Json]) -> str:
    return ", ".join(
        f"{key} {about.get(key)}" for key in ("version", "seed", "train", "val", "size")
    )


def _write_split(folder: Path, split: str, about: dict[str, Json], scenes: list[Scene]) -> None:
    pictures = folder / "images" / split
    pictures.mkdir(parents=True)
    images: list[Json] = []
    annotations: list[Json] = []
    for number, scene in enumerate(scenes, start=1):
        name = f"{number:06d}.png"
        (pictures / name).write_bytes(_png(scene))
        height, width = scene.indices.shape
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for thing in scene.things:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": thing.shape + 1,
                    "bbox": list(thing.box),
                    "area": thing.area,
                    "iscrowd": 0,
                }
            )
    categories: list[Json] = [
        {"id": index, "name": name} for index, name in enumerate(SHAPES, start=1)
    ]
    content = {
        "info": about,
        "categories": categories,
        "images": images,
        "annotations": annotations,
    }
    (folder / f"instances_{split}.json").write_text(
        canonical_json(content) + "\n", encoding="utf-8", newline="\n"
    )


def _png(scene: Scene) -> bytes:
    height, width = scene.indices.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits a pixel, palette
    rows = b"".join(b"\0" + row.tobytes() for row in scene.indices)  # 0: no filter
    parts = (
        (b"IHDR", header),
        (b"PLTE", scene.palette.tobytes()),
        (b"IDAT", _stored(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def _stored(data: bytes) -> bytes:
    """A zlib stream of uncompressed blocks (RFC 1950, RFC 1951 section 3.2.4)."""
    blocks = [data[start : start + 65535] for start in range(0, len(data), 65535)]
    stream = b"".join(
        struct.pack("<BHH", block is blocks[-1], len(block), len(block) ^ 0xFFFF) + block
        for block in blocks
    )
    return b"\x78\x01" + stream + struct.pack(">I", zlib.adler32(data))
