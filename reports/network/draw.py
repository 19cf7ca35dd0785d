"""The drawing of a network as SVG; what differs from the base has a sign and an outline, not just a colour."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from reports.network.boxes import Box
from reports.network.layout import LEFT, TOP, WIDTH, Layout, Placed, Point, lay_out
from suite.spec.views.diff import SIGNS, Difference, Kind, LayerChange

CSS = Path(__file__).parents[1] / "assets" / "network.css"
_LETTERS = 21  # of a block's name, that fit a box
_RADIUS = 5
_LEGEND = 22  # pixels a line
_SHOWN_REMOVED = 4
_MOST_LETTERS = 120  # of a line of the legend
_MARKER = (
    '<marker id="{id}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8"'
    ' markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z"/></marker>'
)
_MEANINGS: dict[Kind, str] = {
    "added": "added",
    "removed": "removed",
    "replaced": "another block",
    "changed": "other options",
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A network with its names; `difference` is to `base`, None where it is not compared."""

    name: str
    boxes: tuple[Box, ...]
    base: str = ""
    difference: Difference | None = None


def figure(drawing: Drawing, *, prefix: str) -> Markup:
    """An `<svg>` for a page that has the style sheet; `prefix` keeps its ids apart from those of other drawings."""
    return Markup(_svg(drawing, prefix, attributes="", style=""))  # noqa: S704  (every text in it is escaped)


def standalone(drawing: Drawing) -> str:
    """A file of its own, with the style sheet inside; it follows the reader's light or dark scheme."""
    style = f"<style>{CSS.read_text(encoding='utf-8')}</style>"
    return _svg(drawing, "", attributes=' xmlns="http://www.w3.org/2000/svg"', style=style) + "\n"


def _svg(drawing: Drawing, prefix: str, *, attributes: str, style: str) -> str:
    layout = lay_out(drawing.boxes)
    legend = _legend(drawing)
    height = layout.height + _LEGEND * len(legend) + (8 if legend else 0)
    title = f"The graph of {drawing.name}" + (
        f" beside {drawing.base}" if drawing.difference else ""
    )
    arrow = f"{prefix}arrow"
    size = f'viewBox="0 0 {layout.width:g} {height:g}" width="{layout.width:g}" height="{height:g}"'
    label = f'role="img" aria-label="{_text(title)}" aria-describedby="{prefix}desc"'
    parts = [
        f'<svg{attributes} class="net" {size} {label}>',
        f'<title>{_text(title)}</title><desc id="{prefix}desc">{_text(_described(drawing))}</desc>{style}',
        f"<defs>{_MARKER.format(id=arrow)}</defs>",
        *_frame(layout),
        '<g class="edges">',
        *(f'<path d="{_rounded(edge)}" marker-end="url(#{arrow})"/>' for edge in layout.edges),
        "</g>",
        *(_box(placed) for placed in layout.placed),
        *_lines(legend, layout.height + 14),
        "</svg>",
    ]
    return "".join(parts)


def _frame(layout: Layout) -> list[str]:
    """The rows with their strides, the columns with their parts, and where the image comes in."""
    parts = []
    for band in layout.bands:
        middle = band.y + band.height / 2
        parts.append(
            f'<rect class="band" x="0" y="{band.y - 9:g}" width="{layout.width:g}" height="{band.height + 18:g}"/>'
            f'<text class="row" x="10" y="{middle - 2:g}">stride</text>'
            f'<text class="row big" x="10" y="{middle + 15:g}">{band.stride}</text>'
        )
    seen: set[str] = set()
    for placed in layout.placed:
        if placed.box.part not in seen:
            seen.add(placed.box.part)
            parts.append(f'<text class="part" x="{placed.x:g}" y="17">{placed.box.part}</text>')
    first = layout.placed[0]
    return [
        *parts,
        f'<text class="row" x="{first.x + WIDTH / 2 + 8:g}" y="{TOP - 18}">image</text>',
    ]


