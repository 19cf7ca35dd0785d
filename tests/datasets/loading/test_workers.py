"""Workers change how fast batches come, never what is in them; none survives, and none dies unnoticed."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from suite.datasets.loading import workers
from suite.datasets.loading.loader import Augment, TrainingBatches
from suite.datasets.loading.shared import LoadingError
from suite.datasets.split import BrokenPictureError, MissingDataError, Split
from suite.protocols.loading import NO_CACHE, Cache, Loading
from tests.datasets.made_pictures import made_picture, made_split
from tests.narrowing import opened

EVERYTHING = Augment(
    mosaic=0.5,
    mixup=0.3,
    hsv_hue=0.1,
    hsv_saturation=0.7,
    hsv_value=0.4,
    scale=0.5,
    multi_scale=0.5,
)


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """Six pictures of 64 x 32 pixels with one white box each."""
    pictures = [
        made_picture(tmp_path, n, (64, 32), [[8 * n, 8, 8, 16]], labels=[n % 2]) for n in range(6)
    ]
    return made_split(tmp_path, *pictures)


def loader(split: Split, steps: int = 9, **loading) -> TrainingBatches:
    settings = Loading(**{"cache": NO_CACHE, **loading})
    return TrainingBatches(
        split, image_size=32, batch=4, steps=steps, seed=0, augment=EVERYTHING, loading=settings
    )


def equal(one: list, other: list) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a.images, b.images) and torch.equal(a.targets, b.targets) and a.size == b.size
        for a, b in zip(one, other, strict=True)
    )


def children() -> list[BaseProcess]:
    """The workers that live, by their number; what else the process has started is not theirs."""
    alive = (
        child for child in multiprocessing.active_children() if child.name.startswith("data worker")
    )
    return sorted(alive, key=lambda child: child.name)


@pytest.mark.parametrize("cache", [NO_CACHE, Cache(2**20)], ids=["no cache", "shared cache"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_batches_are_the_same_whatever_the_number_of_workers(
    split: Split, count: int, cache: Cache
) -> None:
    assert equal(list(loader(split, workers=count, cache=cache)), list(loader(split)))


def test_more_workers_than_batches_are_not_started(split: Split) -> None:
    assert equal(list(loader(split, steps=2, workers=5)), list(loader(split, steps=2)))


def test_images_too_large_for_the_shared_memory_come_all_the_same(split: Split) -> None:
    plain = loader(split)
    wanted = [plain.make(step) for step in range(9)]

    found = list(workers.in_workers(plain, range(9), 2, largest=100))

    assert all((a.images == b.images).all() for a, b in zip(found, wanted, strict=True))


class Counting:
    """Makes batches of one image of `pixels` pixels, each of the step's value; some steps fail."""

    def __init__(self, *, pixels: int = 4, failing: frozenset[int] = frozenset()) -> None:
        self.pixels, self.failing = pixels, failing

    def make(self, step: int) -> workers.ArrayBatch:
        if step in self.failing:
            raise BrokenPictureError(Path(f"{step}.png"), "is not whole")
        images = np.full((1, 1, self.pixels, 3), step, np.uint8)
        return workers.ArrayBatch(images, np.full((1, 6), step, np.float32), (step, step))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("steps", [range(1), range(20), range(7, 12)])
def test_batches_come_in_order_from_any_number_of_workers(count: int, steps: range) -> None:
    batches = list(workers.in_workers(Counting(), steps, count, largest=12))

    assert [int(batch.images.max()) for batch in batches] == list(steps)
    assert [batch.targets[0, 0] for batch in batches] == list(steps)
    assert [batch.size for batch in batches] == [(step, step) for step in steps]


