"""One whole measurement of latency: what it refuses, what it states, what it keeps."""

import statistics

import pytest
import torch

from suite.metrics.definitions import ENERGY, LATENCY
from suite.metrics.speed import latency
from suite.metrics.speed.latency import LatencyError, Settings
from suite.metrics.speed.phases import PHASES
from suite.record import canonical_json
from suite.spec.library import Library


def test_noise_is_picture_like_and_repeats():
    settings = Settings(image_size=64, batch=2)

    first, second = latency.noise(settings), latency.noise(settings)

    assert first.shape == (2, 3, 64, 64)
    assert torch.equal(first, second)
    assert 0 <= float(first.min()) < float(first.max()) <= 1


@pytest.fixture(scope="module")
def found():
    """yolov5p_wide beside yolov5p, for a moment."""
    library = Library()
    settings = Settings(image_size=64, cap_seconds=0.2, visit_ms=1.0)
    return latency.measure_latency(
        library.load("yolov5p_wide"), library.load("yolov5p"), settings, classes=4
    )


def timings(found):
    return [m for m in found if m.metric.startswith("latency")]


def test_a_real_measurement_is_six_aligned_series_with_their_evidence(found):
    first, *_ = timings(found)

    named = {m.name for m in LATENCY if "eager" not in m.name}
    assert {m.metric for m in timings(found)} == named
    assert len({len(m.samples) for m in timings(found)}) == 1
    assert all(sample > 0 for m in found for sample in m.samples)
    stated = {
        "image_size": 64,
        "batch": 1,
        "runtime": "eager",
        "device": "cpu",
        "precision": "fp32",
    }
    assert stated.items() <= first.settings.items()
    assert (first.notes["base"], first.notes["weights"]) == (
        "yolov5p",
        "untrained, norms from the images",
    )
    assert first.notes["rounds"] == len(first.samples)
    canonical_json([[dict(m.settings), dict(m.notes)] for m in found])


def test_every_sample_is_the_median_of_calls_that_are_kept(found):
    calls_per_visit = found[0].notes["calls_per_visit"]
    for m, role in zip(
        timings(found), ("variant", "variant", "base", "base", "copy", "copy"), strict=True
    ):
        calls, size = m.notes["calls_ms"], calls_per_visit[role]

        assert len(calls) == size * len(m.samples)
        assert statistics.median(calls[:size]) == pytest.approx(m.samples[0], abs=1e-4)


def test_what_was_seen_of_the_machine_stands_with_the_first_series_round_by_round(found):
    seen = found[0].notes["seen"]

    assert {"load", "switches", "waited"} <= seen.keys()
    assert {len(column) for column in seen.values()} == {len(found[0].samples)}
    assert not any("seen" in m.notes for m in found[1:])


def test_all_of_the_time_is_on_the_ledger(found):
    spent = found[0].notes["spent"]

    assert set(spent) == set(PHASES)
    assert 0.05 < spent["measuring"] <= found[0].notes["seconds"]
    assert spent["warming"] == pytest.approx(
        sum(w["seconds"] for w in found[0].notes["warm_up"].values()), abs=0.01
    )


def test_energy_is_a_number_or_a_reason(found):
    measured = [m.metric for m in found if m.metric.startswith("energy")]

    assert measured == ["energy_mj", "energy_base_mj"] or found[0].notes["energy"].startswith(
        "not here: "
    )


def test_a_session_that_fell_back_to_the_processor_is_not_timed():
    with pytest.raises(
        LatencyError, match=r"wild: ran on cpu instead of cuda:0; such a time is not reported"
    ):
        latency.check_device("wild", {"device": "cpu"}, Settings(device="cuda:0"))


def test_the_metrics_are_those_that_the_samples_need():
    assert sorted(metric.name for metric in (*LATENCY, *ENERGY)) == [
        "energy_base_mj",
        "energy_mj",
        "latency_base_cpu_ms",
        "latency_base_wall_ms",
        "latency_copy_cpu_ms",
        "latency_copy_wall_ms",
        "latency_cpu_ms",
        "latency_eager_cpu_ms",
        "latency_eager_wall_ms",
        "latency_wall_ms",
    ]


@pytest.mark.parametrize(
    ("asked", "takes_part"), [("fp32", "fp32"), ("bf16", "bf16"), ("int8", "fp32")]
)
def test_eager_mode_takes_part_in_fp32_where_it_lacks_the_precision(asked, takes_part):
    assert latency.as_eager(latency.Settings(precision=asked)).precision == takes_part
