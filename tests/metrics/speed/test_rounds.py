"""The protocol of interleaved rounds, on a clock that the sessions themselves move."""

import math
import random
import statistics

import pytest

from suite.metrics.speed.rounds import (
    Round,
    Settings,
    Visit,
    Watch,
    columns,
    interleave,
    outlier_reason,
)
from suite.stats.intervals import log_ratios, median_interval
from tests.metrics.speed.fake_sessions import IMAGES, Clock, FakeSession


class FakeSensor:
    """Says what `readings` holds, round after round, then nothing."""

    def __init__(self, readings):
        self.readings, self.log = iter(readings), []

    def start(self):
        self.log.append("start")

    def stop(self):
        self.log.append("stop")
        return next(self.readings, {})


def measured(
    settings, *, variant_ms=10.0, base_ms=10.0, sensor=None, before_call=None, **disturbed
):
    clock = Clock()
    log: list[tuple[str, str]] = []
    durations = {"variant": variant_ms, "base": base_ms, "copy": base_ms}
    sessions = {
        role: FakeSession(role, clock, ms, log, **disturbed) for role, ms in durations.items()
    }
    watch = Watch(sensor or FakeSensor(()), before_call or (lambda: None), clock)
    rounds = interleave(sessions, dict.fromkeys(sessions, IMAGES), settings, watch)
    return rounds, log, clock


def rounds_of(log):
    """The order of the visits: each begins with its one untimed call."""
    return [name for name, what in log if what == "run"]


def test_every_round_visits_every_model_once():
    rounds, log, _ = measured(Settings(min_rounds=15))

    visits = rounds_of(log)
    assert len(visits) == 3 * 15
    assert all(set(visits[i : i + 3]) == {"variant", "base", "copy"} for i in range(0, 45, 3))
    assert [len(rounds.wall(role)) for role in ("variant", "base", "copy")] == [15, 15, 15]


def test_the_order_within_a_round_changes():
    _, log, _ = measured(Settings(min_rounds=30))

    visits = rounds_of(log)
    assert len({tuple(visits[i : i + 3]) for i in range(0, 90, 3)}) == 6


def test_the_seed_decides_the_order():
    orders = [rounds_of(measured(Settings(seed=seed))[1]) for seed in (1, 1, 2)]

    assert orders[0] == orders[1] != orders[2]


def test_a_visit_is_one_untimed_call_then_as_many_timed_ones_as_fill_it():
    rounds, log, _ = measured(Settings(visit_ms=30.0), variant_ms=10.0, base_ms=6.0)

    assert rounds.calls == {"variant": 3, "base": 5, "copy": 5}
    first = log.index(("variant", "run"))
    assert log[first : first + 5] == [
        ("variant", "run"),
        ("variant", "synchronize"),
        *[("variant", "time")] * 3,
    ]


def test_a_slow_model_is_timed_once_a_visit():
    assert measured(Settings(visit_ms=30.0), variant_ms=400.0)[0].calls["variant"] == 1


def test_measuring_stops_when_the_ratio_is_known():
    rounds, _, _ = measured(Settings(min_rounds=12, half_width=0.01), variant_ms=12.0)

    assert rounds.stopped_by == "precision"
    assert len(rounds.wall("variant")) == 12


def test_measuring_stops_at_the_cap_when_the_ratio_stays_uncertain():
    random_source = random.Random(0)

    rounds, _, _ = measured(
        Settings(half_width=0.001, cap_seconds=10.0),
        noise=lambda _: random_source.lognormvariate(0, 0.3),
    )

    assert rounds.stopped_by == "cap"
    assert 10.0 <= rounds.seconds < 10.5


def test_more_rounds_are_measured_until_the_interval_is_narrow_enough():
    random_source = random.Random(0)

    rounds, _, _ = measured(
        Settings(half_width=0.02, cap_seconds=600.0),
        noise=lambda _: random_source.lognormvariate(0, 0.1),
    )

    interval = median_interval(log_ratios(rounds.wall("variant"), rounds.wall("base")))
    assert rounds.stopped_by == "precision"
    assert len(rounds.wall("variant")) > 12
    assert max(interval.high - interval.value, interval.value - interval.low) <= 0.02


def test_the_interval_at_the_stop_covers_the_true_ratio():
    hits = 0
    for seed in range(100):
        random_source = random.Random(seed)
        settings = Settings(seed=seed, half_width=0.02, cap_seconds=60.0, visit_ms=10.0)
        rounds, _, _ = measured(
            settings, variant_ms=10.5, noise=lambda _, r=random_source: r.lognormvariate(0, 0.03)
        )
        interval = median_interval(log_ratios(rounds.wall("variant"), rounds.wall("base")))
        hits += interval.low <= math.log(1.05) <= interval.high

    assert hits >= 88  # 95 of 100 are right; 2,000 series are in tests/stats/test_simulation.py


def test_drift_that_doubles_the_time_cancels_in_the_ratio():
    rounds, _, _ = measured(
        Settings(half_width=1e-9, cap_seconds=30.0), variant_ms=10.5, noise=lambda now: 1 + now / 30
    )

    ratio = math.exp(statistics.median(log_ratios(rounds.wall("variant"), rounds.wall("base"))))
    assert rounds.wall("base")[-1] > 1.8 * rounds.wall("base")[0]
    assert ratio == pytest.approx(1.05, abs=0.002)


def test_a_copy_of_the_base_reads_as_the_base_under_noise():
    random_source = random.Random(1)

    rounds, _, _ = measured(
        Settings(half_width=0.005, cap_seconds=60.0),
        noise=lambda _: random_source.lognormvariate(0, 0.1),
    )

    assert statistics.median(log_ratios(rounds.wall("copy"), rounds.wall("base"))) == pytest.approx(
        0, abs=0.01
    )


