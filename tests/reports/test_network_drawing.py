import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import pytest

from reports.network.boxes import Box, LayerFacts, boxes
from reports.network.draw import Drawing, figure, standalone
from reports.network.layout import WIDTH, Layout, lay_out
from suite.record import Json
from suite.spec.views.diff import difference

STRIDES = {"backbone": [2, 4, 8, 8, 16, 16, 32, 32], "neck": [32, 16, 16, 8, 8, 16, 16, 32, 32]}


def layer(block: str, part: str, *inputs: str, tag: str = "", **options: Json) -> Json:
    tags: dict[str, Json] = {tag: 0} if tag else {}
    line: dict[str, Json] = {"block": block, "part": part, "out": 16, "repeat": 1, "stride": None}
    return line | {"inputs": list(inputs) or ["last"], "tags": tags, "options": options}


BACKBONE = [layer("conv.Conv", "backbone"), layer("conv.Conv", "backbone")]
for _tag in ("p3", "p4", "p5"):
    BACKBONE += [layer("conv.Conv", "backbone"), layer("c3.C3", "backbone", tag=_tag)]
NECK = [
    layer("conv.Conv", "neck", tag="t5"),
    layer("upsample.Upsample", "neck"),
    layer("c3.C3", "neck", "last", "p4", tag="t4"),
    layer("upsample.Upsample", "neck"),
    layer("c3.C3", "neck", "last", "p3", tag="n3"),
    layer("conv.Conv", "neck"),
    layer("c3.C3", "neck", "last", "t4", tag="n4"),
    layer("conv.Conv", "neck"),
    layer("c3.C3", "neck", "last", "t5", tag="n5"),
]
HEAD = layer("anchor.AnchorHead", "head", "n3", "n4", "n5")
BASE: dict[str, Json] = {"layers": [*BACKBONE, *NECK, HEAD], "conv_edits": []}


def facts(layers: list[Json], replaced: int = 0) -> dict[str, LayerFacts]:
    """Strides of a YOLOv5-like network; further layers of the backbone come last and stay at stride 32."""
    found = {"head": LayerFacts(None, None, 9, 0.1)}
    for part, strides in STRIDES.items():
        count = sum(line["part"] == part for line in layers)  # type: ignore[index,call-overload]
        padded = [*strides, *[32] * (count - len(strides))]
        found |= {
            f"{part}.{i}": LayerFacts(s, 16, 1000, 0.5, replaced)
            for i, s in enumerate(padded[:count])
        }
    return found


def drawn(architecture: dict[str, Json] | None = None, *, replaced: int = 0) -> tuple[Box, ...]:
    own = architecture or BASE
    return boxes(own, facts(own["layers"], replaced), difference(own, BASE))  # type: ignore[arg-type]


@pytest.fixture
def layout() -> Layout:
    return lay_out(drawn())


def test_boxes_of_one_stride_stand_in_one_row(layout: Layout) -> None:
    bands = {band.stride: (band.y, band.y + band.height) for band in layout.bands}

    for placed in layout.placed[:-1]:
        low, high = bands[placed.box.stride or 0]
        assert low <= placed.y
        assert placed.y + placed.height <= high


def test_the_neck_has_a_column_up_and_a_column_down(layout: Layout) -> None:
    assert [p.column for p in layout.placed] == [0] * 8 + [1] * 5 + [2] * 4 + [3]
    assert [p.y for p in layout.placed[8:13]] == sorted(
        (p.y for p in layout.placed[8:13]), reverse=True
    )


def test_layers_that_do_not_go_on_from_each_other_stand_side_by_side() -> None:
    """As the lateral convolutions of a BiFPN do: each reads another map of the backbone."""
    laterals = [
        layer("conv.Conv", "neck", source, tag=f"l{source}") for source in ("p3", "p4", "p5")
    ]
    own: dict[str, Json] = {
        "layers": [*BACKBONE, *laterals, layer("anchor.AnchorHead", "head", "lp3", "lp4", "lp5")]
    }
    known = facts(own["layers"]) | {f"neck.{i}": LayerFacts(8 * 2**i, 16, 0, 0.0) for i in range(3)}  # type: ignore[arg-type]

    layout = lay_out(boxes(own, known, None))

    assert [p.column for p in layout.placed[-4:]] == [1, 1, 1, 2]


