"""The training loop: one model, one device, from the first batch or a checkpoint to the end of the budget."""

import itertools
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

from suite.datasets.loading.loader import Batch
from suite.nn.detector import Detector
from suite.record import Json
from suite.spec.records.variant import Variant
from suite.train.curve import CurvePoint, Score, best, read_curve, window, write_curve
from suite.train.diverged import TrainingDiverged
from suite.train.engine import Engine
from suite.train.host import fast_pointwise, keep_freed_memory, reproducible
from suite.train.memory_limit import TrainingOutOfMemory, is_out_of_memory, room_for
from suite.train.process_group import SINGLE, ProcessGroup
from suite.train.recipe import Recipe
from suite.train.snapshot import CheckpointError, Keeper, Snapshot

End = Literal["", "budget", "time", "patience"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; told after every point of the curve. `steps` is an estimate where time is the budget."""

    step: int
    steps: int
    seconds: float
    point: CurvePoint


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run ends: after `steps` batches, or where `seconds` are stated after so much time, if that is sooner.

    With `seconds` rates and schedules go by the time that has passed, and `steps` is only what it may not exceed.
    """

    steps: int
    seconds: float | None = None


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


def train(
    model: Detector,
    variant: Variant,
    batches: Iterable[Batch],
    recipe: Recipe,
    *,
    steps: int,
    seconds: float | None = None,
    seed: int = 0,
    device: str = "cpu",
    image_size: int | None = None,
    on_step: Callable[[Progress], None] | None = None,
    evaluate: Callable[[int, Detector], Score] | None = None,
    keeper: Keeper | None = None,
    start: Snapshot | None = None,
    group: ProcessGroup = SINGLE,
    clock: Callable[[], float] = time.perf_counter,
) -> Trained:
    """Train `model` in place on the first `steps` batches.

    The same seed, model, batches, device and number of threads give the same weights bit for bit on the CPU, and so
    does a run that goes on from a checkpoint of it. With `seconds` they do not, as the rates go by the time.

    Args:
        model: built for the classes of the data.
        variant: what the model was built from; its `freeze` and `schedules` are carried out here.
        batches: from number `start.step` on; at least `steps` in all, of one batch size and one longer side.
        recipe: everything else that decides the weights.
        steps: batches, not moves of the optimiser.
        seconds: wall time after which it ends, if `steps` have not been done by then.
        seed: of what is drawn while training, such as stochastic depth.
        device: of torch, such as "cpu" or "cuda:0".
        image_size: side in pixels that the loss's gains go by; the first batch's by default.
        on_step: told about every point of the curve.
        evaluate: scores the averaged model, where the recipe has it evaluated in between; given the step.
        keeper: writes checkpoints.
        start: the checkpoint to go on from.
        group: the processes that train together; `batches` then are this one's shares, all of one size.
        clock: seconds.

    Raises:
        TrainingDiverged: loss, gradient or weights stopped being finite.
        TrainingOutOfMemory: a batch does not fit; says what would.
        CheckpointError: `start` is of another network, or a checkpoint cannot be written.
        ValueError: there are fewer batches than steps.
    """
    keep_freed_memory()
    torch.manual_seed(seed)
    place = torch.device(device)
    stream = iter(batches)
    first = _first(stream, start, steps)
    begun = start.step if start else 0
    batch, side = _sizes(first, start, image_size, group)
    run: _Run | None = None
    try:
        with reproducible(place, asked=recipe.deterministic):
            engine = Engine(
                model, variant, recipe,
                batch=batch, image_size=side, steps=steps, device=place, group=group,
            )  # fmt: skip
            listeners = _Listeners(on_step, evaluate, keeper)
            run = _Run(engine, Limits(steps, seconds), clock, listeners)
            if start is not None:
                run.restore(start)
            with fast_pointwise(model, batch=batch // group.size, image_size=side):
                run.go(stream if first is None else itertools.chain((first,), stream))
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
    del engine
    fits = room_for(model, variant, recipe, first, device=place)
    raise TrainingOutOfMemory(begun + 1, first, fits)


def _first(stream: Iterator[Batch], start: Snapshot | None, steps: int) -> Batch | None:
    """The batch that tells the sizes; None where a training that has ended is only looked at."""
    first = next(stream, None)
    if first is None and not (start and start.facts["end"]):
        begun = start.step if start else 0
        raise ValueError(
            f"the data ended after {begun} of {steps} steps; give at least one batch a step"
        )
    return first


@dataclass(frozen=True, slots=True)
class _Listeners:
    on_step: Callable[[Progress], None] | None
    evaluate: Callable[[int, Detector], Score] | None
    keeper: Keeper | None


class _Run:
    """What the loop keeps beside the engine: time, curve, scores, and the checksum of the batches."""

    def __init__(
        self, engine: Engine, limits: Limits, clock: Callable[[], float], listeners: _Listeners
    ) -> None:
        self._engine, self._limits, self._clock, self._listeners = engine, limits, clock, listeners
        self._window = window(limits.steps if limits.seconds is None else 0)
        self._since = clock()
        self._before = 0.0  # seconds until `_since`
        self._curve: list[CurvePoint] = []
        self._scores: list[Score] = []
        self._pictures = 0
        self._end: End = ""
        self.step = 0  # batches that are behind

    def go(self, batches: Iterator[Batch]) -> None:
        """Train until the budget is used up."""
        while not self._end:
            batch = next(batches, None)
            if batch is None:
                raise ValueError(
                    f"the data ended after {self.step} of {self._limits.steps} steps; give at least one batch a step"
                )
            self._aim()
            self._engine.step(self.step, batch)
            self._pictures = _checksum(batch, self._pictures)
            self.step += 1
            self._end = self._used_up()
            self._score()
            if self._end or self.step % self._window == 0:
                self._tell()
            self._keep()

    def restore(self, start: Snapshot) -> None:
        """Go back to a checkpoint.

        Raises:
            CheckpointError: it is of another network.
        """
        facts = start.facts
        try:
            self._engine.restore(start.tensors, facts)
        except ValueError as error:
            raise CheckpointError(f"the checkpoint of step {start.step} {error}") from error
        self.step = start.step
        self._before = float(str(facts["seconds"]))
        self._pictures = int(str(facts["pictures"]))
        self._curve, self._scores = read_curve(facts)
        ends: dict[Json, End] = {"budget": "budget", "time": "time", "patience": "patience"}
        self._end = ends.get(facts["end"], "")
        self._since = self._clock()

    def trained(self) -> Trained:
        """What came of it."""
        return Trained(
            ema_model=self._engine.finished(),
            curve=tuple(self._curve),
            seconds=self._seconds(),
            steps=self.step,
            images=self.step * self._engine.batch,
            end=self._end,
            scores=tuple(self._scores),
            pictures=f"{self._pictures:08x}",
        )

    def _aim(self) -> None:
        """Where time is the budget: let the rates go by a run of so many steps as the speed until now promises."""
        if self._limits.seconds is not None:
            self._engine.aim(round(self._engine.group.broadcast_number(self._promised())))

    def _promised(self) -> int:
        """The steps of the whole run."""
        passed = self._seconds()
        if self._limits.seconds is None or not (self.step and passed):
            return self._limits.steps
        return min(
            max(round(self.step * self._limits.seconds / passed), self.step + 1), self._limits.steps
        )

    def _used_up(self) -> End:
        if self.step >= self._limits.steps:
            return "budget"
        if self._limits.seconds is None:
            return ""
        return (
            "time"
            if self._engine.group.broadcast_number(self._seconds()) >= self._limits.seconds
            else ""
        )

    def _tell(self) -> None:
        self._curve.append(self._engine.point(self.step - 1))
        if self._listeners.on_step is not None:
            self._listeners.on_step(
                Progress(self.step, self._promised(), self._seconds(), self._curve[-1])
            )

    def _score(self) -> None:
        recipe = self._engine.recipe
        if (
            self._listeners.evaluate is None
            or not recipe.evaluate_every
            or self.step % recipe.evaluate_every
        ):
            return
        with self._paused():
            score = self._listeners.evaluate(
                self.step, self._engine.averaged(self.step / self._promised())
            )
        self._scores.append(score)
        top = best(self._scores)
        if recipe.patience:
            if top is score:
                self._engine.best = self._engine.ema.average.clone()
            bad = sum(top is not None and other.step > top.step for other in self._scores)
            self._end = self._end or ("patience" if bad >= recipe.patience else "")

    def _keep(self) -> None:
        """Write a checkpoint when one is due; at the end only if the run is long enough to have written one."""
        keeper = self._listeners.keeper
        if keeper is None or not (
            keeper.due(self.step) or (self._end and keeper.kept_step is not None)
        ):
            return
        with self._paused():
            self._engine.require_finite(self.step)
            facts: dict[str, Json] = {
                **self._engine.facts(),
                "seconds": self._before,
                "pictures": self._pictures,
                "end": self._end,
                **write_curve(self._curve, self._scores),
            }
            keeper.keep(Snapshot(self.step, self._engine.tensors(), facts))

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


def _sizes(
    first: Batch | None, start: Snapshot | None, image_size: int | None, group: ProcessGroup
) -> tuple[int, int]:
    """Images a step of all processes, and the side in pixels."""
    if first is not None:
        return first.images.shape[0] * group.size, image_size or max(first.images.shape[2:])
    assert start is not None
    return int(str(start.facts["batch"])), int(str(start.facts["image_size"]))


def _checksum(batch: Batch, before: int) -> int:
    """Targets whole, every sixteenth pixel of each row and column, which tells pictures and changes apart, the size."""
    seen = batch.images[:, :, ::16, ::16].contiguous()
    before = before if batch.size is None else zlib.crc32(repr(batch.size).encode(), before)
    return zlib.crc32(
        seen.numpy().data, zlib.crc32(batch.targets.contiguous().numpy().data, before)
    )
