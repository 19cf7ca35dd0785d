"""Drawings: what survives the way from matplotlib to the page."""

import re

import matplotlib as mpl
import pytest

from reports.figures.canvas import Canvas, printable
from reports.figures.dots import Dot, forest
from reports.figures.labels import Point
from reports.figures.svg import Tip, polish
from reports.figures.theme import BETTER, INK, look
from reports.figures.tradeoff import draw, front

SOURCE = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 width="10pt" height="5pt" viewBox="0 0 10 5"><metadata>x</metadata><g id="figure_1"><g id="tip-0">
<defs><path id="m123" d="M 0.123456 1.000000 L 2.5 3"/></defs><use xlink:href="#m123" style="fill: #010201"/>
</g></g></svg>"""


POINTS = SOURCE.replace("<use ", '<path d="M 0 0" style="fill: #010201"/><use ')


def polished(tips: dict[str, list[Tip]], source: str = SOURCE) -> str:
    return polish(source, prefix="f-", label="a drawing", colours={INK: "--fg"}, tips=tips)


def test_reserved_colours_become_variables() -> None:
    assert 'style="fill:var(--fg)"' in polished({})


def test_numbers_keep_two_decimals() -> None:
    assert 'd="M 0.12 1 L 2.5 3"' in polished({})


def test_ids_are_the_figures_own() -> None:
    text = polished({})

    assert 'id="f-0"' in text
    assert 'href="#f-0"' in text
    assert "metadata" not in text


def test_a_tip_becomes_a_title_and_the_variants_mark() -> None:
    text = polished({"tip-0": [Tip("5 < 6", "a&b")]})

    assert '<g class="tip" data-v="a&amp;b"><title>5 &lt; 6</title>' in text


def test_every_point_of_a_collection_has_its_own_tip() -> None:
    text = polished({"tip-0": [Tip("first", "a"), Tip("second", "b")]}, POINTS)

    assert '<g class="tip" data-v="a"><title>first</title><path ' in text
    assert '<g class="tip" data-v="b"><title>second</title><use ' in text


def test_tips_that_are_not_one_for_each_point_are_an_error() -> None:
    with pytest.raises(ValueError, match="argument"):
        polished({"tip-0": [Tip("first"), Tip("second")]})


def test_the_drawing_has_a_label_and_no_fixed_size() -> None:
    head = polished({}).split(">", 1)[0]

    assert head == '<svg viewBox="0 0 10 5" role="img" aria-label="a drawing"'


def test_hostile_names_are_drawn_as_text() -> None:
    with look():
        canvas = Canvas("n", "label", height=1)
        axes = canvas.figure.subplots()
        axes.set_title(printable("a$x_$b <b> \ud800 \x00 $$"))
        axes.plot([0, 1], [0, 1], color=BETTER)
        text = str(canvas.svg())

    assert "a$x_$b &lt;b&gt;" in text
    assert "var(--better)" in text
    assert not re.search(r"#0102\d\d", text)


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    before = mpl.rcParams["svg.fonttype"]

    with look():
        inside = mpl.rcParams["svg.fonttype"]

    assert (before, inside, mpl.rcParams["svg.fonttype"]) == (before, "none", before)


def point(name: str, x: float, y: float) -> Point:
    return Point(name, (x, x, x), (y, y, y), "same")


def test_the_front_is_what_nothing_beats_on_both_axes() -> None:
    points = [
        point("cheap", 1, 0.2),
        point("beaten", 2, 0.1),
        point("good", 3, 0.5),
        point("dear", 9, 0.5),
    ]

    assert [p.name for p in front(points)] == ["cheap", "good"]


def test_a_single_variant_can_be_drawn() -> None:
    with look():
        text = draw([point("only", 2, 0.5)], name="t", titles=("ms", "AP"), label="x")

    assert "only" in text


def test_labels_of_the_front_are_drawn_when_there_are_too_many_for_all() -> None:
    points = [point(f"v{i}", 1 + i, 0.3 if i else 0.9) for i in range(20)]

    with look():
        text = draw(points, name="t", titles=("ms", "AP"), label="x")

    drawn = re.findall(r">(v\d+)</text>", text)
    assert drawn == ["v0"]


@pytest.mark.parametrize("value", [0.0, -90.0, 1e6])
def test_counters_far_apart_fit_on_one_axis(value: float) -> None:
    dots = [
        Dot("a", "a", value, value, value, "bad", "tip"),
        Dot("b", "b", 0.1, 0.1, 0.1, "same", "tip"),
    ]

    with look():
        text = forest(dots, name="c", title="x", label="y", band=1.0, scale="symlog")

    assert text.count('class="tip"') == 2
    assert "mathdefault" not in text
