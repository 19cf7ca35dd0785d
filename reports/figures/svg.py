"""Make matplotlib's SVG fit to stand inside a page: small, themed by CSS, with tooltips, and equal for equal input."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}"
_LONG_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_SPACES = re.compile(r"\s+")
_CLIP = re.compile(r"url\(#([^)]+)\)")
_NUMERIC = ("d", "x", "y", "width", "height", "transform", "points")
_DEFAULTS = {
    "stroke-linejoin: round",
    "stroke-linecap: butt",
    "stroke-linejoin: miter",
    "stroke-linecap: square",
}


@dataclass(frozen=True, slots=True)
class Tip:
    """What a mark of a plot says when pointed at, and the variant it stands for ("" for none)."""

    text: str
    variant: str = ""


def polish(
    source: str,
    *,
    prefix: str,
    label: str,
    colours: Mapping[str, str],
    tips: Mapping[str, Sequence[Tip]],
) -> str:
    """Rewrite one figure for the page.

    Args:
        source: what `Figure.savefig(format="svg")` wrote.
        prefix: put before every id, so that two figures in one page never share one.
        label: what the figure shows, for those who do not see it.
        colours: lower-case `#rrggbb` to the CSS custom property that takes its place.
        tips: artist gid to its tooltip; several are of the points of a collection, in the order they were drawn.

    Returns:
        An `<svg>` element without XML header, namespaces, metadata, width and height.
    """
    root = ET.fromstring(source)  # noqa: S314 (written by matplotlib a moment ago)
    _drop_metadata(root)
    _flatten(root, tips)
    _rename_ids(root, prefix)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        _shrink(element, colours)
    _, _, width, height = root.get("viewBox", "0 0 0 0").split()
    root.attrib.clear()
    root.attrib.update({"viewBox": f"0 0 {width} {height}", "role": "img", "aria-label": label})
    return ET.tostring(root, encoding="unicode")


def _drop_metadata(root: ET.Element) -> None:
    for child in list(root):
        if child.tag == f"{_SVG}metadata" or child.find(f"{_SVG}style") is not None:
            root.remove(child)


def _flatten(root: ET.Element, tips: Mapping[str, Sequence[Tip]]) -> None:
    """Give tooltips to the groups that have one and dissolve every group that carries nothing."""
    for parent in root.iter():
        parent[:] = [kept for child in parent for kept in _dissolved(child, tips)]
        parent.text = parent.text if parent.text and parent.text.strip() else None
        parent.tail = None


def _dissolved(element: ET.Element, tips: Mapping[str, Sequence[Tip]]) -> list[ET.Element]:
    if element.tag != f"{_SVG}g":
        return [element]
    own_tips = tips.get(element.attrib.pop("id", ""), ())
    if len(own_tips) == 1:
        _add_tip(element, own_tips[0])
    elif own_tips:
        _wrap_points(element, own_tips)
    if element.attrib:
        return [element]
    return [kept for child in element for kept in _dissolved(child, tips)]


def _wrap_points(element: ET.Element, tips: Sequence[Tip]) -> None:
    """Put a group with a tooltip round each point of a collection."""
    points = [child for child in element if child.tag != f"{_SVG}defs"]
    for point, tip in zip(points, tips, strict=True):
        group = ET.Element(f"{_SVG}g")
        group.append(point)
        _add_tip(group, tip)
        element[list(element).index(point)] = group


def _add_tip(element: ET.Element, tip: Tip) -> None:
    element.set("class", "tip")
    if tip.variant:
        element.set("data-v", tip.variant)
    title = ET.Element(f"{_SVG}title")
    title.text = tip.text
    element.insert(0, title)


def _rename_ids(root: ET.Element, prefix: str) -> None:
    """Short ids in order of appearance; those that nothing refers to go."""
    used: dict[str, str] = {}

    def short(old: str) -> str:
        return used.setdefault(old, f"{prefix}{len(used)}")

    for element in root.iter():
        target = element.attrib.pop(f"{_XLINK}href", "")
        if target:
            element.set("href", f"#{short(target.removeprefix('#'))}")
        clip = _CLIP.fullmatch(element.get("clip-path", ""))
        if clip:
            element.set("clip-path", f"url(#{short(clip[1])})")
    for element in root.iter():
        old = element.attrib.pop("id", "")
        if old in used:
            element.set("id", used[old])


def _shrink(element: ET.Element, colours: Mapping[str, str]) -> None:
    """Short numbers, and a style without what is the default, in the page's colours."""
    for name in _NUMERIC:
        value = element.get(name)
        if value is not None:
            element.set(name, _SPACES.sub(" ", _LONG_NUMBER.sub(_two_decimals, value)).strip())
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    style = element.get("style")
    if style is not None:
        element.set("style", _themed(style, colours))


def _themed(style: str, colours: Mapping[str, str]) -> str:
    parts = [part.strip() for part in style.split(";")]
    kept = [p for p in parts if p not in _DEFAULTS and not p.startswith("font-family")]
    themed = ";".join(part.replace(": ", ":") for part in kept)
    for sentinel, variable in colours.items():
        themed = themed.replace(sentinel, f"var({variable})")
    return themed


def _two_decimals(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
