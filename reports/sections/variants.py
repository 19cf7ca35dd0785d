"""Each variant by itself: its graph, what differs from the base, its layers, and what there is to warn of."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.model import Report, Row
from reports.network.boxes import LayerFacts, boxes
from reports.network.draw import Drawing, figure
from reports.run.warnings import build_warnings
from reports.section import Section
from reports.words import compact, counted, listed, number
from suite.metrics.evidence.graph import LiveParameters
from suite.metrics.evidence.layers import LayerCost, LayerCosts
from suite.spec.views.diff import SIGNS, Difference, Kind, difference
from suite.store.records import STRIDES
from suite.store.strides import Strides

_ID, _TITLE = "variants", "Each variant"
_MOST_TABLES = 40  # variants; beyond that a page would be mostly tables of layers
_SHOWN_PATHS = 12
_VERBS: tuple[Kind, ...] = ("added", "removed", "replaced", "changed")


@dataclass(frozen=True, slots=True)
class Share:
    """A cost of a layer, and what per cent of the network's it is."""

    text: str
    percent: str


@dataclass(frozen=True, slots=True)
class Line:
    """A layer: its address and block; stride and channels; its shares of the costs; what else was counted."""

    address: str
    block: str
    size: tuple[str, str]
    shares: tuple[Share, Share]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What is shown of one variant. `changes` are a sign and a sentence, under the heading `against`."""

    row: Row
    about: str  # the title, and what differs from the base in a few words
    warnings: tuple[str, ...]
    against: str
    changes: tuple[tuple[str, str], ...]
    drawing: Markup
    layers: tuple[Line, ...]


def build(report: Report) -> Section:
    """One collapsible view for each variant that the run resolved."""
    rows = [row for row in report.rows if row.record.spec.get("layers")]
    if not rows:
        missing = "The store keeps no network of this run."
        return Section(_ID, _TITLE, "Variants", missing=missing)
    tables = len(rows) <= _MOST_TABLES
    views = [_view(report, row, position, table=tables) for position, row in enumerate(rows)]
    return Section(
        _ID,
        _TITLE,
        "Variants",
        "The graph, what differs from the base, and every layer as trained. A row of a graph is a stride; a box says "
        "its block, channels and tag, and more when pointed at.",
        {"views": views, "tables": tables},
    )


def _view(report: Report, row: Row, position: int, *, table: bool) -> View:
    base = report.row(row.baseline)
    changes = None
    if base and base.record.spec.get("layers"):
        changes = difference(row.record.spec, base.record.spec)
    operators = _operators(row)
    facts = _facts(row, operators)
    drawn = boxes(row.record.spec, facts, changes)
    drawing = Drawing(row.name, drawn, row.baseline, changes)
    summary = _summary(row, changes, sum(len(paths) for paths in operators.values()))
    return View(
        row,
        f"{row.record.title} – {summary}" if summary else row.record.title,
        tuple(_warnings(report, row)),
        f"Against {row.baseline}" if row.baseline else "By its edits",
        (*_layer_changes(changes), *_edits(operators), *_whole_changes(changes)),
        figure(drawing, prefix=f"net-{position}-") if drawn else Markup(""),
        tuple(_layers(row)) if table else (),
    )


def _summary(row: Row, changes: Difference | None, convolutions: int) -> str:
    if changes is None:
        return "" if row.role == "base" else "the run holds no base to compare it with"
    counts = Counter(change.kind for change in changes.layers)
    parts = [f"{counted(counts[kind], 'layer')} {kind}" for kind in _VERBS if counts[kind]]
    if convolutions:
        parts.append(f"{counted(convolutions, 'convolution')} replaced")
    parts += [change.key for change in changes.whole]
    return ", ".join(parts) or f"layer for layer as {row.baseline}"


def _layer_changes(changes: Difference | None) -> list[tuple[str, str]]:
    return [] if changes is None else [_signed(str(change)) for change in changes.layers]


def _whole_changes(changes: Difference | None) -> list[tuple[str, str]]:
    return [] if changes is None else [("*", str(change)) for change in changes.whole]


def _signed(change: str) -> tuple[str, str]:
    sign, _, sentence = change.partition(" ")
    assert sign in SIGNS.values(), "a change of a layer begins with its sign"
    return sign, sentence


def _edits(operators: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Which operator an edit put in the place of which convolutions."""
    lines = []
    for operator, paths in operators.items():
        replaced = counted(len(paths), "convolution")
        shown = ", ".join(paths[:_SHOWN_PATHS])
        others = len(paths) - _SHOWN_PATHS
        more = f" and {others} more" if others > 0 else ""
        lines.append(("◆", f"{operator} in the place of {replaced}: {shown}{more}"))
    return lines


def _operators(row: Row) -> dict[str, list[str]]:
    """The paths of the convolutions that edits replaced, by operator; from the static job."""
    operators: dict[str, list[str]] = {}
    for replacement in row.evidence(Strides, STRIDES).replaced or ():
        operators.setdefault(replacement.operator, []).append(replacement.path)
    return operators


def _facts(row: Row, operators: Mapping[str, Sequence[str]]) -> dict[str, LayerFacts]:
    """What the static job found of each layer, as trained, by address."""
    replaced = Counter(_address(path) for paths in operators.values() for path in paths)
    return {
        layer.address: LayerFacts(
            layer.stride, layer.out_channels, layer.params, layer.gmacs, replaced[layer.address]
        )
        for layer in _costs(row)
    }


def _address(path: str) -> str:
    """The layer that a convolution's dotted path lies in."""
    return "head" if path.startswith("head") else ".".join(path.split(".")[:2])


def _warnings(report: Report, row: Row) -> list[str]:
    failures = [outcome.failure for outcome in row.failures if outcome.failure]
    failed = [f"{f.stage} failed ({f.code}): see Failures" for f in failures]
    return [*build_warnings(report, row), *_untrained(row), *dict.fromkeys(failed)]


def _untrained(row: Row) -> list[str]:
    """Parameters that no gradient reaches, and those that the spec keeps as they are."""
    live = row.evidence(LiveParameters, "params_live")
    lines = []
    if live.dead:
        paths = listed(list(live.dead)[:_SHOWN_PATHS])
        lines.append(f"no gradient reaches {sum(live.dead.values()):,} parameters: {paths}")
    if live.frozen:
        lines.append(f"not trained: {listed(list(live.frozen))}")
    return lines


def _costs(row: Row) -> tuple[LayerCost, ...]:
    """What the static job noted of each layer as trained."""
    return row.evidence(LayerCosts, "gmacs", "trained").layers or ()


def _layers(row: Row) -> list[Line]:
    """Every layer as trained: what it is, and what it costs."""
    costs = _costs(row)
    params = sum(layer.params for layer in costs) or 1
    gmacs = sum(layer.gmacs for layer in costs) or 1.0
    return [
        Line(
            layer.address,
            layer.block,
            (_text(layer.stride), _text(layer.out_channels)),
            (
                Share(compact(float(layer.params)), f"{100 * layer.params / params:.1f}"),
                Share(number(layer.gmacs, 4), f"{100 * layer.gmacs / gmacs:.1f}"),
            ),
            _others(layer),
        )
        for layer in costs
    ]


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def _others(layer: LayerCost) -> tuple[str, ...]:
    """Activations, hidden work, operations a byte and receptive field of a layer, where they were counted."""
    values = (
        (layer.activations, 3),
        (layer.hidden_gops, 4),
        (layer.intensity, 1),
        (layer.field, 0),
    )
    return tuple("" if value is None else number(value, digits) for value, digits in values)