def test_no_two_boxes_overlap(layout: Layout) -> None:
    for one, other in combinations(layout.placed, 2):
        assert (
            one.column != other.column
            or one.y + one.height <= other.y
            or other.y + other.height <= one.y
        )


def test_every_input_has_an_edge_that_passes_no_box(layout: Layout) -> None:
    assert len(layout.edges) == sum(len(p.box.sources) for p in layout.placed)
    for edge in layout.edges:
        for (x, y), (u, v) in pairwise(edge):
            assert x == u or y == v, "edges are horizontal and vertical"
            for p in layout.placed:
                inside_x = max(x, u) > p.x + 0.1 and min(x, u) < p.x + WIDTH - 0.1
                inside_y = max(y, v) > p.y + 0.1 and min(y, v) < p.y + p.height - 0.1
                assert not (inside_x and inside_y), (edge, p.box.address)


def test_the_head_spans_the_rows_that_it_reads(layout: Layout) -> None:
    head, read = layout.placed[-1], [layout.placed[i] for i in layout.placed[-1].box.sources]

    assert (head.y, head.y + head.height) == (read[0].y, read[-1].y + read[-1].height)


def test_alike_layers_in_a_row_share_a_box() -> None:
    more = [layer("mbconv.MBConv", "backbone") for _ in range(3)]
    found = drawn({**BASE, "layers": [*BACKBONE, *more, *NECK, HEAD]})

    box = next(b for b in found if b.block == "mbconv.MBConv")
    assert (box.address, box.layers, box.size) == (
        "backbone.8 to backbone.10",
        3,
        "3 layers · 16 channels",
    )
    assert len(found) == len(drawn()) + 1


def test_a_layer_that_another_reads_keeps_its_own_box() -> None:
    pair = [layer("mbconv.MBConv", "backbone", tag="seen"), layer("mbconv.MBConv", "backbone")]

    found = drawn({**BASE, "layers": [*BACKBONE, *pair, *NECK, HEAD]})

    assert [b.layers for b in found if b.block == "mbconv.MBConv"] == [1, 1]


def test_a_network_that_was_not_built_has_no_drawing() -> None:
    assert boxes(BASE, {}, None) == ()


def test_what_differs_has_a_sign_and_a_class_and_stands_in_the_words() -> None:
    changed = [*BACKBONE[:-1], layer("c2f.C2f", "backbone", tag="p5")]
    own: dict[str, Json] = {**BASE, "layers": [*changed, *NECK, HEAD], "activation": "relu"}
    text = standalone(Drawing("mine", drawn(own), "base", difference(own, BASE)))

    assert text.count('<g class="box replaced">') == 1
    assert text.count(">≠</text>") == 2, "at the box and in the legend"
    assert "another block, compared with base" in text
    assert "Against base: ≠ backbone.7 c3.C3 → c2f.C2f; activation relu." in text


def test_replaced_convolutions_are_counted_at_their_box() -> None:
    text = figure(Drawing("mine", drawn(replaced=3), "base", difference(BASE, BASE)), prefix="a-")

    assert text.count("◆ 3</text>") == 17
    assert "so many convolutions inside are replaced by an edit" in text


def test_a_drawing_is_xml_with_a_title_a_description_and_no_colour_of_its_own_for_text() -> None:
    text = standalone(Drawing("a <b> & \x07c", drawn(), "base", difference(BASE, BASE)))

    root = ET.fromstring(text)
    namespace = "{http://www.w3.org/2000/svg}"
    assert root.findtext(f"{namespace}title") == "The graph of a <b> &  c beside base"
    assert (root.findtext(f"{namespace}desc") or "").startswith(
        "Layers: 8 in the backbone, 9 in the neck, 1 in the"
    )
    assert "prefers-color-scheme: dark" in text
    assert "currentColor" in text


def test_drawings_in_one_page_share_no_id() -> None:
    ids = [
        {
            element.get("id")
            for element in ET.fromstring(figure(Drawing("n", drawn()), prefix=prefix)).iter()
        }
        - {None}
        for prefix in ("a-", "b-")
    ]

    assert ids[0] & ids[1] == set()
