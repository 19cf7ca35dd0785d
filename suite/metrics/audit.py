"""Second opinions: what fvcore and thop count, and which operators make them differ from torch's count.

thop counts in hooks on modules of exactly the types in its table, so whatever runs elsewhere is
invisible to it; it needs shapes only and reads the meta device. fvcore traces a real pass on the
processor and knows operators by name. Both work on copies. Both also count things that are no
multiply-adds of convolutions or matrix products.
"""

import copy
import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from suite.metrics.cost.forms import Forms, blank
from suite.metrics.cost.recorder import without_fast_attention
from suite.metrics.cost.work import Call, record
from suite.metrics.definitions import FVCORE, THOP
from suite.metrics.evidence.counters import CounterCause, CounterCauses
from suite.record import Json, Measurement

TOLERANCE = 0.01  # counters that differ by less agree
_WORTH_NAMING = 0.1  # of the difference
_MOST_NAMED = 3
_MOST_PLACES = 8  # modules of a cause that are kept by name
# What a type of module or an operator is called, and what the counter books for it.
_THOP_REASONS = {
    "BatchNorm1d": "batch norm (4 an element)",
    "BatchNorm2d": "batch norm (4 an element)",
    "LayerNorm": "layer norm (4 an element)",
    "InstanceNorm2d": "instance norm (4 an element)",
    "Upsample": "upsampling (1 an output element)",
    "AdaptiveAvgPool2d": "average pooling",
    "AvgPool2d": "average pooling",
    "Softmax": "softmax",
}
_FVCORE_REASONS = {
    "batch_norm": "batch norm (2 an element)",
    "layer_norm": "layer norm (5 an element)",
    "group_norm": "group norm (5 an element)",
    "instance_norm": "instance norm (5 an element)",
    "upsample_nearest2d": "upsampling (1 an output element)",
    "upsample_bilinear2d": "upsampling (4 an output element)",
    "adaptive_avg_pool2d": "average pooling",
    "grid_sampler": "grid sampling (4 an output element)",
}
_FVCORE_PRODUCTS = {"conv", "addmm", "linear", "bmm", "baddbmm", "matmul", "mm", "einsum"}
_ATTENTION = "scaled_dot_product_attention"
# What a counter may raise when it meets something it was not written for.
_BREAKS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Multiply-adds that a counter missed (negative) or counted beyond torch's (positive), and in how many places.

    `where` are the paths of the modules in which it did, the largest difference first.
    """

    reason: str
    macs: int
    places: int
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a counter says of a model whose convolutions and matrix products are `true` multiply-adds."""

    counted: int
    true: int
    causes: tuple[Cause, ...]

    @property
    def ratio(self) -> float:
        """Counted over true."""
        return self.counted / self.true if self.true else math.inf

    @property
    def sentence(self) -> str:
        """One line: agrees, or by how much it is off and because of what, the largest causes first."""
        apart = self.ratio - 1
        if abs(apart) <= TOLERANCE:
            return f"agrees ({100 * apart:+.1f} %)"
        side = [cause for cause in self.causes if (cause.macs < 0) == (apart < 0)]
        whole = sum(cause.macs for cause in side)
        large = [cause.reason for cause in side if cause.macs / whole >= _WORTH_NAMING]
        named = large[:_MOST_NAMED]
        verb = "misses" if apart < 0 else "adds"
        return f"{verb} {_percent(abs(apart))}: {', '.join(named)}"


def measure_audit(forms: Forms, image_size: int = 640) -> tuple[Measurement, ...]:
    """What fvcore and thop count of the trained form.

    A counter that breaks gives a measurement without samples, beside which the reason stands.
    """
    images = blank(image_size)
    calls = record(forms.trained, images)
    settings: dict[str, Json] = {
        "image_size": image_size,
        "batch": 1,
        "classes": forms.trained.classes,
    }
    measurements = []
    for metric, counter in ((FVCORE, ask_fvcore), (THOP, ask_thop)):
        samples, noted = _asked(counter, forms.trained, images, calls)
        measurements.append(
            metric.measured(samples, form="trained", settings=settings, notes=noted.as_json)
        )
    return tuple(measurements)


def ask_thop(model: nn.Module, images: Tensor, calls: Sequence[Call]) -> Opinion:
    """What thop counts of `model(images)`, explained by the `calls` that torch recorded in the same pass."""
    with _silenced():
        import thop
        from thop.profile import register_hooks

        _, _, tree = thop.profile(
            copy.deepcopy(model), (images,), verbose=False, ret_layer_info=True
        )
    types = {path: type(module) for path, module in model.named_modules()}
    booked = {path: macs for path, macs in _leaves(tree) if types[path] in register_hooks}
    seen: Counter[str] = Counter()
    causes = _Causes()
    for call in calls:
        owner = next((path for path in _upwards(call.path) if path in booked), None)
        if owner is None:
            causes.add(_unseen(call, register_hooks), -call.macs, {call.path: -call.macs})
        else:
            seen[owner] += call.macs
    for path, macs in booked.items():
        if macs != seen[path]:
            name = types[path].__name__
            causes.add(
                _THOP_REASONS.get(name, f"nn.{name}"), macs - seen[path], {path: macs - seen[path]}
            )
    return Opinion(sum(booked.values()), sum(call.macs for call in calls), causes.sorted())


