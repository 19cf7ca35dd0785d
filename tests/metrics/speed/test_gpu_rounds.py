"""A whole measurement on a GPU that only pretends: what happens, in which order."""

from suite.metrics.speed.rounds import Settings, Watch, interleave
from suite.runtimes.common.session import CallSession, CudaClock
from tests.runtimes.tiny import IMAGES, FakeCuda

SETTINGS = Settings(device="cuda", min_rounds=12, visit_ms=14.0)
CALL = ["synchronize", "record", "run", "record", "synchronize", "elapsed"]


class Sensor:
    """Writes down when it is asked."""

    def __init__(self, log):
        self.log = log

    def start(self):
        self.log.append("round begins")

    def stop(self):
        self.log.append("round ends")
        return {"throttle": 0.0, "sm_mhz": 1980.0}


def measured(*, flush=False):
    """Rounds of one network against itself, and the log; the GPU's clock is the only one there is."""
    cuda = FakeCuda()
    session = CallSession({"device": "cuda"}, CudaClock(cuda), lambda images: images, cuda.run)
    before = (lambda: cuda.log.append("flush")) if flush else (lambda: None)
    watch = Watch(Sensor(cuda.log), before, lambda: cuda.now / 1000)
    rounds = interleave(
        {"base": session, "variant": session},
        dict.fromkeys(("base", "variant"), IMAGES),
        SETTINGS,
        watch,
    )
    return rounds, cuda.log


def test_everything_is_warm_before_the_first_round():
    rounds, log = measured()

    warm_up = log[: log.index("round begins")]
    assert warm_up == CALL * sum(warm.calls for warm in rounds.warm.values())
    assert all(warm.calls >= 25 for warm in rounds.warm.values())


def test_a_visit_is_a_call_that_is_not_timed_and_then_timed_ones():
    _, log = measured()

    begin, end = log.index("round begins"), log.index("round ends")
    visit = ["run", "synchronize", *CALL * 2]  # 14 ms of calls of 7 ms
    assert log[begin + 1 : end] == visit * 2


def test_the_cache_is_emptied_before_each_timed_call_and_waited_for():
    _, log = measured(flush=True)

    begin, end = log.index("round begins"), log.index("round ends")
    visit = ["run", "synchronize", *["flush", *CALL] * 2]
    assert log[begin + 1 : end] == visit * 2


def test_times_are_the_events():
    rounds, _ = measured()

    assert set(rounds.wall("variant")) == {7.0}
    assert rounds.stopped_by == "precision"
