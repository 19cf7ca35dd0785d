"""Each variant by itself: its graph, what differs from the base, its layers, and what there is to warn of."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.model import Report, Row
from reports.network.boxes import LayerFacts, boxes
from reports.network.draw import Drawing, figure
from reports.run.headline import stride_warning
from reports.section import Section
from reports.words import compact, counted, listed, number
from suite.record import Json
from suite.spec.views.diff import SIGNS, Difference, Kind, difference
from suite.store.records import STRIDES

_MOST_TABLES = 40  # variants; beyond that a page would be mostly tables of layers
_SHOWN_PATHS = 12
_VERBS: tuple[Kind, ...] = ("added", "removed", "replaced", "changed")


@dataclass(frozen=True, slots=True)
class Line:
    """A layer: what it is, what it costs in words, and its shares of the parameters and the multiply-adds."""

    about: tuple[str, ...]
    costs: tuple[str, ...]
    shares: tuple[float, float]


@dataclass(frozen=True, slots=True)
class View:
    """What is shown of one variant. `changes` are a sign and words."""

    row: Row
    summary: str
    warnings: tuple[str, ...]
    changes: tuple[tuple[str, str], ...]
    drawing: Markup
    layers: tuple[Line, ...]
    base: str


def build(report: Report) -> Section:
    """One collapsible view for each variant that the run resolved."""
    rows = [row for row in report.rows if row.record.spec.get("layers")]
    if not rows:
        return Section(
            "variants",
            "Each variant",
            "Variants",
            missing="The store keeps no network of this run.",
        )
    tables = len(rows) <= _MOST_TABLES
    views = [_view(report, row, position, table=tables) for position, row in enumerate(rows)]
    return Section(
        "variants",
        "Each variant",
        "Variants",
        "The graph, what differs from the base, and every layer as trained. A row of a graph is a stride; a box says "
        "its block, channels and tag, and more when pointed at.",
        {"views": views, "tables": tables},
    )


def _view(report: Report, row: Row, position: int, *, table: bool) -> View:
    base = report.row(row.baseline)
    found = (
        difference(row.record.spec, base.record.spec)
        if base and base.record.spec.get("layers")
        else None
    )
    operators = _operators(row)
    facts = _facts(row)
    drawn = boxes(row.record.spec, facts, found)
    drawing = Drawing(row.name, drawn, row.baseline, found)
    return View(
        row,
        _summary(row, found, sum(len(paths) for paths in operators.values())),
        tuple(_warnings(report, row)),
        tuple(_changes(found, operators)),
        figure(drawing, prefix=f"net-{position}-") if drawn else Markup(""),
        tuple(_layers(facts, row)) if table else (),
        row.baseline,
    )


def _summary(row: Row, found: Difference | None, convolutions: int) -> str:
    if found is None:
        return "" if row.role == "base" else "the run holds no base to compare it with"
    counts = Counter(change.kind for change in found.layers)
    words = [f"{counted(counts[kind], 'layer')} {kind}" for kind in _VERBS if counts[kind]]
    words += [f"{counted(convolutions, 'convolution')} replaced"] if convolutions else []
    words += [change.key for change in found.whole]
    return ", ".join(words) or f"layer for layer as {row.baseline}"


def _changes(
    found: Difference | None, operators: Mapping[str, Sequence[str]]
) -> list[tuple[str, str]]:
    layers = [] if found is None else [_signed(str(change)) for change in found.layers]
    whole = [] if found is None else [("*", str(change)) for change in found.whole]
    convolutions = []
    for operator, paths in operators.items():
        more = f" and {len(paths) - _SHOWN_PATHS} more" if len(paths) > _SHOWN_PATHS else ""
        words = f"{operator} in the place of {counted(len(paths), 'convolution')}: {', '.join(paths[:_SHOWN_PATHS])}"
        convolutions.append(("◆", f"{words}{more}"))
    return [*layers, *convolutions, *whole]


def _signed(words: str) -> tuple[str, str]:
    sign, _, rest = words.partition(" ")
    assert sign in SIGNS.values(), "a change of a layer begins with its sign"
    return sign, rest


def _operators(row: Row) -> dict[str, list[str]]:
    """The paths of the convolutions that edits replaced, by operator; from the static job."""
    found: dict[str, list[str]] = {}
    noted = row.notes(STRIDES).get("replaced")
    for pair in noted if isinstance(noted, list) else ():
        if isinstance(pair, list) and len(pair) == 2:
            found.setdefault(str(pair[1]), []).append(str(pair[0]))
    return found


def _facts(row: Row) -> dict[str, LayerFacts]:
    """What the static job found of each layer, as trained, by address."""
    replaced = Counter(_address(path) for paths in _operators(row).values() for path in paths)
    return {
        address: LayerFacts(
            _whole(line.get("stride")),
            _whole(line.get("out_channels")),
            _whole(line.get("params")) or 0,
            _float(line.get("gmacs")),
            replaced[address],
        )
        for address, line in _noted_layers(row).items()
    }


def _address(path: str) -> str:
    """The layer that a convolution's dotted path lies in."""
    return "head" if path.startswith("head") else ".".join(path.split(".")[:2])


