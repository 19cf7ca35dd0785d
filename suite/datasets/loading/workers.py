"""Batches made ahead of the training by forked processes, in the same order and with the same content as without.

Worker w of W makes the batches w, w + W, ..., at most `_AHEAD` of them before the first is taken. Images travel
through memory that the processes share, all else through a pipe. A worker ends when its pipe does, so that none
outlives the training, however that ends; and a training whose worker ends says so.
"""

# Not torch's DataLoader: for a batch of 16 images of 640 x 640 pixels it takes 116 ms through /dev/shm, which
# containers limit, and 104 ms through a pipe, where this takes 52 ms; it also rewrites the errors of its workers.

import math
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from suite.datasets.images import Image
from suite.datasets.loading.shared import LoadingError, shared_memory

_AHEAD = 2  # batches that a worker may be ahead by


@dataclass(frozen=True, slots=True, eq=False)
class ArrayBatch:
    """A batch as arrays: images (B, H, W, 3) uint8, targets (n, 6) float32, and the (height, width) at which it is to
    be seen, if another.
    """

    images: Image
    targets: NDArray[np.float32]
    size: tuple[int, int] | None = None


class BatchMaker(Protocol):
    """Makes batches by their numbers, each without regard to those before."""

    def make(self, step: int) -> ArrayBatch:
        """The batch of that number."""
        ...


def in_workers(
    maker: BatchMaker, steps: Sequence[int], workers: int, *, largest: int
) -> Iterator[ArrayBatch]:
    """The batches of those numbers, in order, made by `workers` processes.

    Closing the iterator, or leaving it by an error, kills the workers.

    Args:
        maker: copied into every worker; the one given here makes nothing.
        steps: numbers of batches.
        workers: processes, at least 1.
        largest: bytes of a usual batch's images; larger ones come slower.

    Raises:
        LoadingError: a worker was killed, or there is no memory for the batches.
        Exception: whatever the maker raises, when the batch's turn comes.
    """
    pool = _WorkerPool(maker, steps, workers, largest)
    try:
        for number, step in enumerate(steps):
            yield pool.take(number, step)
    finally:
        pool.kill()


class _Slots:
    """Memory that a worker and the training share, for the images of the batches that are under way."""

    def __init__(self, largest: int) -> None:
        self._memory = shared_memory(_AHEAD * largest, "a worker's batches")
        self._largest = largest

    def write(self, number: int, images: Image) -> bool:
        """Put down the images of the worker's batch `number`; False if they are too large."""
        if images.nbytes > self._largest:
            return False
        self._view(number, images.shape)[:] = images
        return True

    def read(self, number: int, shape: tuple[int, ...]) -> Image:
        """A copy of the images of the worker's batch `number`, whose slot is free then."""
        return self._view(number, shape).copy()

    def _view(self, number: int, shape: tuple[int, ...]) -> Image:
        offset = number % _AHEAD * self._largest
        return np.frombuffer(self._memory, np.uint8, math.prod(shape), offset).reshape(shape)


@dataclass(frozen=True, slots=True, eq=False)
class _BatchMessage:
    """What a worker sends: `images` only if they are too large for its slot."""

    shape: tuple[int, ...]
    images: Image | None
    targets: NDArray[np.float32]
    size: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _ErrorMessage:
    error: Exception


_SLOT_IS_FREE = b"free"  # what a worker is sent when one of its batches was taken


@dataclass(frozen=True, slots=True, eq=False)
class _Worker:
    """A worker as the training sees it."""

    process: ForkProcess
    pipe: "Connection[Any, Any]"
    slots: _Slots


class _WorkerPool:
    """Starts the workers, takes their batches in order, and kills them."""

    def __init__(self, maker: BatchMaker, steps: Sequence[int], workers: int, largest: int) -> None:
        self._steps = steps
        context = multiprocessing.get_context("fork")
        slots = [_Slots(largest) for _ in range(workers)]
        pipes = [context.Pipe() for _ in range(workers)]
        self._workers = []
        for index, (ours, theirs) in enumerate(pipes):
            # a worker that held the others' pipes would keep them alive when the training is gone
            others = [end for pipe in pipes for end in pipe if end is not theirs]
            process = context.Process(
                target=_work,
                args=(maker, steps[index::workers], theirs, others, slots[index]),
                daemon=True,
                name=f"data worker {index}",
            )
            process.start()
            self._workers.append(_Worker(process, ours, slots[index]))
        for _, theirs in pipes:
            theirs.close()

    def take(self, number: int, step: int) -> ArrayBatch:
        """The batch `number` of all, which is called `step`; wait for it if need be."""
        count = len(self._workers)
        worker = self._workers[number % count]
        try:
            message: _BatchMessage | _ErrorMessage = worker.pipe.recv()
        except (EOFError, ConnectionError):
            raise _death(worker.process, step) from None
        if isinstance(message, _ErrorMessage):
            raise message.error
        images = message.images
        if images is None:
            images = worker.slots.read(number // count, message.shape)
        if number + _AHEAD * count < len(self._steps):
            # a worker that has died since is noticed where its next batch does not come
            with suppress(ConnectionError):
                worker.pipe.send(_SLOT_IS_FREE)
        return ArrayBatch(images, message.targets, message.size)

    def kill(self) -> None:
        """No worker lives after this."""
        for worker in self._workers:
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()


def _death(process: ForkProcess, step: int) -> LoadingError:
    """How a worker came to its end."""
    process.join()
    code = process.exitcode or 0
    end = f"ended with status {code}"
    if code < 0:
        end = f"was killed by {signal.Signals(-code).name}"
    message = f"{process.name} {end} before batch {step} was made"
    if code == -signal.SIGKILL:
        message += (
            "; the kernel does that when memory runs out: fewer workers, or a smaller --cache"
        )
    return LoadingError(message)


def _work(
    maker: BatchMaker,
    steps: Sequence[int],
    pipe: "Connection[Any, Any]",
    others: Sequence["Connection[Any, Any]"],
    slots: _Slots,
) -> None:
    """The life of a worker."""
    # Ctrl-C is for the training, which then closes the pipe
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for end in others:
        end.close()
    try:
        for number, step in enumerate(steps):
            if number >= _AHEAD:
                pipe.recv()  # until a slot is free
            pipe.send(_made(maker, step, slots, number))
    except (EOFError, ConnectionError):
        return  # the training is over


def _made(
    maker: BatchMaker, step: int, slots: _Slots, number: int
) -> _BatchMessage | _ErrorMessage:
    try:
        batch = maker.make(step)
    except Exception as error:  # noqa: BLE001  it is raised again where the batch is asked for
        return _ErrorMessage(error)
    images = None if slots.write(number, batch.images) else batch.images
    return _BatchMessage(batch.images.shape, images, batch.targets, batch.size)
