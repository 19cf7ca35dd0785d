"""What a training leaves to be read while it goes on: the curve as CSV, and TensorBoard's files where it is there."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from suite.train.curve import CurveFile, CurvePoint, Score
from suite.train.loop import Progress
from suite.train.snapshot import Snapshot


class Board(Protocol):
    """What TensorBoard's `SummaryWriter` does, as far as it is needed."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """One number at one step."""
        ...

    def close(self) -> None:
        """Write what has been added."""
        ...


def has_tensorboard() -> bool:
    """Whether the package `tensorboard` is installed."""
    return find_spec("tensorboard") is not None


def open_board(folder: Path) -> Board:
    """TensorBoard's own writer; needs its package."""
    from torch.utils.tensorboard import SummaryWriter

    board: Board = SummaryWriter(str(folder))
    return board


class Journal:
    """Writes every point and every score down, and hands the points on to `listen`.

    Args:
        curve: the CSV file; None for none.
        batch: images a step, which the file counts.
        resumed: the checkpoint that the training goes on from; its points and scores come first in the file.
        listen: told about every point.
        board: where the scalars go too.
    """

    def __init__(
        self,
        curve: Path | None,
        batch: int,
        resumed: Snapshot | None,
        *,
        listen: Callable[[Progress], None],
        board: Board | None = None,
    ) -> None:
        known: tuple[CurvePoint | Score, ...] = ()
        if resumed is not None:
            known = (*resumed.loop.curve, *resumed.loop.scores)
        self._curve = CurveFile(curve, batch, known) if curve else None
        self._board = board
        self._listen = listen

    def step(self, progress: Progress) -> None:
        """A point of the curve is there."""
        point = progress.point
        self._note(
            point,
            {"loss/box": point.box, "loss/obj": point.obj, "loss/cls": point.cls, "lr": point.lr},
        )
        self._listen(progress)

    def score(self, score: Score) -> None:
        """The averaged model has been evaluated."""
        self._note(score, {"val/ap": score.ap, "val/ap50": score.ap50})

    def close(self) -> None:
        """No more will come."""
        if self._board is not None:
            self._board.close()

    def _note(self, line: CurvePoint | Score, scalars: dict[str, float]) -> None:
        if self._curve is not None:
            self._curve.add(line)
        for tag, value in scalars.items():
            if self._board is not None:
                self._board.add_scalar(tag, value, line.step)