def _warnings(report: Report, row: Row) -> list[str]:
    strides = stride_warning(report, row)
    found = [strides] if strides else []
    found += [
        words for words in row.record.warnings if not (strides and words.startswith("strides"))
    ]
    dead = row.notes("params_live").get("dead")
    if isinstance(dead, dict) and dead:
        total = sum(_float(value) for value in dead.values())
        found.append(
            f"no gradient reaches {total:,.0f} parameters: {listed(list(dead)[:_SHOWN_PATHS])}"
        )
    frozen = row.notes("params_live").get("frozen")
    if isinstance(frozen, dict) and frozen:
        found.append(f"not trained: {listed(list(frozen))}")
    failed = dict.fromkeys(
        f"{f.failure.stage} failed ({f.failure.code}): see Failures"
        for f in row.failures
        if f.failure
    )
    return [*found, *failed]


def _layers(facts: Mapping[str, LayerFacts], row: Row) -> list[Line]:
    """Every layer as trained: what it is, and what it costs."""
    noted = row.record.spec.get("layers")
    blocks = (
        [str(line.get("block", "")) for line in noted if isinstance(line, dict)]
        if isinstance(noted, list)
        else []
    )
    more = _noted_layers(row)
    params = sum(layer.params for layer in facts.values()) or 1
    gmacs = sum(layer.gmacs for layer in facts.values()) or 1.0
    return [
        Line(
            (
                address,
                block,
                *("" if value is None else str(value) for value in (layer.stride, layer.channels)),
            ),
            (compact(float(layer.params)), number(layer.gmacs, 4), *_beside(more.get(address, {}))),
            (layer.params / params, layer.gmacs / gmacs),
        )
        for (address, layer), block in zip(facts.items(), blocks, strict=False)
    ]


def _beside(noted: Mapping[str, Json]) -> tuple[str, ...]:
    """Activations, hidden work, operations a byte and receptive field of a layer, where they were counted."""
    digits = {"activations": 3, "hidden_gops": 4, "intensity": 1, "field": 0}
    found = {key: noted.get(key) for key in digits}
    return tuple(
        number(_float(value), digits[key]) if value is not None else ""
        for key, value in found.items()
    )


def _noted_layers(row: Row) -> dict[str, dict[str, Json]]:
    """What the static job noted of each layer, by address."""
    noted = row.notes("gmacs", "trained").get("layers")
    lines = [line for line in noted if isinstance(line, dict)] if isinstance(noted, list) else []
    return {str(line.get("address")): line for line in lines}


def _whole(value: Json) -> int | None:
    return int(value) if isinstance(value, (int, float)) else None


def _float(value: Json) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