def test_processor_time_is_kept_beside_wall_time():
    rounds, _, _ = measured(Settings(cap_seconds=1.0), waits=lambda _: 1.5)

    assert set(rounds.wall("base")) == {15.0}
    assert set(rounds.cpu("base")) == {10.0}


def test_a_gpu_is_warmed_up_for_longer():
    cold, warm = (measured(Settings(device=device))[1] for device in ("cpu", "cuda:0"))

    before = [
        log[: log.index(next(entry for entry in log if entry[1] == "run"))] for log in (cold, warm)
    ]
    assert 3 * 20 <= len(before[0]) < 3 * 25  # 0.2 s of 10 ms for each of three, in blocks of five
    assert 3 * 50 <= len(before[1]) < 3 * 55  # 0.5 s


def every_third(rounds):
    """1.5 on the wall clock during every third round of 0.2 s, else 1."""
    return lambda now: 1.5 if int(now / 0.2) % rounds == 0 else 1.0


def test_rounds_in_which_a_model_waited_for_a_core_are_set_aside_and_kept_raw():
    rounds, _, _ = measured(Settings(half_width=1e-9, cap_seconds=8.0), waits=every_third(3))

    waited = [found.visits for found in rounds.rounds if found.outlier == "waited for a core"]
    assert len(rounds.kept) + len(waited) == len(rounds.rounds)
    assert 0 < len(waited) < len(rounds.rounds) / 2
    assert all(
        set(rounds.rounds[index].visits["base"].wall_calls) == {10.0} for index in rounds.kept
    )


def test_where_hardly_a_round_is_quiet_all_of_them_count():
    rounds, _, _ = measured(Settings(cap_seconds=3.0), waits=lambda _: 2.0)

    assert rounds.stopped_by == "cap"
    assert all(found.outlier for found in rounds.rounds)
    assert rounds.kept == tuple(range(len(rounds.rounds)))


def test_measuring_does_not_stop_on_rounds_that_are_set_aside():
    rounds, _, _ = measured(Settings(min_rounds=12), sensor=FakeSensor([{"others": 0.9}] * 20))

    assert rounds.stopped_by == "precision"
    assert len(rounds.rounds) == 20 + 12
    assert rounds.kept == tuple(range(20, 32))


@pytest.mark.parametrize(
    ("device", "threads", "seen", "why"),
    [
        ("cpu", 1, {"others": 0.3}, "others at work"),
        ("cpu", 1, {"others": 0.2, "steal": 0.02}, "host took time"),
        ("cpu", 2, {"others": 0.2, "steal": 0.005}, ""),
        (
            "cuda",
            1,
            {"others": 1.0, "throttle": 0x40},
            "GPU slowed down: thermal slowdown by hardware",
        ),
        # idle, and clocks that the user set
        ("cuda", 1, {"others": 1.0, "throttle": 0x1 | 0x2}, ""),
    ],
)
def test_what_a_round_is_set_aside_for(device, threads, seen, why):
    visits = {"base": Visit((10.0,), (10.0,), 0)}

    assert outlier_reason(visits, seen, device=device, threads=threads) == why


@pytest.mark.parametrize(
    ("device", "threads", "why"), [("cpu", 1, "waited for a core"), ("cpu", 2, ""), ("cuda", 1, "")]
)
def test_waiting_shows_on_one_thread_of_the_processor_only(device, threads, why):
    visits = {
        "base": Visit((10.0,), (10.0,), 0),
        "variant": Visit((10.6, 10.6, 10.6), (10.0, 10.0, 10.0), 3),
    }

    assert outlier_reason(visits, {}, device=device, threads=threads) == why


def test_the_sensor_is_asked_once_before_and_once_after_each_round():
    sensor = FakeSensor([{"mhz": 2000.0 + index} for index in range(12)])

    rounds, _, _ = measured(Settings(min_rounds=12), sensor=sensor)

    assert sensor.log == ["start", "stop"] * 12
    assert columns(rounds.rounds)["mhz"] == [2000.0 + index for index in range(12)]


def test_readings_that_a_round_lacks_are_those_of_the_round_before():
    quiet = {"base": Visit((10.0,), (8.0,), 2)}
    rounds = [Round(quiet, seen, "") for seen in ({"steal": 0.1}, {}, {"steal": 0.3})]

    assert columns(rounds) == {
        "steal": [0.1, 0.1, 0.3],
        "switches": [2.0] * 3,
        "waited": [1.25] * 3,
    }


def test_what_is_asked_for_happens_before_every_timed_call():
    flushes = []

    rounds, log, _ = measured(Settings(min_rounds=12), before_call=lambda: flushes.append("flush"))

    warmed = sum(found.calls for found in rounds.warm.values())
    assert (
        len(flushes)
        == log.count(("base", "time"))
        + log.count(("copy", "time"))
        + log.count(("variant", "time"))
        - warmed
    )


def test_all_timed_calls_are_kept():
    rounds, _, _ = measured(Settings(visit_ms=50.0))

    assert all(found.visits["base"].wall_calls == (10.0,) * 5 for found in rounds.rounds)


def test_the_time_inside_visits_is_told_from_the_rest():
    rounds, _, _ = measured(Settings(min_rounds=12, visit_ms=30.0))

    assert rounds.measuring == pytest.approx(12 * 3 * 4 * 0.010)
    assert rounds.seconds == pytest.approx(rounds.measuring)  # nothing else moves this clock
