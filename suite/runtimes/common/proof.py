"""Equal to eager before it is timed: the proof that a session computes what the network does.

The reference is eager mode in fp32 on the same device. Boxes are compared by their own size: the error of a coordinate,
less what writing a position of that magnitude in the precision costs, over the box's diagonal. Scores are compared as
they are. The largest error over all predictions counts.
"""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from suite.nn.network import Detector
from suite.runtimes import MismatchError, Options, Session, open_session

TOLERANCE = {"fp32": 1e-4, "tf32": 0.05, "fp16": 0.05, "bf16": 0.25, "int8": 0.25}
# rounding of a position that is written, where not that of fp32
_DECODED = {"fp16": 2.0**-11, "bf16": 2.0**-8}
_FP32 = 2.0**-24
# of scores, whatever is lost: those of two unrelated networks differ by about as much
MOST = {"int8": 0.5}
_WRITES = 2  # roundings between a cell's place and the centre of its box
_PLAIN = "eager+contiguous"
_SMALLEST_BOX = 8.0  # pixels: no cell is much smaller, and a prediction wanders within its cell
# times the precision's own loss
_OF_OWN = {"fp32": 10.0, "tf32": 3.0, "fp16": 3.0, "bf16": 3.0, "int8": 3.0}
# runtimes that compute a precision by its definition, where not eager
_WRITTEN_OUT = {"int8": "onnxruntime+literal"}


@dataclass(frozen=True, slots=True)
class Errors:
    """The largest of boxes, as a share of the box's diagonal, and of scores."""

    boxes: float
    scores: float

    def within(self, allowed: "Errors") -> bool:
        """Whether neither is larger; a NaN is no agreement either."""
        return self.boxes <= allowed.boxes and self.scores <= allowed.scores


@dataclass(frozen=True, slots=True)
class Proved:
    """A session that is equal to eager, the images prepared for it, how far it is from eager and may be."""

    session: Session
    prepared: Tensor
    found: Errors
    allowed: Errors


def open_proved(runtime: str, model: Detector, options: Options, images: Tensor) -> Proved:
    """Open a deployed model in a runtime, and prove on its images that it is equal to eager.

        proved = open_proved("onnxruntime", deploy(model), Options(), images)
        proved.session.time(proved.prepared)

    Allowed is `TOLERANCE` or, where a network is so sensitive that eager mode itself loses as much in that precision,
    a few times that loss. Eager mode has no int8; in its place stands the network in eight bits run as it is written.

    Args:
        runtime: as for `open_session`.
        model: deployed, and a copy of your own: it is moved to the device and cast.
        options: device, precision and threads.
        images: (B, 3, H, W) float32 in 0..1.

    Raises:
        RuntimeUnfitError: the runtime, the device or the precision is not to be had here.
        MismatchError: the predictions differ by more, or are not finite.
    """
    spare = copy.deepcopy(model)
    expected = _predictions(_PLAIN, model, Options(options.device, "fp32", options.threads), images)
    session = open_session(runtime, model, options, images)
    prepared = session.prepare(images)
    output = session.run(prepared)
    session.synchronize()
    output = output.cpu().float()
    side = max(images.shape[-2:])
    errors = compare(output, expected, options.precision, side)
    allowed = allowance(options.precision)
    if not errors.within(allowed):
        allowed = allowance(options.precision, _own_loss(spare, options, images, expected))
    if not errors.within(allowed):
        session.close()
        raise MismatchError(
            _mismatch(model.name, runtime, options.precision, output, errors, allowed)
        )
    return Proved(session, prepared, errors, allowed)


def judge(model: Detector, output: Tensor, images: Tensor) -> tuple[Errors, Errors]:
    """How far predictions that something else made of `images` are from the model's own in fp32, and may be.

    Args:
        model: deployed, on the processor; it is left as it is.
        output: (B, N, 5 + classes), as `Detector.predict` gives.
        images: (B, 3, H, W) float32 in 0..1.
    """
    with torch.inference_mode():
        expected = model.predict(images)
    found = compare(output.float(), expected, "fp32", max(images.shape[-2:]))
    allowed = allowance("fp32")
    if not found.within(allowed):
        lost = _own_loss(copy.deepcopy(model), Options("cpu", "fp32", 1), images, expected)
        allowed = allowance("fp32", lost)
    return found, allowed


def allowance(precision: str, lost: Errors | None = None) -> Errors:
    """What a session's predictions may differ by, given what the precision itself loses."""
    least = TOLERANCE[precision]
    if lost is None:
        return Errors(least, least)
    times = _OF_OWN[precision]
    scores = max(least, times * lost.scores)
    return Errors(max(least, times * lost.boxes), min(scores, MOST.get(precision, scores)))


def compare(output: Tensor, expected: Tensor, precision: str, side: int) -> Errors:
    """Errors of predictions `output` (B, N, 5 + classes) for images with a longer side of `side` pixels."""
    apart = (output - expected).abs()
    diagonal = expected[..., 2:4].norm(dim=-1, keepdim=True).clamp(min=_SMALLEST_BOX)
    written = _WRITES * _DECODED.get(precision, _FP32) * side
    boxes = ((apart[..., :4] - written).clamp(min=0) / diagonal).max()
    return Errors(float(boxes), float(apart[..., 4:].max()))


def _predictions(runtime: str, model: Detector, options: Options, images: Tensor) -> Tensor:
    session = open_session(runtime, model, options, images)
    output = session.run(session.prepare(images)).cpu().float()
    session.close()
    return output


def _own_loss(model: Detector, options: Options, images: Tensor, expected: Tensor) -> Errors:
    """What the precision itself loses; for fp32, against double precision."""
    side = max(images.shape[-2:])
    if options.precision != "fp32":
        reference = _WRITTEN_OUT.get(options.precision, _PLAIN)
        output = _predictions(reference, model, options, images)
        return compare(output, expected, options.precision, side)
    with torch.inference_mode():
        exact = model.cpu().double().predict(images.double())
    return compare(expected, exact, "fp32", side)


def _mismatch(name: str, runtime: str, precision: str, output: Tensor, *errors: Errors) -> str:
    bad = int((~output.isfinite()).sum())
    if bad:
        mend = "look at its weights" if precision == "fp32" else "time it in fp32"
        return f"{name} in {runtime}: {bad} of {output.numel()} outputs are not finite in {precision}; {mend}"
    differing, allowed = errors
    return (
        f"{name} in {runtime}, {precision}: boxes differ from eager's by {differing.boxes:.2g} of their size "
        f"and scores by {differing.scores:.2g}; allowed {allowed.boxes:.2g} and {allowed.scores:.2g}"
    )
