"""Trying the method on this machine: a network against its own copies, one of them slowed down by a known share.

One repetition builds the network anew four times: base, copy, and two that do extra work. They are
timed in rounds, as everything is; and for comparison base and copy one after the other, each for
half of the same time, as most harnesses do.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor

from suite.metrics.speed.conditions import sensor_of
from suite.metrics.speed.latency import noise
from suite.metrics.speed.rounds import Rounds, Settings, Watch, interleave
from suite.metrics.speed.warmup import LEAST, warm_up
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.record import Json
from suite.runtimes import Session, Timing, open_session
from suite.spec.records.variant import Variant

Clock = Callable[[], float]
_SPINS_TIMED = 15  # of which the median is taken
_SPIN_PROBE = 20_000  # turns of the loop
# keeps a core busy until the process that started it is gone
_BURNER = (
    "import os\nparent = os.getppid()\n"
    "while os.getppid() == parent:\n    for _ in range(1000000):\n        pass\n"
)


class Planted:
    """A session that does more work: a loop of the processor after each call, which no cache or memory slows down."""

    def __init__(self, inner: Session, turns: int) -> None:
        self._inner, self._turns = inner, turns

    @property
    def settings(self) -> Mapping[str, Json]:
        """Those of the session inside."""
        return self._inner.settings

    def prepare(self, images: Tensor) -> Tensor:
        """As the session inside."""
        return self._inner.prepare(images)

    def run(self, prepared: Tensor) -> Tensor:
        """The session's output, after the extra work."""
        output = self._inner.run(prepared)
        spin(self._turns)
        return output

    def time(self, prepared: Tensor) -> Timing:
        """Both together."""
        inner = self._inner.time(prepared)
        wall, cpu = time.perf_counter(), time.process_time()
        spin(self._turns)
        return Timing(
            inner.wall_ms + 1000 * (time.perf_counter() - wall),
            inner.cpu_ms + 1000 * (time.process_time() - cpu),
        )

    def synchronize(self) -> None:
        """Wait for the session inside."""
        self._inner.synchronize()

    def close(self) -> None:
        """Close the session inside."""
        self._inner.close()


@dataclass(frozen=True, slots=True)
class Repetition:
    """The rounds of one repetition, and the ratio of copy to base when they are timed one after the other."""

    rounds: Rounds
    sequential: float


def repeat(variant: Variant, settings: Settings, planted: Sequence[float]) -> Repetition:
    """One repetition on the processor: `settings.cap_seconds` of rounds, then as much of sequential timing.

    Roles are "base", "copy" and "planted 0.05" for each share in `planted`, so much more than the
    base's time.
    """
    example = noise(settings)

    def opened() -> Session:
        return open_session(
            settings.runtime, deploy(build(variant, seed=0)), settings.options, example
        )

    sessions: dict[str, Session] = {"base": opened(), "copy": opened()}
    images = sessions["base"].prepare(example)
    base_ms = warm_up(
        lambda: sessions["base"].time(images).cpu_ms, LEAST["cpu"], time.perf_counter
    ).last_ms
    for share in planted:
        sessions[role_of(share)] = Planted(opened(), turns_of(share * base_ms))
    watch = Watch(sensor_of(settings))
    rounds = interleave(sessions, dict.fromkeys(sessions, images), settings, watch, of="copy")
    sequential = one_after_the_other(
        sessions["base"], sessions["copy"], images, seconds=settings.cap_seconds
    )
    for session in sessions.values():
        session.close()
    return Repetition(rounds, sequential)


def role_of(share: float) -> str:
    """What the session with so much more work is called."""
    return f"planted {share:g}"


def one_after_the_other(
    base: Session,
    copy: Session,
    prepared: Tensor,
    *,
    seconds: float,
    clock: Clock = time.perf_counter,
) -> float:
    """The ratio of medians, copy to base, each of calls for half of the time, as most harnesses do it."""
    medians = []
    for session in (base, copy):
        start, times = clock(), list[float]()
        while not times or clock() - start < seconds / 2:
            times.append(session.time(prepared).wall_ms)
        medians.append(statistics.median(times))
    return medians[1] / medians[0]


def spin(turns: int) -> None:
    """So many turns of an empty loop."""
    for _ in range(turns):
        pass


def turns_of(milliseconds: float) -> int:
    """How many turns take so long in processor time here."""
    probes = []
    for _ in range(_SPINS_TIMED):
        start = time.process_time()
        spin(_SPIN_PROBE)
        probes.append(time.process_time() - start)
    return round(milliseconds / 1000 / statistics.median(probes) * _SPIN_PROBE)


@contextmanager
def burners(count: int | None = None) -> Iterator[None]:
    """Keep `count` cores (all of them) busy inside the `with`."""
    commands = [[sys.executable, "-c", _BURNER]] * (os.cpu_count() or 1 if count is None else count)
    processes = [subprocess.Popen(command) for command in commands]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
