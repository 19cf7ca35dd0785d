"""The static job: what a variant costs, whether it is what its file promises, and whether deploying changes it."""

import torch
from torch import Tensor, nn

from suite.jobs import JobError, Reporter, Result
from suite.metrics.audit import measure_audit
from suite.metrics.cost.complexity import measure_complexity
from suite.metrics.cost.flops import count
from suite.metrics.cost.forms import build_forms, parameter_total
from suite.metrics.cost.size import measure_size
from suite.nn.deploy import deploy
from suite.nn.detector import build, replaced_convolutions
from suite.plan import Job
from suite.record import Measurement, canonical_json
from suite.spec.records.variant import Expect, Variant
from suite.spec.views.expectation import broken_promises
from suite.store.records import STRIDES
from suite.store.strides import Replacement, Strides

VERSION = 1
DEPLOY_TOLERANCE = 1e-9  # relative to the largest output, in float64
_EXPECT_CLASSES, _EXPECT_SIZE = 80, 640  # what `expect` is about, always
_PROBE_SIZE = 128  # pixels; at the coarsest stride in use, 64, a map still has four places


def execute(job: Job, reporter: Reporter) -> Result:
    """Count in both forms, after the promises and the deployed form have been found to hold.

    Raises:
        JobError: a promise is broken, or deploying changes the output.
        SpecError: the variant does not build.
    """
    variant, classes = job.variant, len(job.conditions.data.classes)
    torch.set_num_threads(1)
    reporter.stage("build")
    forms = build_forms(variant, classes)
    strides = _measure_strides(variant, job.baseline)
    reporter.stage("expect")
    check_promises(variant)
    reporter.stage("deploy")
    check_deploy(variant, classes)
    reporter.stage("cost")
    size = job.conditions.protocol.cost.image_size
    return Result(
        (
            strides,
            *measure_size(forms),
            *measure_complexity(forms, size),
            *measure_audit(forms, size),
        )
    )


def check_promises(variant: Variant) -> None:
    """Raise JobError unless the network is what `expect` says.

    Raises:
        JobError: strides, parameters or multiply-adds differ.
    """
    if variant.expect == Expect():
        return
    model = build(variant, _EXPECT_CLASSES, device="meta").eval()
    gmacs = count(model, "trained", _EXPECT_SIZE).samples[0]
    measured = Expect(strides=model.strides, params=parameter_total(model), gmacs=gmacs)
    broken = broken_promises(variant.expect, measured)
    if broken:
        raise JobError("expect", f"{variant.name}: {'; '.join(broken)}")


def check_deploy(variant: Variant, classes: int) -> None:
    """Raise JobError unless the deployed form gives the trained form's output, to `DEPLOY_TOLERANCE`.

    In float64, where rounding cannot hide a mistake, and with norms that have seen data: as built
    they do nothing, so that folding them wrongly would not show.

    Raises:
        JobError: the outputs differ, or are not finite.
    """
    generator = torch.Generator().manual_seed(0)
    model = build(variant, classes, seed=0).double().eval()
    _stir_norms(model, generator)
    images = torch.rand(2, 3, _PROBE_SIZE, _PROBE_SIZE, generator=generator, dtype=torch.float64)
    with torch.inference_mode():
        expected = model(images)
        deployed = deploy(model)(images)
    differences = [_relative_difference(e, d) for e, d in zip(expected, deployed, strict=True)]
    worst = float(torch.stack(differences).max())
    if not worst <= DEPLOY_TOLERANCE:  # a NaN is no agreement either
        raise JobError(
            "deploy",
            f"{variant.name}: deploy changed the output by {worst:.1e} (allowed {DEPLOY_TOLERANCE:g})",
        )


def _stir_norms(model: nn.Module, generator: torch.Generator) -> None:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.uniform_(-0.2, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            with torch.no_grad():
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.uniform_(-0.2, 0.2, generator=generator)


def _relative_difference(expected: Tensor, output: Tensor) -> Tensor:
    return (expected - output).abs().max() / expected.abs().max()


def _measure_strides(variant: Variant, baseline: Variant | None) -> Measurement:
    """The output strides with what is known of the graph: warnings, and the convolutions that edits replaced.

    The warnings are of strides or anchors that are unlike the baseline's. Other strides compare two
    tasks; other anchors compare two fits to the data beside whatever else was changed.
    """
    strides = build(variant, _EXPECT_CLASSES, device="meta").strides
    warnings: list[str] = []
    if baseline is not None:
        usual = build(baseline, _EXPECT_CLASSES, device="meta").strides
        if strides != usual:
            warnings.append(
                f"strides {_listed(strides)} where {baseline.name} has {_listed(usual)}"
            )
        elif _anchors(baseline) and _anchors(variant) not in {None, _anchors(baseline)}:
            warnings.append(f"anchors of its own, not those of {baseline.name}")
    samples = tuple(float(stride) for stride in strides)
    replaced = tuple(
        Replacement(site.path, operator) for site, operator in replaced_convolutions(variant)
    )
    noted = Strides(tuple(warnings), replaced)
    return Measurement(STRIDES, VERSION, "px", "trained", samples, notes=noted.as_json)


def _anchors(variant: Variant) -> str | None:
    """The head's anchors as text, None where it has none."""
    anchors = variant.layers[-1].options.get("anchors")
    return None if anchors is None else canonical_json(anchors)


def _listed(strides: tuple[int, ...]) -> str:
    return ", ".join(str(stride) for stride in strides)