def _box(placed: Placed) -> str:
    box, x, y = placed.box, placed.x, placed.y
    middle = placed.middle
    kind = box.kind or ("edited" if box.replaced else "")
    size = f'width="{WIDTH}" height="{placed.height:g}"'
    stack = f'<rect class="stack" x="{x + 4:g}" y="{y + 4:g}" {size} rx="5"/>'
    parts = [
        f'<g class="{f"box {kind}".strip()}"><title>{_text(box.tip)}</title>',
        stack if box.layers > 1 else "",
        f'<rect x="{x:g}" y="{y:g}" {size} rx="5"/>',
        f'<text x="{x + 9:g}" y="{middle - 3:g}">{_text(_short(box.block))}</text>',
        f'<text class="size" x="{x + 9:g}" y="{middle + 11:g}">{_text(box.size)}</text>',
    ]
    if box.tags and box.part != "head":
        tags = " ".join(box.tags)
        parts.append(
            f'<text class="tag" x="{x + WIDTH - 7:g}" y="{middle + 11:g}">{_text(tags)}</text>'
        )
    if box.replaced:
        parts.append(
            f'<text class="convs" x="{x + WIDTH - 5:g}" y="{y - 2:g}">◆ {box.replaced}</text>'
        )
    if box.kind:
        parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="8"/>')
        parts.append(f'<text class="sign" x="{x:g}" y="{y + 4.5:g}">{SIGNS[box.kind]}</text>')
    return "".join([*parts, "</g>"])


def _legend(drawing: Drawing) -> list[tuple[str, str]]:
    """Lines of a sign and what it means here."""
    difference = drawing.difference
    if difference is None:
        return []
    lines = _legend_of_boxes(drawing, {change.kind for change in difference.layers})
    removed = [change for change in difference.layers if change.kind == "removed"]
    if removed:
        lines.append((SIGNS["removed"], f"{_removed(removed)} of {drawing.base} removed"))
    whole = "; ".join(str(change) for change in difference.whole)
    if whole:
        lines.append(("*", f"the whole model: {whole}"[:_MOST_LETTERS]))
    return lines or [("=", f"layer for layer as {drawing.base}")]


def _legend_of_boxes(drawing: Drawing, kinds: set[Kind]) -> list[tuple[str, str]]:
    """The signs that stand on boxes."""
    signed: tuple[Kind, ...] = ("added", "replaced", "changed")
    lines = [
        (SIGNS[kind], f"{_MEANINGS[kind]}, compared with {drawing.base}")
        for kind in signed
        if kind in kinds
    ]
    if any(box.replaced for box in drawing.boxes):
        lines.append(("◆", "so many convolutions inside are replaced by an edit"))
    return lines


def _removed(changes: Sequence[LayerChange]) -> str:
    shown = [f"{change.was} {change.old_block}" for change in changes[:_SHOWN_REMOVED]]
    more = len(changes) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _lines(legend: Sequence[tuple[str, str]], top: float) -> list[str]:
    return [
        f'<text class="sign" x="{LEFT - 58}" y="{top + _LEGEND * i:g}">{sign}</text>'
        f'<text class="row" x="{LEFT - 42}" y="{top + _LEGEND * i:g}">{_text(meaning)}</text>'
        for i, (sign, meaning) in enumerate(legend)
    ]


def _described(drawing: Drawing) -> str:
    """The drawing in words, for those who do not see it."""
    counts = Counter[str]()
    for box in drawing.boxes:
        counts[box.part] += box.layers
    layers = ", ".join(f"{counts[part]} in the {part}" for part in ("backbone", "neck", "head"))
    strides = sorted({box.stride for box in drawing.boxes if box.stride})
    sentences = [f"Layers: {layers}; strides {', '.join(map(str, strides))}."]
    if drawing.difference is not None:
        changes = [*drawing.difference.layers, *drawing.difference.whole]
        difference = "; ".join(map(str, changes)) or "no difference of layers"
        sentences.append(f"Against {drawing.base}: {difference}.")
    return " ".join(sentences)


def _short(block: str) -> str:
    """The address if it fits, else the class alone, cut where even that is too long."""
    name = block if len(block) <= _LETTERS else block.rpartition(".")[2]
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"


def _rounded(points: Sequence[Point]) -> str:
    """A polyline with round corners, as a path."""
    path = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        enter, leave = _towards(corner, before), _towards(corner, after)
        path.append(
            f"L{enter[0]:g} {enter[1]:g}Q{corner[0]:g} {corner[1]:g} {leave[0]:g} {leave[1]:g}"
        )
    return "".join([*path, f"L{points[-1][0]:g} {points[-1][1]:g}"])


def _towards(corner: Point, other: Point) -> Point:
    """The point `_RADIUS` from a corner on the way to another, or half-way where they are near."""
    (x, y), (u, v) = corner, other
    length = abs(u - x) + abs(v - y)  # the pieces are horizontal or vertical
    share = min(_RADIUS, length / 2) / length if length else 0.0
    return round(x + (u - x) * share, 2), round(y + (v - y) * share, 2)


def _text(text: str) -> str:
    return str(escape("".join(c if c.isprintable() or c == "\n" else " " for c in text)))