def ask_fvcore(model: nn.Module, images: Tensor, calls: Sequence[Call]) -> Opinion:
    """What fvcore counts of `model(images)`, traced on the processor with weights and images of zeros."""
    with _silenced(), torch.no_grad(), without_fast_attention():
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(_zeroed(model), (torch.zeros(images.shape),))
        analysis.unsupported_ops_warnings(enabled=False).uncalled_modules_warnings(enabled=False)
        analysis.tracer_warnings("none")
        by_operator: Mapping[str, float] = analysis.by_operator()
        by_module = analysis.by_module_and_operator()
        unsupported = {name.rpartition("::")[2] for name in analysis.unsupported_ops()}
    causes = _Causes()
    products = 0.0
    for operator, macs in by_operator.items():
        if operator in _FVCORE_PRODUCTS:
            products += macs
            continue
        paths = _innermost(by_module, operator)
        reason = _FVCORE_REASONS.get(operator, operator)
        causes.add(reason, int(macs), {path: int(by_module[path][operator]) for path in paths})
    true = sum(call.macs for call in calls)
    missing = int(products) - true
    for call in calls:
        if call.function in unsupported:
            causes.add(_unknown(call.function), -call.macs, {call.path: -call.macs})
            missing += call.macs
    if missing:
        inside_attention = _ATTENTION in unsupported
        causes.add(_unknown(_ATTENTION) if inside_attention else "unexplained", missing, {})
    return Opinion(int(sum(by_operator.values())), true, causes.sorted())


def _unknown(function: str) -> str:
    return f"{_called(function)}, which it does not know"


class _Causes:
    """Sums by reason."""

    def __init__(self) -> None:
        self._macs: Counter[str] = Counter()
        self._where: dict[str, Counter[str]] = {}
        self._places: Counter[str] = Counter()

    def add(self, reason: str, macs: int, where: Mapping[str, int]) -> None:
        """Include multiply-adds, with their shares by the path of the module."""
        self._macs[reason] += macs
        self._places[reason] += max(len(where), 1)
        self._where.setdefault(reason, Counter()).update(where)

    def sorted(self) -> tuple[Cause, ...]:
        """The largest first; what sums to nothing is left out."""
        causes = [
            Cause(reason, macs, self._places[reason], self._sorted_places(reason))
            for reason, macs in self._macs.items()
            if macs
        ]
        return tuple(sorted(causes, key=lambda cause: -abs(cause.macs)))

    def _sorted_places(self, reason: str) -> tuple[str, ...]:
        shares = self._where[reason]
        return tuple(sorted(shares, key=lambda path: -abs(shares[path])))


def _asked(
    counter: Callable[[nn.Module, Tensor, Sequence[Call]], Opinion],
    model: nn.Module,
    images: Tensor,
    calls: Sequence[Call],
) -> tuple[tuple[float, ...], CounterCauses]:
    """Samples and evidence of one counter's measurement."""
    try:
        opinion = counter(model, images, calls)
    except _BREAKS as error:
        reason = (str(error).strip() or "no message").splitlines()[0]
        return (), CounterCauses(sentence=f"could not count: {type(error).__name__}: {reason}")
    causes = tuple(
        CounterCause(cause.reason, cause.macs / 1e9, cause.places, cause.where[:_MOST_PLACES])
        for cause in opinion.causes
    )
    return (opinion.counted / 1e9,), CounterCauses(opinion.ratio, opinion.sentence, causes)


def _unseen(call: Call, hooked: Mapping[type[nn.Module], object]) -> str:
    """Why thop did not see a call: its module is of no type in the table, so what was it?"""
    relatives = [kind.__name__ for kind in call.module.__mro__[1:] if kind in hooked]
    if relatives:
        return f"{call.module.__name__}, a subclass of nn.{relatives[0]}"
    name = _called(call.function)
    if call.own_weight:
        return f"{name} with weights of {call.module.__name__}"
    if call.function in {"conv2d", "linear"}:
        return f"{name} with computed weights"
    return name


def _called(function: str) -> str:
    """The function as a programmer writes it."""
    name = function.strip("_")
    if hasattr(functional, name):
        return f"F.{name}"
    return f"torch.{name}" if hasattr(torch, name) else f"torchvision.ops.{name}"


def _leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, int]]:
    """Path and count of every innermost entry of thop's nested report."""
    for name, (macs, _, below) in tree.items():
        path = f"{above}.{name}".lstrip(".")
        if below:
            yield from _leaves(below, path)
        else:
            yield path, int(macs)


def _upwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition(".")[0]


def _innermost(places: Mapping[str, Mapping[str, float]], operator: str) -> list[str]:
    """The modules that the operator ran in, without those around them."""
    having = [path for path, operators in places.items() if operator in operators]
    around = {
        above for path in having for above in ("", *_upwards(path.rpartition(".")[0])) if path
    }
    return [path for path in having if path not in around]


def _zeroed(model: nn.Module) -> nn.Module:
    """A copy on the processor full of zeros: no infinities, no denormals, and only shapes count."""
    real = copy.deepcopy(model).to_empty(device="cpu")
    with torch.no_grad():
        for tensor in (*real.parameters(), *real.buffers()):
            tensor.zero_()
    return real


@contextmanager
def _silenced() -> Iterator[None]:
    """Without the counters' deprecation warnings, which are about their own code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.02 else f"{100 * share:.1f} %"
