"""Which metric has which record beside it."""

from collections.abc import Mapping

from suite.evidence import Evidence
from suite.metrics.definitions import ENERGY, ERRORS, LATENCY
from suite.metrics.evidence.accuracy import Ap50Parts, ApParts, ErrorCount, Reliability
from suite.metrics.evidence.counters import CounterCauses
from suite.metrics.evidence.gallery import Gallery
from suite.metrics.evidence.graph import LiveParameters, ReceptiveFields
from suite.metrics.evidence.layers import Activations, HiddenWork, LayerCosts, Shares
from suite.metrics.evidence.limits import EnergySource, PeakRates, TimedWork
from suite.metrics.evidence.memory import MovedBytes, PeakMaps, WeightSizes
from suite.metrics.evidence.timing import Timing
from suite.metrics.evidence.training import LossCurve
from suite.stats.budget import Used
from suite.store.records import STRIDES
from suite.store.strides import Strides

RECORDS: Mapping[str, type[Evidence]] = {
    STRIDES: Strides,
    "params": Shares,
    "params_live": LiveParameters,
    "gmacs": LayerCosts,
    "gmacs_fvcore": CounterCauses,
    "gmacs_thop": CounterCauses,
    "activations": Activations,
    "hidden_gops": HiddenWork,
    "intensity": MovedBytes,
    "peak_maps_mib": PeakMaps,
    "weights_mib": WeightSizes,
    "receptive_field": ReceptiveFields,
    **{metric.name: Timing for metric in LATENCY},
    **{metric.name: EnergySource for metric in ENERGY},
    "peak_gflops": PeakRates,
    "timed_gflop": TimedWork,
    "ap": ApParts,
    "ap50": Ap50Parts,
    **{metric.name: ErrorCount for metric in ERRORS},
    "calibration_error": Reliability,
    "detections": Gallery,
    "loss_curve": LossCurve,
    "train_steps": Used,
}
"""By the metric's name; measurements of the other metrics have no notes."""
