"""The protocol of interleaved rounds, on a clock that the sessions themselves move."""

import math
import random
import statistics

import pytest
import torch

from suite.metrics import latency
from suite.metrics.latency import LatencyError, Settings, interleave
from suite.record import canonical_json
from suite.runtimes import Timing
from suite.spec.library import Library
from suite.stats.intervals import log_ratios, median_interval


class Clock:
    """Seconds that pass only when a session says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class FakeSession:
    """Takes `base_ms` a call on the shared clock, times whatever `noise` says of the moment; writes down its calls."""

    def __init__(self, name, clock, ms, log, noise=lambda _: 1.0):
        self.name, self.clock, self.ms, self.log, self.noise = name, clock, ms, log, noise
        self.settings = {"runtime": "fake", "device": "cpu"}

    def prepare(self, images):
        return images

    def run(self, prepared):
        self.log.append((self.name, "run"))
        self._pass()
        return torch.zeros(1, 2, 6)

    def time(self, prepared):
        self.log.append((self.name, "time"))
        took = self._pass()
        return Timing(wall_ms=took, cpu_ms=self.ms)

    def synchronize(self):
        self.log.append((self.name, "synchronize"))

    def close(self):
        self.log.append((self.name, "close"))

    def _pass(self):
        took = self.ms * self.noise(self.clock.now)
        self.clock.now += took / 1000
        return took


def measured(settings, *, variant_ms=10.0, base_ms=10.0, noise=lambda _: 1.0):
    clock, log = Clock(), []
    durations = {"variant": variant_ms, "base": base_ms, "copy": base_ms}
    sessions = {role: FakeSession(role, clock, ms, log, noise) for role, ms in durations.items()}
    rounds = interleave(sessions, dict.fromkeys(sessions), settings, clock=clock)
    return rounds, log, clock


def rounds_of(log):
    """The order of the visits: each begins with its one untimed call."""
    return [name for name, what in log if what == "run"]


def test_every_round_visits_every_model_once():
    rounds, log, _ = measured(Settings(min_rounds=15))

    visits = rounds_of(log)
    assert len(visits) == 3 * 15
    assert all(set(visits[i : i + 3]) == {"variant", "base", "copy"} for i in range(0, 45, 3))
    assert {role: len(samples) for role, samples in rounds.wall.items()} == {"variant": 15, "base": 15, "copy": 15}


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
    assert log[first : first + 5] == [("variant", "run"), ("variant", "synchronize"), *[("variant", "time")] * 3]


def test_a_slow_model_is_timed_once_a_visit():
    assert measured(Settings(visit_ms=30.0), variant_ms=400.0)[0].calls["variant"] == 1


def test_measuring_stops_when_the_ratio_is_known():
    rounds, _, _ = measured(Settings(min_rounds=12, half_width=0.01), variant_ms=12.0)

    assert rounds.stopped_by == "precision"
    assert len(rounds.wall["variant"]) == 12


def test_measuring_stops_at_the_cap_when_the_ratio_stays_uncertain():
    random_source = random.Random(0)

    rounds, _, _ = measured(
        Settings(half_width=0.001, cap_seconds=10.0), noise=lambda _: random_source.lognormvariate(0, 0.3)
    )

    assert rounds.stopped_by == "cap"
    assert 10.0 <= rounds.seconds < 10.5


def test_more_rounds_are_measured_until_the_interval_is_narrow_enough():
    random_source = random.Random(0)

    rounds, _, _ = measured(
        Settings(half_width=0.02, cap_seconds=600.0), noise=lambda _: random_source.lognormvariate(0, 0.1)
    )

    interval = median_interval(log_ratios(rounds.wall["variant"], rounds.wall["base"]))
    assert rounds.stopped_by == "precision"
    assert len(rounds.wall["variant"]) > 12
    assert max(interval.high - interval.value, interval.value - interval.low) <= 0.02


def test_the_interval_at_the_stop_covers_the_true_ratio():
    hits = 0
    for seed in range(300):
        random_source = random.Random(seed)
        settings = Settings(seed=seed, half_width=0.02, cap_seconds=60.0, visit_ms=10.0)
        rounds, _, _ = measured(settings, variant_ms=10.5, noise=lambda _, r=random_source: r.lognormvariate(0, 0.03))
        interval = median_interval(log_ratios(rounds.wall["variant"], rounds.wall["base"]))
        hits += interval.low <= math.log(1.05) <= interval.high

    assert 0.92 <= hits / 300 <= 0.98


def test_drift_that_doubles_the_time_cancels_in_the_ratio():
    rounds, _, _ = measured(
        Settings(half_width=1e-9, cap_seconds=30.0), variant_ms=10.5, noise=lambda now: 1 + now / 30
    )

    ratio = math.exp(statistics.median(log_ratios(rounds.wall["variant"], rounds.wall["base"])))
    assert rounds.wall["base"][-1] > 1.8 * rounds.wall["base"][0]
    assert ratio == pytest.approx(1.05, abs=0.002)


def test_a_copy_of_the_base_reads_as_the_base_under_noise():
    random_source = random.Random(1)

    rounds, _, _ = measured(
        Settings(half_width=0.005, cap_seconds=60.0), noise=lambda _: random_source.lognormvariate(0, 0.1)
    )

    assert statistics.median(log_ratios(rounds.wall["copy"], rounds.wall["base"])) == pytest.approx(0, abs=0.01)


def test_processor_time_is_kept_beside_wall_time():
    rounds, _, _ = measured(Settings(), noise=lambda _: 1.5)

    assert set(rounds.wall["base"]) == {15.0}
    assert set(rounds.cpu["base"]) == {10.0}


def test_a_gpu_is_warmed_up_for_longer():
    cold, warm = (measured(Settings(device=device))[1] for device in ("cpu", "cuda:0"))

    before = [log[: log.index(next(entry for entry in log if entry[1] == "run"))] for log in (cold, warm)]
    assert len(before[0]) == 3 * 20  # 0.2 s of 10 ms for each of three
    assert len(before[1]) == 3 * 50  # 0.5 s


def test_noise_is_picture_like_and_repeats():
    settings = Settings(image_size=64, batch=2)

    first, second = latency.noise(settings), latency.noise(settings)

    assert first.shape == (2, 3, 64, 64)
    assert torch.equal(first, second)
    assert 0 <= float(first.min()) < float(first.max()) <= 1


def test_an_infinite_output_is_not_timed():
    with pytest.raises(LatencyError, match=r"wild: 1 of 4 outputs are not finite in fp16; time it in fp32"):
        latency.check_finite("wild", torch.tensor([0.0, 1.0, math.inf, 2.0]), Settings(precision="fp16"))


def test_a_real_measurement_is_six_aligned_series_with_their_evidence():
    library = Library()
    settings = Settings(image_size=64, cap_seconds=0.2, visit_ms=1.0)

    found = latency.measure_latency(library.load("yolov5p_wide"), library.load("yolov5p"), settings, classes=4)

    assert {m.metric for m in found} == {metric.name for metric in latency.METRICS}
    assert len({len(m.samples) for m in found}) == 1
    assert all(sample > 0 for m in found for sample in m.samples)
    stated = {"image_size": 64, "batch": 1, "runtime": "eager", "device": "cpu", "precision": "fp32"}
    assert stated.items() <= found[0].settings.items()
    assert found[0].notes["base"] == "yolov5p"
    assert found[0].notes["rounds"] == len(found[0].samples)
    assert found[0].notes["weights"] == "untrained"
    canonical_json([dict(found[0].settings), dict(found[0].notes)])


def test_the_metrics_are_the_six_that_the_samples_need():
    assert sorted(metric.name for metric in latency.METRICS) == [
        "latency_base_cpu_ms",
        "latency_base_wall_ms",
        "latency_copy_cpu_ms",
        "latency_copy_wall_ms",
        "latency_cpu_ms",
        "latency_wall_ms",
    ]
