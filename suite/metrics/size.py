"""How many parameters there are, where, and how many of them training reaches."""

from typing import TYPE_CHECKING

from suite.record import Json, Measurement, Metric

if TYPE_CHECKING:
    from suite.metrics.forms import Forms

VERSION = 1
PARAMS = Metric("params", "parameters", "parameters", "lower", VERSION, 0, "size")
LIVE = Metric("params_live", "live parameters", "parameters", "", VERSION, 0, "size")
METRICS: tuple[Metric, ...] = (PARAMS, LIVE)
_LIVE_SIZE = 64  # pixels: which parameters get a gradient does not depend on the image


def measure_size(forms: "Forms") -> tuple[Measurement, ...]:
    """Parameters of both forms, and the live ones of the trained form."""
    from suite.metrics.forms import parameter_total, parameters_by_layer, shares

    totals = tuple(
        Measurement(
            metric=PARAMS.name,
            metric_version=VERSION,
            unit=PARAMS.unit,
            form=form,
            samples=(float(parameter_total(model)),),
            settings={"classes": model.classes},
            notes=shares(model, parameters_by_layer(model)),
        )
        for form, model in forms.each()
    )
    return (*totals, measure_live(forms))


def measure_live(forms: "Forms") -> Measurement:
    """Parameters that training changes: a gradient reaches them from the raw maps, and their part is not frozen.

    The gradient is that of a training-mode pass on the meta device, where a parameter has one exactly if the graph
    of the pass contains it. The notes name the dead parameters that no gradient reaches, and the frozen parts.
    """
    from suite.metrics.forms import blank, parameter_total

    model = forms.trained
    model.train()
    raw = model(blank(_LIVE_SIZE))
    sum(level.sum() for level in raw).backward()
    model.eval()
    dead: dict[str, Json] = {path: p.numel() for path, p in model.named_parameters() if p.grad is None}
    frozen: dict[str, Json] = {part: parameter_total(model.get_submodule(part)) for part in forms.variant.freeze}
    live = sum(
        parameter.numel()
        for path, parameter in model.named_parameters()
        if parameter.grad is not None and path.partition(".")[0] not in forms.variant.freeze
    )
    model.zero_grad()
    return Measurement(
        metric=LIVE.name,
        metric_version=VERSION,
        unit=LIVE.unit,
        form="trained",
        samples=(float(live),),
        settings={"classes": model.classes},
        notes={"dead": dead, "frozen": frozen},
    )
