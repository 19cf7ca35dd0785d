"""The metrics: their order, and that each name stands once."""

from suite.metrics.definitions import METRICS, TRAINING

ORDER = [
    name
    for line in (
        "params params_live",
        "gmacs gmacs_fvcore gmacs_thop",
        "activations hidden_gops intensity peak_maps_mib weights_mib receptive_field",
        "latency_wall_ms latency_cpu_ms latency_base_wall_ms latency_base_cpu_ms",
        "latency_copy_wall_ms latency_copy_cpu_ms",
        "latency_eager_wall_ms latency_eager_cpu_ms energy_mj energy_base_mj",
        "peak_gflops bandwidth_gbs timed_gflop",
        "ap ap50 ap75 ap_small ap_medium ap_large ar_1 ar_10 ar_100 ar_small ar_medium ar_large",
        "lost_classification lost_localisation lost_both lost_duplicate lost_background lost_missed",
        "lost_false_positives lost_false_negatives calibration_error detections",
        "loss_curve train_seconds train_steps",
    )
    for name in line.split()
]


def test_metrics_stand_in_the_order_of_the_report() -> None:
    assert [metric.name for metric in METRICS] == ORDER


def test_groups_follow_the_jobs_that_measure_them() -> None:
    """Size and compute, then latency, accuracy, training: one metric of size is counted along with those of compute."""
    groups = [metric.group for metric in METRICS if metric.name != "weights_mib"]

    assert list(dict.fromkeys(groups)) == ["size", "compute", "latency", "accuracy", "training"]
    assert groups == sorted(groups, key=list(dict.fromkeys(groups)).index)


def test_a_direction_is_stated_where_one_is_better() -> None:
    better = {metric.name: metric.better for metric in METRICS}

    assert {better["params"], better["latency_wall_ms"], better["lost_missed"]} == {"lower"}
    assert better["ap"] == "higher"
    assert {better["latency_base_wall_ms"], better["intensity"]} == {""}
    assert {metric.better for metric in TRAINING} == {""}