def test_an_error_comes_when_the_turn_of_its_batch_comes() -> None:
    stream = workers.in_workers(Counting(failing=frozenset({4})), range(9), 2, largest=12)

    assert [int(next(stream).images.max()) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(BrokenPictureError, match=r"4\.png: is not whole"):
        next(stream)
    assert children() == []


def test_batches_may_be_smaller_than_the_memory_for_them() -> None:
    batches = list(workers.in_workers(Counting(pixels=2), range(6), 2, largest=1000))

    assert [batch.images.shape for batch in batches] == [(1, 1, 2, 3)] * 6


def test_a_batch_stays_as_it_is_while_later_ones_come(split: Split) -> None:
    stream = iter(loader(split, workers=1))
    first = next(stream)
    before = first.images.clone()
    list(stream)

    assert torch.equal(first.images, before)


def test_no_worker_outlives_the_batches(split: Split) -> None:
    stream = opened(iter(loader(split, workers=2)))
    next(stream)
    assert len(children()) == 2

    stream.close()

    assert children() == []


def test_shared_memory_of_the_machine_is_not_used(split: Split) -> None:
    """Containers often have 64 MB of it, and a write beyond them kills without a word."""
    stream = opened(iter(loader(split, workers=2, cache=Cache(2**20))))
    next(stream)

    mine = {region.path for region in psutil.Process().memory_maps(grouped=False)}
    stream.close()

    # a lock that something else in this process has made lies there too, and takes 32 bytes
    assert [
        path
        for path in mine
        if path.startswith("/dev/shm/") and not path.startswith("/dev/shm/sem.")
    ] == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_is_killed_ends_the_training_with_a_reason(
    split: Split, number: signal.Signals
) -> None:
    stream = iter(loader(split, steps=50, workers=2))
    next(stream)
    victim = children()[0].pid
    assert victim
    os.kill(victim, number)

    with pytest.raises(
        LoadingError, match=rf"data worker 0 was killed by {number.name} before batch \d+ was made"
    ):
        list(stream)

    assert children() == []


@pytest.mark.parametrize("count", [0, 2])
def test_a_picture_that_breaks_is_named(split: Split, count: int) -> None:
    split.pictures[3].file.write_bytes(split.pictures[3].file.read_bytes()[:60])

    with pytest.raises(
        BrokenPictureError, match=r"3\.png: does not decode as a picture \(truncated\)"
    ):
        list(loader(split, workers=count))


@pytest.mark.parametrize("count", [0, 2])
def test_a_picture_that_breaks_can_be_passed_over_and_is_counted(split: Split, count: int) -> None:
    split.pictures[3].file.unlink()
    whole = loader(split, workers=count, broken_pictures="skip")

    found = list(whole)

    assert [picture.id for picture in whole.broken] == [3]
    assert equal(found, list(loader(split, broken_pictures="skip")))


def test_when_all_pictures_are_broken_there_is_nothing_to_train_on(split: Split) -> None:
    for picture in split.pictures:
        picture.file.write_bytes(b"")

    with pytest.raises(MissingDataError, match="neither it nor any other picture decodes any more"):
        list(loader(split, broken_pictures="skip"))


def test_workers_are_gone_when_the_training_is_killed(split: Split, tmp_path: Path) -> None:
    """SIGKILL: nothing of the training can clean up; the workers see the end of their pipes."""
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, time, psutil\n"
        "from pathlib import Path\n"
        "from suite.datasets.loading.loader import TrainingBatches\n"
        "from suite.protocols.loading import Loading\n"
        "from tests.datasets.made_pictures import made_picture, made_split\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "split = made_split(folder, *(made_picture(folder, n, (64, 32), [[8, 8, 8, 8]]) for n in range(4)))\n"
        "batches = TrainingBatches(split, image_size=32, batch=2, steps=999, seed=0, loading=Loading(workers=3))\n"
        "stream = iter(batches)\n"
        "next(stream)\n"
        "print(*(child.pid for child in psutil.Process().children()), flush=True)\n"
        "time.sleep(60)\n"
    )
    root = Path(__file__).parents[3]
    where = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(
        [sys.executable, program], stdout=subprocess.PIPE, cwd=root, env=where
    ) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        process.kill()
    ended = time.monotonic() + 10
    while any(_lives(pid) for pid in pids) and time.monotonic() < ended:
        time.sleep(0.02)

    assert len(pids) == 3
    assert not any(_lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and not re.search(r"State:\s+Z", status.read_text())
