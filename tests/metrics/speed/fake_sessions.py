"""Sessions that move a clock of their own instead of computing."""

import torch

from suite.runtimes import Timing

IMAGES = torch.zeros(0)  # no session here looks at them


class Clock:
    """Seconds that pass only when a session says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class FakeSession:
    """Takes `ms` a call, times what `noise` says of the moment on both clocks, times what `waits` says on the wall's.

    It writes down its calls.
    """

    def __init__(self, name, clock, ms, log, noise=lambda _: 1.0, waits=lambda _: 1.0):
        self.name, self.clock, self.ms, self.log, self.noise, self.waits = (
            name,
            clock,
            ms,
            log,
            noise,
            waits,
        )
        self.settings = {"runtime": "fake", "device": "cpu"}

    def prepare(self, images):
        return images

    def run(self, prepared):
        self.log.append((self.name, "run"))
        self._pass()
        return torch.zeros(1, 2, 6)

    def time(self, prepared):
        self.log.append((self.name, "time"))
        return self._pass()

    def synchronize(self):
        self.log.append((self.name, "synchronize"))

    def close(self):
        self.log.append((self.name, "close"))

    def _pass(self):
        worked = self.ms * self.noise(self.clock.now)
        took = worked * self.waits(self.clock.now)
        self.clock.now += took / 1000
        return Timing(wall_ms=took, cpu_ms=worked)
