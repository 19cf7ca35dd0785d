"""`show NAME --weights FILE`: what of a weights file a variant would start from, and what not."""

from collections.abc import Iterable
from pathlib import Path

import click

from suite.cli.output import ExitCode, Refusal, table
from suite.nn.detector import build
from suite.nn.weights.initial import InitialWeights
from suite.nn.weights.pickles import WeightsError
from suite.nn.weights.transfer import start_from
from suite.record import Json
from suite.spec.records.variant import Variant

CLASSES = 80
_COLUMNS = ("STAGE", "TENSORS", "LOADED", "PARAMETERS", "LOADED", "SHARE")


def show_weights(variant: Variant, weights: Path, *, quiet: bool) -> Json:
    """Build the network, start it from the file and print what came of it; the same as JSON.

    Raises:
        Refusal: the file cannot be used.
    """
    try:
        start = start_from(build(variant, CLASSES, seed=0), variant, weights)
    except WeightsError as error:
        raise Refusal(ExitCode.USAGE, str(error)) from error
    if not quiet:
        _tell(variant, start)
    return {
        **start.as_json,
        "left_tensors": [
            [tensor.name, tensor.role, tensor.reason] for tensor in start.tensors if tensor.reason
        ],
        "skipped_tensors": [
            [skipped.name, skipped.role, skipped.reason] for skipped in start.skipped
        ],
    }


def _tell(variant: Variant, start: InitialWeights) -> None:
    """The sums by stage, then what was left and what was skipped, with the reasons."""
    click.echo(f"# {variant.name} from {start.file}: {start.form}, {start.network}")
    stages = start.stages
    sums = [(s.tensors, s.loaded, s.parameters, s.loaded_parameters) for s in stages]
    sums.append(tuple(sum(column) for column in zip(*sums, strict=True)))
    names = [*(stage.name for stage in stages), "all"]
    table(
        _COLUMNS,
        [
            (name, *s, f"{100 * s[3] / max(s[2], 1):.1f} %")
            for name, s in zip(names, sums, strict=True)
        ],
    )
    _list(
        "left at its own start",
        ((tensor.role, tensor.reason) for tensor in start.tensors if tensor.reason),
    )
    _list("skipped, of the file", ((skipped.role, skipped.reason) for skipped in start.skipped))


def _list(title: str, tensors: Iterable[tuple[str, str]]) -> None:
    """One line a layer and reason; shapes differ from tensor to tensor, so only their first is shown."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for role, reason in tensors:
        by_reason.setdefault((role, reason.partition(" ")[0]), []).append(reason)
    if not by_reason:
        return
    click.echo(f"\n{title}:")
    for (role, _), reasons in by_reason.items():
        number = f"{len(reasons)} tensor{'s' if len(reasons) > 1 else ''}"
        click.echo(f"  {role or 'the rest'}: {number}: {reasons[0]}")
