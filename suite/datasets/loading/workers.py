"""Batches made ahead of the training by forked processes, in the same order and with the same content as without.

Worker w of W makes the batches w, w + W, ..., at most `_AHEAD` of them before the first is taken. Pixels travel through
memory that the processes share (not /dev/shm), all else through a pipe. A worker ends when its pipe does, so that none
outlives the training, however that ends; and a training whose worker ends says so.
"""

import mmap
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from suite.datasets.images import Image
from suite.datasets.loading.cache import LoadingError, shared_memory
from suite.datasets.loading.source import News

_AHEAD = 2  # batches that a worker may be ahead by


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A batch as arrays: images (B, H, W, 3), targets (n, 6), and the size at which it is to be seen, if another."""

    images: Image
    targets: NDArray[np.float32]
    size: tuple[int, int] | None = None


class Maker(Protocol):
    """Makes batches by their numbers, each without regard to those before."""

    def make(self, step: int) -> Made:
        """The batch of that number."""
        ...

    def news(self) -> News:
        """What other processes had better know."""
        ...

    def hear(self, news: News) -> None:
        """What another process has found out."""
        ...


def in_workers(maker: Maker, steps: Sequence[int], workers: int, *, largest: int) -> Iterator[Made]:
    """The batches of those numbers, in order.

    Args:
        maker: copied into every worker; the one given here hears of everything, but makes nothing.
        steps: numbers of batches.
        workers: processes, at least 1.
        largest: bytes of a usual batch's images; larger ones come slower.

    Raises:
        LoadingError: a worker was killed, or there is no memory for the batches.
        Exception: whatever the maker raises, when the batch's turn comes.
    """
    crew = _Crew(maker, steps, workers, largest)
    try:
        for number, step in enumerate(steps):
            yield crew.take(number, step)
    finally:
        crew.end()


@dataclass(frozen=True, slots=True, eq=False)
class _Parcel:
    """What a worker sends: the shape of the images in its slot, or the images themselves if they are too large."""

    shape: tuple[int, ...]
    images: Image | None
    targets: NDArray[np.float32]
    size: tuple[int, int] | None
    news: News


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


@dataclass(slots=True, eq=False)
class _Hand:
    """A worker as the training sees it; `unheard` waits for its next batch to be taken."""

    process: ForkProcess
    pipe: "Connection[Any, Any]"
    memory: mmap.mmap
    unheard: list[News] = field(default_factory=list)


class _Crew:
    def __init__(self, maker: Maker, steps: Sequence[int], workers: int, largest: int) -> None:
        self._maker, self._steps, self._largest = maker, steps, largest
        context = multiprocessing.get_context("fork")
        memories = [shared_memory(_AHEAD * largest, "a worker's batches") for _ in range(workers)]
        pipes = [context.Pipe() for _ in range(workers)]
        self._hands = []
        for place, (memory, (ours, theirs)) in enumerate(zip(memories, pipes, strict=True)):
            # a worker that held the others' pipes would keep them alive when the training is gone
            others = [end for pipe in pipes for end in pipe if end is not theirs]
            orders = (maker, steps[place::workers], theirs, others, memory, largest)
            process = context.Process(
                target=_work, args=orders, daemon=True, name=f"data worker {place}"
            )
            process.start()
            self._hands.append(_Hand(process, ours, memory))
        for _, theirs in pipes:
            theirs.close()

    def take(self, number: int, step: int) -> Made:
        """The next batch."""
        hand = self._hands[number % len(self._hands)]
        try:
            parcel: _Parcel | _Failed = hand.pipe.recv()
        except (EOFError, ConnectionError):
            raise self._explained(hand, step) from None
        if isinstance(parcel, _Failed):
            raise parcel.error
        images = parcel.images
        if images is None:
            slot = number // len(self._hands) % _AHEAD
            count = int(np.prod(parcel.shape))
            images = (
                np.frombuffer(hand.memory, np.uint8, count, slot * self._largest)
                .reshape(parcel.shape)
                .copy()
            )
        self._spread(parcel.news, hand)
        if number + _AHEAD * len(self._hands) < len(self._steps):
            with suppress(
                ConnectionError
            ):  # it has died since; its next batch will not come, which is told then
                hand.pipe.send(hand.unheard)  # the slot is free again
            hand.unheard = []
        return Made(images, parcel.targets, parcel.size)

    def end(self) -> None:
        """No worker lives after this."""
        for hand in self._hands:
            hand.process.kill()
            hand.process.join()
            hand.pipe.close()

    def _spread(self, news: News, teller: _Hand) -> None:
        if news.cached or news.broken:
            self._maker.hear(news)
            for hand in self._hands:
                if hand is not teller:
                    hand.unheard.append(news)

    def _explained(self, hand: _Hand, step: int) -> LoadingError:
        hand.process.join()
        code = hand.process.exitcode or 0
        how = (
            f"was killed by {signal.Signals(-code).name}"
            if code < 0
            else f"ended with status {code}"
        )
        hint = (
            "the kernel does that when memory runs out: fewer workers, or a smaller --cache"
            if code == -9
            else ""
        )
        return LoadingError(
            f"{hand.process.name} {how} before batch {step} was made"
            + (f"; {hint}" if hint else "")
        )


def _work(
    maker: Maker,
    steps: Sequence[int],
    pipe: "Connection[Any, Any]",
    others: Sequence["Connection[Any, Any]"],
    *memory: Any,
) -> None:
    """The life of a worker."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is for the training, which then closes the pipe
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for end in others:
        end.close()
    slots, largest = memory
    try:
        for number, step in enumerate(steps):
            if number >= _AHEAD:
                for news in pipe.recv():
                    maker.hear(news)
            pipe.send(_parcel(maker, step, slots, (number % _AHEAD) * largest, largest))
    except (EOFError, ConnectionError):
        return  # the training is over


def _parcel(maker: Maker, step: int, *slot: Any) -> _Parcel | _Failed:
    memory, place, largest = slot
    try:
        made = maker.make(step)
    except Exception as error:  # noqa: BLE001  (it is raised again where the batch is asked for)
        return _Failed(error)
    images: Image | None = made.images
    if made.images.nbytes <= largest:
        np.frombuffer(memory, np.uint8, made.images.nbytes, place).reshape(made.images.shape)[:] = (
            made.images
        )
        images = None
    return _Parcel(made.images.shape, images, made.targets, made.size, maker.news())
