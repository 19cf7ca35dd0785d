"""Timing on a real GPU: events, clocks, energy, the cache that is emptied, and nothing from the processor."""

import statistics

import pytest
import torch

from suite.metrics.speed.conditions import flusher, meter_of, sensor_of
from suite.metrics.speed.latency import Settings, measure_latency
from suite.metrics.speed.rounds import columns, interleave
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.runtimes import open_session
from suite.spec.library import Library

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
SETTINGS = Settings(image_size=320, device="cuda", cap_seconds=3.0, half_width=0.02)


@pytest.fixture(scope="module")
def found():
    """yolov5s beside yolov5n: nearly four times the work."""
    library = Library()
    measured = measure_latency(library.load("yolov5s"), library.load("yolov5n"), SETTINGS)
    return {m.metric: m for m in measured}


@pytest.fixture(scope="module")
def session():
    images = torch.rand(1, 3, 320, 320)
    opened = open_session(
        "eager", deploy(build(Library().load("yolov5n"), seed=0)), SETTINGS.options, images
    )
    return opened, opened.prepare(images)


def test_all_series_are_of_the_gpu(found):
    assert {str(m.settings["device"]) for m in found.values()} == {"cuda"}
    assert {m.settings["device_name"] for m in found.values()} == {torch.cuda.get_device_name()}


def test_copies_of_a_network_take_the_same_time(found):
    base, copy = (
        statistics.median(found[f"latency_{role}_wall_ms"].samples) for role in ("base", "copy")
    )

    assert copy == pytest.approx(base, rel=0.1)


def test_event_time_is_within_what_the_host_sees(session):
    opened, prepared = session
    for _ in range(30):
        opened.run(prepared)
    opened.synchronize()
    timed = statistics.median(opened.time(prepared).wall_ms for _ in range(50))
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(50):
        opened.run(prepared)
    end.record()
    torch.cuda.synchronize()

    assert 0.2 * begin.elapsed_time(end) / 50 < timed < 3 * begin.elapsed_time(end) / 50


def test_every_round_has_the_gpus_readings(found):
    pytest.importorskip("pynvml", reason="needs nvidia-ml-py")
    seen = found["latency_wall_ms"].notes["seen"]

    assert {"sm_mhz", "celsius", "watts", "throttle"} <= seen.keys()
    assert 200 < statistics.median(seen["sm_mhz"]) < 4000
    assert 15 < statistics.median(seen["celsius"]) < 100
    assert "GPU" in found["latency_wall_ms"].notes["set_aside"]["rule"]


def test_energy_of_an_image_is_that_of_a_gpu_at_work(found):
    pytest.importorskip("pynvml", reason="needs nvidia-ml-py")
    if found["latency_wall_ms"].notes["energy"].startswith("not here"):
        pytest.skip("this card does not count energy")
    joules = statistics.median(found["energy_mj"].samples) / 1000
    seconds = statistics.median(found["latency_wall_ms"].samples) / 1000

    assert 20 < joules / seconds < 1500  # watts; the host's pauses are in it


def test_without_the_library_there_is_a_reason_and_no_processors_number():
    meter = meter_of(SETTINGS)

    assert not isinstance(meter, str) or meter.startswith("not here: ")
    assert sensor_of(SETTINGS).stop().keys() >= {"load"}


def test_an_emptied_cache_makes_a_call_no_faster(session):
    opened, prepared = session
    flush = flusher(Settings(device="cuda", flush_l2=True))

    def median(before):
        times = []
        for _ in range(60):
            before()
            times.append(opened.time(prepared).wall_ms)
        return statistics.median(times)

    median(lambda: None)
    assert median(flush) > 0.9 * median(lambda: None)


def test_a_gpu_is_warm_when_rounds_begin(session):
    opened, prepared = session
    sessions = {"base": opened, "variant": opened}

    rounds = interleave(sessions, dict.fromkeys(sessions, prepared), SETTINGS)

    assert all(warm.calls >= 25 and warm.seconds >= 0.5 for warm in rounds.warm.values())
    assert columns(rounds.rounds)["switches"]
    first, last = rounds.wall("base")[0], statistics.median(rounds.wall("base"))
    assert first == pytest.approx(last, rel=0.25)
