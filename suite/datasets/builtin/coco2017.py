"""COCO 2017, fetched on request: which archives there are, and the way from there to a folder that can be trained on.

The consortium publishes no checksums. Sizes and SHA-256 are those that several projects, each on its own, have recorded
of the archives at images.cocodataset.org (TensorFlow Datasets and ParlAI among them).
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.datasets.builtin.fetch import FetchError, NoRoomError, Progress, Wanted, fetch
from suite.datasets.builtin.unpack import Contents, unpack
from suite.files import replacing

SERVER = "http://images.cocodataset.org"  # its certificate is for another name, so no https; the checksums decide
_DOWNLOADS, _RECORD = "downloads", "prepared.json"


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive of the server: where it is, what it is, what is unpacked of it, how many files that makes."""

    path: str
    wanted: Wanted
    contents: Contents
    files: int


ANNOTATIONS = Archive(
    "annotations/annotations_trainval2017.zip",
    Wanted(
        "annotations_trainval2017.zip",
        252907541,
        "113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
    ),
    Contents("annotations", ("annotations/instances_",), 2 * 10**9),
    2,
)
VAL = Archive(
    "zips/val2017.zip",
    Wanted(
        "val2017.zip", 815585330, "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05"
    ),
    Contents("val2017", ("val2017/",), 10**9),
    5000,
)
TRAIN = Archive(
    "zips/train2017.zip",
    Wanted(
        "train2017.zip",
        19336861798,
        "69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
    ),
    Contents("train2017", ("train2017/",), 21 * 10**9),
    118287,
)
ARCHIVES = {"annotations": ANNOTATIONS, "val": VAL, "train": TRAIN}


def prepare(
    folder: Path,
    archives: Sequence[Archive],
    *,
    server: str = SERVER,
    keep: bool = False,
    progress: Progress,
) -> list[str]:
    """Fetch, verify and unpack into `folder`; the names of the archives that there was anything to do for.

    Whatever breaks it off, the same call goes on from there. `keep` leaves the archives in `folder`/downloads.

    Raises:
        FetchError: an archive cannot be had, or is not what it should be.
        NoRoomError: the disk is too small.
    """
    record = folder / _RECORD
    done = _read(record)
    todo = [
        archive for archive in archives if done.get(archive.wanted.name) != archive.wanted.sha256
    ]
    folder.mkdir(parents=True, exist_ok=True)
    _require_room(folder, todo)
    for archive in todo:
        name = archive.wanted.name
        target = folder / _DOWNLOADS / name

        def tell(what: str, behind: int, total: int, name: str = name) -> None:
            progress(f"{what} {name}", behind, total)

        fetch(f"{server.rstrip('/')}/{archive.path}", target, archive.wanted, progress=tell)
        count = unpack(target, folder, archive.contents, progress=tell)
        if count != archive.files:
            raise FetchError(
                f"{target}: unpacked {count:,} files, but {name} has {archive.files:,}"
            )
        done[name] = archive.wanted.sha256
        with replacing(record) as part:
            part.write_text(json.dumps(done, indent=1) + "\n")
        if not keep:
            target.unlink()
    if not keep and (folder / _DOWNLOADS).is_dir() and not any((folder / _DOWNLOADS).iterdir()):
        (folder / _DOWNLOADS).rmdir()
    return [archive.wanted.name for archive in todo]


def _read(record: Path) -> dict[str, str]:
    """What has been prepared already; a damaged record only means that it is looked at again."""
    try:
        content = json.loads(record.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _require_room(folder: Path, todo: Sequence[Archive]) -> None:
    """An archive is deleted before the next is fetched; unpacked pictures take about its size."""
    if not todo:
        return
    downloads = folder / _DOWNLOADS
    have = sum(file.stat().st_size for file in downloads.iterdir()) if downloads.is_dir() else 0
    sizes = [archive.wanted.size for archive in todo]
    needed = sum(sizes) + max(sizes) - have
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoRoomError(
            f"{folder}: {free / 1e9:.1f} GB are free, but about {needed / 1e9:.1f} GB are needed; name another --to"
        )
