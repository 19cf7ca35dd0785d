"""The latency job: one variant beside its baseline and a copy of the baseline, in one process."""

from suite.jobs import Reporter, Result
from suite.metrics.latency import Settings, measure_latency
from suite.plan import Job


def execute(job: Job, reporter: Reporter) -> Result:
    """Time the variant in the job's set-up. The replica decides the order of visits and of building."""
    assert job.setup is not None
    assert job.replica is not None
    reporter.stage("latency")
    latency = job.conditions.protocol.latency
    device, precision = job.setup
    settings = Settings(
        image_size=latency.image_size,
        batch=latency.batch,
        threads=latency.threads,
        precision=precision,
        device=device,
        half_width=latency.half_width,
        cap_seconds=latency.seconds,
        seed=job.replica,
    )
    baseline = job.baseline or job.variant
    measurements = measure_latency(job.variant, baseline, settings, classes=len(job.conditions.data.classes))
    return Result(measurements, {"device": device, "threads": latency.threads})
