"""Every metric there is: what it is called, its unit, its version. Light: the files that measure load torch.

The order is that of the report. The version rises when the method changes; a run's numbers are
never joined with those of another version.
"""

from typing import Literal

from suite.record import Metric

PARAMS = Metric("params", "parameters", "parameters", "lower", 1, 0, "size")
LIVE = Metric("params_live", "live parameters", "parameters", "", 1, 0, "size")
SIZE = (PARAMS, LIVE)
"""`suite.metrics.cost.size`"""

GMACS = Metric("gmacs", "multiply-adds", "GMACs", "lower", 1, 3, "compute")
FVCORE = Metric("gmacs_fvcore", "multiply-adds as fvcore counts", "GMACs", "", 1, 3, "compute")
THOP = Metric("gmacs_thop", "multiply-adds as thop counts", "GMACs", "", 1, 3, "compute")
FLOPS = (GMACS, FVCORE, THOP)
"""`suite.metrics.cost.flops`, `suite.metrics.audit`"""

ACTIVATIONS = Metric("activations", "activations", "M", "lower", 1, 2, "compute")
HIDDEN = Metric("hidden_gops", "work that no counter sees", "Gops", "lower", 1, 3, "compute")
INTENSITY = Metric("intensity", "arithmetic intensity", "FLOP/byte", "", 1, 1, "compute")
PEAK_MAPS = Metric("peak_maps_mib", "peak of maps", "MiB", "lower", 1, 2, "compute")
WEIGHTS = Metric("weights_mib", "weights in fp32", "MiB", "lower", 1, 2, "size")
FIELDS = Metric("receptive_field", "receptive fields of the head's maps", "px", "", 1, 0, "compute")
COMPLEXITY = (ACTIVATIONS, HIDDEN, INTENSITY, PEAK_MAPS, WEIGHTS, FIELDS)
"""`suite.metrics.cost.complexity`"""

LATENCY_VERSION = 2
LATENCY_ROLES = {"variant": "", "base": "base_", "copy": "copy_", "eager": "eager_"}
"""Who is timed, and what stands for it in a metric's name."""
LATENCY_CLOCKS = {"wall": "wall clock", "cpu": "processor time"}
_LATENCY_TITLES = {
    "variant": "latency",
    "base": "latency of the base",
    "copy": "latency of a copy of the base",
    "eager": "latency in eager mode",
}


def _latency(role: str, clock: str) -> Metric:
    return Metric(
        name=f"latency_{LATENCY_ROLES[role]}{clock}_ms",
        title=f"{_LATENCY_TITLES[role]}, {LATENCY_CLOCKS[clock]}",
        unit="ms",
        better="lower" if role == "variant" else "",
        version=LATENCY_VERSION,
        digits=2,
        group="latency",
    )


LATENCY = tuple(_latency(role, clock) for role in LATENCY_ROLES for clock in LATENCY_CLOCKS)
ENERGY_OF_VARIANT = Metric("energy_mj", "energy of an image", "mJ", "lower", 1, 1, "latency")
ENERGY_OF_BASE = Metric("energy_base_mj", "energy of an image, the base", "mJ", "", 1, 1, "latency")
ENERGY = (ENERGY_OF_VARIANT, ENERGY_OF_BASE)
"""`suite.metrics.speed.latency`"""

PEAK = Metric("peak_gflops", "measured peak of this machine", "GFLOP/s", "", 1, 0, "latency")
BANDWIDTH = Metric(
    "bandwidth_gbs", "measured bandwidth of this machine", "GB/s", "", 1, 1, "latency"
)
TIMED = Metric(
    "timed_gflop", "floating-point operations of the timed pass", "GFLOP", "", 1, 3, "latency"
)
ROOF = (PEAK, BANDWIDTH, TIMED)
"""`suite.metrics.speed.roof`"""


def _accuracy(name: str, title: str, better: Literal["lower", "higher"] = "higher") -> Metric:
    return Metric(name, title, "", better, 1, 3, "accuracy")


AP = _accuracy("ap", "AP")
AP50 = _accuracy("ap50", "AP50")
COCO = (
    AP,
    AP50,
    _accuracy("ap75", "AP75"),
    _accuracy("ap_small", "AP of small objects"),
    _accuracy("ap_medium", "AP of medium objects"),
    _accuracy("ap_large", "AP of large objects"),
    _accuracy("ar_1", "AR, 1 detection a picture"),
    _accuracy("ar_10", "AR, 10 detections a picture"),
    _accuracy("ar_100", "AR, 100 detections a picture"),
    _accuracy("ar_small", "AR of small objects"),
    _accuracy("ar_medium", "AR of medium objects"),
    _accuracy("ar_large", "AR of large objects"),
)
"""COCO's twelve, in the order of pycocotools' stats."""

ERROR_KINDS = (
    "classification",
    "localisation",
    "both",
    "duplicate",
    "background",
    "missed",
)
"""The kinds of errors that exclude each other; `lost_false_positives` and `lost_false_negatives` are sums."""
ERRORS = (
    _accuracy("lost_classification", "AP50 lost to wrong classes", "lower"),
    _accuracy("lost_localisation", "AP50 lost to imprecise boxes", "lower"),
    _accuracy("lost_both", "AP50 lost to wrong classes and imprecise boxes", "lower"),
    _accuracy("lost_duplicate", "AP50 lost to duplicates", "lower"),
    _accuracy("lost_background", "AP50 lost to background taken for objects", "lower"),
    _accuracy("lost_missed", "AP50 lost to missed objects", "lower"),
    _accuracy("lost_false_positives", "AP50 lost to all false detections", "lower"),
    _accuracy("lost_false_negatives", "AP50 lost to all objects not found", "lower"),
)
CALIBRATION = _accuracy("calibration_error", "expected calibration error", "lower")
DETECTIONS = Metric("detections", "detections kept", "1", "", 1, 0, "accuracy")
ACCURACY = (*COCO, *ERRORS, CALIBRATION, DETECTIONS)
"""`suite.metrics.accuracy`"""

LOSS_CURVE = Metric("loss_curve", "training loss", "", "", 1, 3, "training")
TRAIN_SECONDS = Metric("train_seconds", "time to train", "s", "", 1, 1, "training")
TRAIN_STEPS = Metric("train_steps", "steps trained", "", "", 1, 0, "training")
TRAINING = (LOSS_CURVE, TRAIN_SECONDS, TRAIN_STEPS)
"""What a training job says of itself; samples of the curve are total losses at the steps that its notes list."""

METRICS: tuple[Metric, ...] = (
    *SIZE,
    *FLOPS,
    *COMPLEXITY,
    *LATENCY,
    *ENERGY,
    *ROOF,
    *ACCURACY,
    *TRAINING,
)
"""All of them."""
