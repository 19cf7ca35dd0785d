"""How far a training is, line by line on stderr."""

import time
from collections.abc import Callable

from suite.cli.output import say
from suite.record import Stage
from suite.train.loop import Progress

_QUIET_SECONDS = 2.0  # between two lines


class ProgressPrinter:
    """Says how far the training is, how fast, and how long it will take.

    Args:
        batch: images a step.
        quiet: say nothing at all.
        clock: seconds.
    """

    def __init__(
        self, *, batch: int, quiet: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._batch, self._quiet, self._clock = batch, quiet, clock
        self._printed = 0.0  # when the last line was
        # step and seconds when this process came to its first point
        self._first: tuple[int, float] | None = None

    def stage(self, stage: Stage) -> None:
        """What comes now."""
        self._say(f"{stage} ...")

    def progress(self, done: int, total: int) -> None:
        """Nothing: `listen` knows more."""

    def listen(self, progress: Progress) -> None:
        """A line at most every two seconds, and the last one."""
        now = self._clock()
        if now - self._printed < _QUIET_SECONDS and progress.step < progress.steps:
            return
        self._printed = now
        point = progress.point
        line = f"[{progress.step}/{progress.steps}] loss {point.box + point.obj + point.cls:.3f}"
        begun, since = self._first = self._first or (progress.step, progress.seconds)
        if progress.seconds > since:
            speed = (progress.step - begun) / (progress.seconds - since)
            left = _duration((progress.steps - progress.step) / speed)
            line += f", {speed * self._batch:.0f} img/s, {left} left"
        self._say(line)

    def _say(self, line: str) -> None:
        if not self._quiet:
            say(line)


def _duration(seconds: float) -> str:
    """H:MM:SS."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
