"""The latency job: one variant beside its baseline and a copy of the baseline, in one process."""

import os
from collections.abc import Mapping

from suite.jobs import Reporter, Result
from suite.machine.threads import AUTO
from suite.metrics.definitions import LATENCY
from suite.metrics.evidence.timing import Timing
from suite.metrics.speed.latency import Settings, measure_latency
from suite.metrics.speed.roof import measure_roof, measure_work
from suite.plan import Job
from suite.record import Json, Measurement
from suite.runtimes import RuntimeUnfitError


def execute(job: Job, reporter: Reporter) -> Result:
    """Time the variant in the job's set-up. The replica decides the order of visits and of building.

    What a set-up turns out to lack only when it is opened is no failure of the variant: the
    measurement says so and has no samples.
    """
    assert job.setup is not None
    assert job.replica is not None
    reporter.stage("latency")
    latency, setup = job.conditions.protocol.latency, job.setup
    assert latency.threads != AUTO, "a run decides that before it plans"
    settings = Settings(
        image_size=latency.image_size,
        batch=latency.batch,
        threads=latency.threads,
        precision=setup.precision,
        runtime=setup.runtime,
        device=setup.device,
        half_width=latency.half_width,
        cap_seconds=latency.seconds,
        seed=job.replica,
    )
    baseline = job.baseline or job.variant
    # what is compiled for one job serves the next; a process's own temporary folder would be gone by then
    os.environ.setdefault(
        "TORCHINDUCTOR_CACHE_DIR", str(job.conditions.out.absolute() / "cache" / "inductor")
    )
    classes = len(job.conditions.data.classes)
    try:
        measurements = measure_latency(job.variant, baseline, settings, classes=classes)
        measurements += _roof(job, classes, measurements[0].settings)
    except RuntimeUnfitError as error:
        measurements = (_not_here(settings, str(error)),)
    return Result(measurements, {"device": setup.device, "threads": latency.threads})


def _roof(job: Job, classes: int, stated: Mapping[str, Json]) -> tuple[Measurement, ...]:
    """What bounds the time, once: the work that was timed, and beside a baseline what this machine could do."""
    if job.replica != 0:
        return ()
    work = measure_work(job.variant, classes, stated)
    return (work, *measure_roof(stated)) if job.baseline is None else (work,)


def _not_here(settings: Settings, why: str) -> Measurement:
    """A latency without samples, for a set-up that cannot be had on this machine."""
    stated: dict[str, Json] = {
        "runtime": settings.runtime,
        "device": settings.device,
        "precision": settings.precision,
        "image_size": settings.image_size,
        "batch": settings.batch,
        "threads": settings.threads,
    }
    latency, noted = LATENCY[0], Timing(not_here=why)
    return latency.measured((), form="deployed", settings=stated, notes=noted.as_json)
