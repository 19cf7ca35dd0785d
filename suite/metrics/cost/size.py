"""How many parameters there are, where, and how many of them training reaches."""

from suite.metrics.cost.forms import (
    Forms,
    blank,
    layer_of,
    parameter_total,
    parameters_by_layer,
    shares,
)
from suite.metrics.cost.work import reached
from suite.metrics.definitions import LIVE, PARAMS
from suite.metrics.evidence.graph import LiveParameters
from suite.nn.freeze import frozen_layers
from suite.nn.network import Detector
from suite.record import Form, Measurement

# Which parameters get a gradient does not depend on the images, but in training a norm needs several values a channel.
_LIVE_SIZE, _LIVE_BATCH = 256, 2


def measure_size(forms: Forms) -> tuple[Measurement, ...]:
    """Parameters of both forms, and the live ones of the trained form."""
    totals = tuple(_measure_parameters(model, form) for form, model in forms.each())
    return (*totals, measure_live(forms))


def measure_live(forms: Forms) -> Measurement:
    """Parameters that training changes: a gradient reaches them from the raw maps, and their part is not frozen.

    The gradient is that of a training-mode pass on the meta device: a parameter gets one if
    autograd's graph of the pass contains it. The evidence names the dead parameters, which it does
    not contain, and the frozen parts.
    """
    model = forms.trained
    live = reached(model.train(), blank(_LIVE_SIZE, _LIVE_BATCH))
    model.eval()
    layers = frozen_layers(model, forms.variant)
    frozen = {
        entry: sum(parameter_total(model.get_submodule(address)) for address in addresses)
        for entry, addresses in layers.items()
    }
    frozen_addresses = {address for addresses in layers.values() for address in addresses}
    dead: dict[str, int] = {}
    trained = 0
    for path, parameter in model.named_parameters():
        if path not in live:
            dead[path] = parameter.numel()
        elif layer_of(path) not in frozen_addresses:
            trained += parameter.numel()
    noted = LiveParameters(dead, frozen)
    return LIVE.measured(
        (float(trained),),
        form="trained",
        settings={"classes": model.classes},
        notes=noted.as_json,
    )


def _measure_parameters(model: Detector, form: Form) -> Measurement:
    noted = shares(model, parameters_by_layer(model))
    return PARAMS.measured(
        (float(parameter_total(model)),),
        form=form,
        settings={"classes": model.classes},
        notes=noted.as_json,
    )
