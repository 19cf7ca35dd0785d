"""The training loop: one model, one device, from the first batch or a checkpoint to the end of the budget."""

import itertools
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch

from suite.datasets.loading.loader import Batch
from suite.machine.allocator import is_out_of_memory
from suite.nn.detector import Detector
from suite.train.curve import CurvePoint, Score, best, window
from suite.train.diverged import TrainingDiverged
from suite.train.engine import Engine
from suite.train.host import fast_pointwise, keep_freed_memory, reproducible
from suite.train.memory_limit import TrainingOutOfMemory, batch_limit
from suite.train.snapshot import CheckpointError, Keeper, Snapshot
from suite.train.state import End, LoopState
from suite.train.training import Training


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; told after every point of the curve. `steps` is an estimate where time is the budget."""

    step: int
    steps: int
    seconds: float
    point: CurvePoint


@dataclass(frozen=True, slots=True)
class Trained:
    """The averaged model in evaluation mode, the curve, and what was used of the budget.

    `seconds` is the wall time of the loop without evaluations and checkpoints, `end` says what ended it, `pictures` is
    a checksum of all batches: equal where the same images came in the same order with the same augmentation.
    """

    ema_model: Detector
    curve: tuple[CurvePoint, ...]
    seconds: float
    steps: int
    images: int
    end: End
    scores: tuple[Score, ...]
    pictures: str


class Listener(Protocol):
    """What is told of a training while it goes on."""

    def step(self, progress: Progress) -> None:
        """A point of the curve is there."""
        ...

    def score(self, score: Score) -> None:
        """The averaged model has been evaluated."""
        ...


class _Silent:
    """A listener that nobody listens to."""

    def step(self, progress: Progress) -> None:
        """Nothing."""

    def score(self, score: Score) -> None:
        """Nothing."""


def train(
    training: Training,
    model: Detector,
    batches: Iterable[Batch],
    *,
    listener: Listener | None = None,
    keeper: Keeper | None = None,
    start: Snapshot | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Trained:
    """Train `model` in place until the limits of `training` are reached.

    The same training, model, batches and number of threads give the same weights bit for bit on the CPU, and so does
    a run that goes on from a checkpoint of it. With a limit in seconds they do not, as the rates go by the time.

    Args:
        training: all that decides the weights; its data, weights file and files are not looked at here.
        model: built from the variant for the classes of the data.
        batches: this process's shares of them, all of one size, from number `start.step` on; at least as many as steps.
        listener: told about every point of the curve and every score.
        keeper: writes checkpoints.
        start: the checkpoint to go on from.
        clock: seconds.

    Raises:
        TrainingDiverged: loss, gradient or weights stopped being finite.
        TrainingOutOfMemory: a batch does not fit; says what would.
        CheckpointError: `start` is of another network, or a checkpoint cannot be written.
        ValueError: there are fewer batches than steps.
    """
    keep_freed_memory()
    torch.manual_seed(training.seed)
    first, stream = _with_first(iter(batches), training, start)
    begun = start.step if start else 0
    run: _Run | None = None
    try:
        with reproducible(torch.device(training.device), asked=training.recipe.deterministic):
            run = _Run(Engine(training, model), clock, listener or _Silent(), keeper)
            if start is not None:
                run.restore(start)
            share = training.batch // training.group.size
            with fast_pointwise(model, batch=share, image_size=training.image_size):
                run.go(stream)
            return run.trained()
    except TrainingDiverged as error:
        if keeper is None or keeper.kept_step is None:
            raise
        raise TrainingDiverged(error.step, error.what, keeper.path, keeper.kept_step) from error
    except (MemoryError, RuntimeError) as error:
        if first is None or not is_out_of_memory(error):
            raise
        begun = run.step if run else begun
    run = None  # out here nothing holds on any more to what the failed step had allocated
    raise TrainingOutOfMemory(begun + 1, first, batch_limit(training, model, first))


def _with_first(
    batches: Iterator[Batch], training: Training, start: Snapshot | None
) -> tuple[Batch | None, Iterator[Batch]]:
    """The first batch, and all with it; None where a training that has ended is only looked at."""
    first = next(batches, None)
    if first is not None:
        return first, itertools.chain((first,), batches)
    if start is not None and start.loop.end:
        return None, batches
    raise _too_few_batches(start.step if start else 0, training.steps)


def _too_few_batches(step: int, steps: int) -> ValueError:
    return ValueError(
        f"the data ended after {step} of {steps} steps; give at least one batch a step"
    )


class _Run:
    """What the loop keeps beside the engine: time, curve, scores, and the checksum of the batches."""

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], float],
        listener: Listener,
        keeper: Keeper | None,
    ) -> None:
        self._engine, self._clock, self._listener, self._keeper = engine, clock, listener, keeper
        self._training = engine.training
        self._limits = engine.training.limits
        self._window = window(self._limits.steps if self._limits.seconds is None else 0)
        self._since = clock()
        self._before = 0.0  # seconds until `_since`
        self._curve: list[CurvePoint] = []
        self._scores: list[Score] = []
        self._checksum = 0
        self._end: End = ""
        self.step = 0  # batches that are behind

    def go(self, batches: Iterator[Batch]) -> None:
        """Train until the budget is used up."""
        while not self._end:
            batch = next(batches, None)
            if batch is None:
                raise _too_few_batches(self.step, self._limits.steps)
            self._aim()
            self._engine.step(self.step, batch)
            self._checksum = _checksum(batch, self._checksum)
            self.step += 1
            self._end = self._used_up()
            self._score()
            if self._end or self.step % self._window == 0:
                self._report()
            self._keep()

    def restore(self, start: Snapshot) -> None:
        """Go back to a checkpoint.

        Raises:
            CheckpointError: it is of another network.
        """
        try:
            self._engine.restore(start.engine)
        except ValueError as error:
            raise CheckpointError(f"the checkpoint of step {start.step} {error}") from error
        self.step = start.step
        self._before, self._end = start.loop.seconds, start.loop.end
        self._checksum = start.loop.checksum
        self._curve, self._scores = list(start.loop.curve), list(start.loop.scores)
        self._since = self._clock()

    def trained(self) -> Trained:
        """What came of it."""
        return Trained(
            ema_model=self._engine.finished(),
            curve=tuple(self._curve),
            seconds=self._seconds(),
            steps=self.step,
            images=self.step * self._training.batch,
            end=self._end,
            scores=tuple(self._scores),
            pictures=f"{self._checksum:08x}",
        )

    def _aim(self) -> None:
        """Where time is the budget: let the rates go by a run of so many steps as the speed until now promises."""
        if self._limits.seconds is not None:
            steps = self._training.group.broadcast_number(self._promised_steps())
            self._engine.aim(round(steps))

    def _promised_steps(self) -> int:
        """The steps of the whole run."""
        passed = self._seconds()
        if self._limits.seconds is None or not (self.step and passed):
            return self._limits.steps
        promised = round(self.step * self._limits.seconds / passed)
        return min(max(promised, self.step + 1), self._limits.steps)

    def _used_up(self) -> End:
        if self.step >= self._limits.steps:
            return "budget"
        if self._limits.seconds is None:
            return ""
        passed = self._training.group.broadcast_number(self._seconds())
        return "time" if passed >= self._limits.seconds else ""

    def _report(self) -> None:
        point = self._engine.point(self.step - 1)
        self._curve.append(point)
        self._listener.step(Progress(self.step, self._promised_steps(), self._seconds(), point))

    def _score(self) -> None:
        recipe, evaluate = self._training.recipe, self._training.evaluate
        if evaluate is None or not recipe.evaluate_every or self.step % recipe.evaluate_every:
            return
        with self._paused():
            averaged = self._engine.averaged(self.step / self._promised_steps())
            score = evaluate(self.step, averaged)
            self._listener.score(score)
        self._scores.append(score)
        if recipe.patience and self._is_out_of_patience(score):
            self._end = self._end or "patience"

    def _is_out_of_patience(self, score: Score) -> bool:
        """Keep the average if `score` is the best until now; whether too many have come since the best."""
        top = best(self._scores)
        assert top is not None
        if top is score:
            self._engine.best = self._engine.ema.average.clone()
        later = sum(other.step > top.step for other in self._scores)
        return later >= self._training.recipe.patience

    def _keep(self) -> None:
        """Write a checkpoint when one is due; at the end only if the run is long enough to have written one."""
        keeper = self._keeper
        if keeper is None:
            return
        at_end = self._end and keeper.kept_step is not None
        if not (keeper.due(self.step) or at_end):
            return
        with self._paused():
            self._engine.require_finite(self.step)
            keeper.keep(Snapshot(self.step, self._engine.snapshot(), self._state()))

    def _state(self) -> LoopState:
        return LoopState(
            batch=self._training.batch,
            image_size=self._training.image_size,
            seconds=self._before,
            checksum=self._checksum,
            end=self._end,
            curve=tuple(self._curve),
            scores=tuple(self._scores),
        )

    def _seconds(self) -> float:
        return self._before + self._clock() - self._since

    @contextmanager
    def _paused(self) -> Iterator[None]:
        """Time that passes in here is not the training's."""
        self._before = self._seconds()
        try:
            yield
        finally:
            self._since = self._clock()


def _checksum(batch: Batch, before: int) -> int:
    """Targets whole, every sixteenth pixel of each row and column, which tells pictures and changes apart, the size."""
    seen = batch.images[:, :, ::16, ::16].contiguous()
    if batch.size is not None:
        before = zlib.crc32(repr(batch.size).encode(), before)
    targets = zlib.crc32(batch.targets.contiguous().numpy().data, before)
    return zlib.crc32(seen.numpy().data, targets)
