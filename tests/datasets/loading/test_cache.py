"""Decoded pictures are kept, and nobody can tell from the batches."""

import errno
import mmap
from pathlib import Path

import pytest
import torch

from suite.datasets.loading.cache import DiskCache, RamCache
from suite.datasets.loading.loader import Augment, TrainingBatches
from suite.datasets.loading.shared import LoadingError
from suite.datasets.split import Split
from suite.protocols.loading import NO_CACHE, Cache, Loading, parse_cache
from tests.datasets.made_pictures import made_picture, made_split

EVERYTHING = Augment(
    mosaic=0.5, hsv_hue=0.1, hsv_saturation=0.7, hsv_value=0.4, translate=0.1, scale=0.5
)
ONE = 32 * 16 * 3  # bytes of a picture at 32 pixels


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """Six pictures of 64 x 32 pixels with one white box each."""
    (tmp_path / "set").mkdir()
    pictures = [
        made_picture(tmp_path / "set", n, (64, 32), [[8 * n, 8, 8, 16]], labels=[n % 2])
        for n in range(6)
    ]
    return made_split(tmp_path / "set", *pictures)


def batches(split: Split, cache: Cache) -> list:
    loading = Loading(cache=cache)
    return list(
        TrainingBatches(split, image_size=32, batch=4, steps=6, seed=0, augment=EVERYTHING, loading=loading)
    )  # fmt: skip


def equal(one: list, other: list) -> bool:
    return all(
        torch.equal(a.images, b.images) and torch.equal(a.targets, b.targets)
        for a, b in zip(one, other, strict=True)
    )


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("??/*.raw"))


def test_no_cache_changes_a_batch(split: Split, tmp_path: Path) -> None:
    plain = batches(split, NO_CACHE)

    assert equal(batches(split, Cache(2**20)), plain)
    assert equal(batches(split, Cache(None, tmp_path / "cold")), plain)
    assert equal(batches(split, Cache(None, tmp_path / "cold")), plain)  # warm now
    assert len(kept(tmp_path / "cold")) == 6


@pytest.mark.parametrize("where", ["ram", "disk"])
def test_a_cache_never_exceeds_its_bound(split: Split, tmp_path: Path, where: str) -> None:
    room = 2 * (ONE + 4) + 100
    folder = tmp_path / "cache" if where == "disk" else None
    cache = (
        DiskCache(folder, split.pictures, 32, room)
        if folder
        else RamCache(split.pictures, 32, room)
    )
    source = TrainingBatches(
        split, image_size=32, batch=6, steps=1, seed=0, loading=Loading(cache=NO_CACHE)
    )._source

    for index in range(6):
        cache.put(index, source.sample(index).image)

    assert sum(cache.get(index) is not None for index in range(6)) == 2


def test_a_second_opening_counts_what_lies_there(split: Split, tmp_path: Path) -> None:
    batches(split, Cache(2 * (ONE + 4), tmp_path / "cache"))
    (tmp_path / "cache/.used").write_text("0")  # as a run that was killed might leave it

    batches(split, Cache(3 * (ONE + 4), tmp_path / "cache"))

    assert len(kept(tmp_path / "cache")) == 3


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: bytes(len(data)), lambda _: b""]
)
def test_a_damaged_file_is_decoded_anew(split: Split, tmp_path: Path, damage) -> None:
    plain = batches(split, Cache(None, tmp_path / "cache"))
    files = kept(tmp_path / "cache")
    before = files[0].read_bytes()
    files[0].write_bytes(damage(before))

    assert equal(batches(split, Cache(None, tmp_path / "cache")), plain)
    assert files[0].read_bytes() == before


def test_another_picture_under_the_same_name_is_another_file(split: Split, tmp_path: Path) -> None:
    batches(split, Cache(None, tmp_path / "cache"))
    made_picture(tmp_path / "set", 0, (64, 32), [[40, 2, 8, 16]])

    assert equal(batches(split, Cache(None, tmp_path / "cache")), batches(split, NO_CACHE))
    assert len(kept(tmp_path / "cache")) == 7


def test_a_full_disk_costs_the_cache_and_not_the_training(
    split: Split, tmp_path: Path, monkeypatch
) -> None:
    def full(_path: Path, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    plain = batches(split, NO_CACHE)
    monkeypatch.setattr(Path, "write_bytes", full)

    assert equal(batches(split, Cache(None, tmp_path / "cache")), plain)
    assert kept(tmp_path / "cache") == []


def test_a_folder_that_cannot_be_used_is_an_error(split: Split, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(
        LoadingError, match=r"file/cache: cannot be used as a cache .*; give --cache another folder"
    ):
        batches(split, Cache(None, tmp_path / "file/cache"))


def test_memory_that_cannot_be_had_is_an_error(split: Split, monkeypatch) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", refuse)

    with pytest.raises(
        LoadingError, match=r"the cache of pictures needs 0\.0 GiB .*Cannot allocate memory"
    ):
        batches(split, Cache(2**20))


@pytest.mark.parametrize(
    ("text", "cache"),
    [
        ("ram:4G", Cache(4 * 2**30)),
        ("ram:1.5gb", Cache(3 * 2**29)),
        ("ram:500M", Cache(500 * 2**20)),
        ("none", NO_CACHE),
        ("disk:/tmp/x", Cache(None, Path("/tmp/x"))),
        ("disk:/tmp/x:100G", Cache(100 * 2**30, Path("/tmp/x"))),
        ("disk:/tmp/a:b", Cache(None, Path("/tmp/a:b"))),
    ],
)
def test_a_cache_is_one_word(text: str, cache: Cache) -> None:
    assert parse_cache(text) == cache


@pytest.mark.parametrize(
    "text", ["", "ram", "ram:", "ram:much", "ram:-1G", "disk:", "tape:4G", "ram:4X"]
)
def test_a_word_that_is_no_cache_is_answered_with_those_that_are(text: str) -> None:
    with pytest.raises(
        ValueError, match="is no cache; it is 'ram:4G', 'disk:DIR', 'disk:DIR:100G' or 'none'"
    ):
        parse_cache(text)
