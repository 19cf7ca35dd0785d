"""How many parameters there are, where, and how many of them training reaches."""

from typing import TYPE_CHECKING

from suite.record import Json, Measurement, Metric

if TYPE_CHECKING:
    from suite.metrics.cost.forms import Forms

VERSION = 1
PARAMS = Metric("params", "parameters", "parameters", "lower", VERSION, 0, "size")
LIVE = Metric("params_live", "live parameters", "parameters", "", VERSION, 0, "size")
METRICS: tuple[Metric, ...] = (PARAMS, LIVE)
# Which parameters get a gradient does not depend on the images, but in training a norm needs several values a channel.
_LIVE_SIZE, _LIVE_BATCH = 256, 2


def measure_size(forms: "Forms") -> tuple[Measurement, ...]:
    """Parameters of both forms, and the live ones of the trained form."""
    from suite.metrics.cost.forms import parameter_total, parameters_by_layer, shares

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

    The gradient is that of a training-mode pass on the meta device: a parameter gets one if autograd's graph of the
    pass contains it. The notes name the dead parameters, which it does not contain, and the frozen parts.
    """
    from suite.metrics.cost.forms import blank, layer_of, parameter_total
    from suite.metrics.cost.work import reached
    from suite.nn.freeze import frozen_layers

    model = forms.trained
    live = reached(model.train(), blank(_LIVE_SIZE, _LIVE_BATCH))
    model.eval()
    layers = frozen_layers(model, forms.variant)
    frozen: dict[str, Json] = {
        entry: sum(parameter_total(model.get_submodule(address)) for address in addresses)
        for entry, addresses in layers.items()
    }
    at_rest = {address for addresses in layers.values() for address in addresses}
    dead: dict[str, Json] = {}
    trained = 0
    for path, parameter in model.named_parameters():
        if path not in live:
            dead[path] = parameter.numel()
        elif layer_of(path) not in at_rest:
            trained += parameter.numel()
    return Measurement(
        metric=LIVE.name,
        metric_version=VERSION,
        unit=LIVE.unit,
        form="trained",
        samples=(float(trained),),
        settings={"classes": model.classes},
        notes={"dead": dead, "frozen": frozen},
    )
