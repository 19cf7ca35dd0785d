import textwrap
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suite.spec.blocks.signatures import Signatures
from suite.spec.language.decode import decode
from suite.spec.language.keys import FILE_KEYS
from suite.spec.records.source import SpecFile
from suite.spec.records.variant import Expect, Schedule, Selector
from suite.yaml.errors import SpecError
from tests.narrowing import opened

Read = Callable[[str], SpecFile]
Fail = Callable[[str], list[str]]


@pytest.fixture
def read(signatures: Signatures) -> Read:
    return lambda text: decode(textwrap.dedent(text), "f.yaml", "f", signatures)


@pytest.fixture
def fail(read: Read) -> Fail:
    """The problems of a text, one line each."""

    def problems(text: str) -> list[str]:
        with pytest.raises(SpecError) as caught:
            read(text)
        return str(caught.value).splitlines()

    return problems


def test_a_layer_line_becomes_a_layer(read: Read) -> None:
    spec = read(
        """\
        base: b
        neck:
          - {block: conv.Conv, out: 64, repeat: 2, stride: 2, tag: n3, inputs: [last, p4], kernel: 3}
        """
    )

    (layer,) = opened(spec.parts["neck"])
    assert (layer.block, layer.part, layer.out, layer.repeat, layer.stride) == (
        "conv.Conv",
        "neck",
        64,
        2,
        2,
    )
    assert (layer.tags, layer.inputs, layer.options) == ({"n3": 0}, ("last", "p4"), {"kernel": 3})
    assert str(layer.mark) == "f.yaml:3:5"


def test_several_outputs_get_several_tags(read: Read) -> None:
    spec = read(
        "base: b\nbackbone:\n  - {block: stage.Backbone, name: tiny, tags: {p3: 1, p4: 2}}\n"
    )

    assert opened(spec.parts["backbone"])[0].tags == {"p3": 1, "p4": 2}


def test_all_keys_of_a_file_are_read(read: Read) -> None:
    spec = read(
        """\
        title: A title, with a comma
        paper: arXiv 1
        base: b
        depth: 0.33
        width: 0.5
        schedules:
          - {block: dynamic.Dynamic, set: temperature, from: 30, to: 1, over: 0.1}
        freeze: [neck, backbone]
        control: broken
        expect: {strides: [8, 16], params: 12, gmacs: 1.5}
        """
    )

    assert (spec.title, spec.paper, spec.depth, spec.width) == (
        "A title, with a comma",
        "arXiv 1",
        0.33,
        0.5,
    )
    assert spec.schedules is not None
    assert spec.schedules[0][0] == Schedule("dynamic.Dynamic", "temperature", 30, 1, 0.1)
    assert (spec.freeze, spec.control) == (("backbone", "neck"), "broken")
    assert spec.expect == Expect((8, 16), 12, 1.5)


def test_stages_of_a_part_may_be_frozen(read: Read) -> None:
    spec = read("base: b\nfreeze: [neck, backbone 16, backbone 8]\n")

    assert spec.freeze == ("backbone 8", "backbone 16", "neck")


def test_a_selector_takes_one_value_or_several(read: Read) -> None:
    spec = read(
        """\
        base: b
        edits:
          - replace: {part: backbone, kernel: [3, 5], stage: 32, path: "backbone.*", count: 11}
            with: {block: dynamic.Dynamic, kernels: 1}
        """
    )

    assert spec.edits[0].select == Selector(
        part=("backbone",), kernel=(3, 5), stage=(32,), path=("backbone.*",), count=11
    )


@pytest.mark.parametrize("text", ["[]", "word", "12", "null", "- a\n- b\n"])
def test_a_file_that_is_no_mapping_is_an_error(fail: Fail, text: str) -> None:
    assert "a variant is a mapping" in fail(text)[0]


def test_a_misspelt_key_gets_the_nearest_one(fail: Fail) -> None:
    assert fail("base: b\nbackbon: []\n") == [
        "f.yaml:2:1: error E102: unknown key 'backbon'; did you mean 'backbone'?"
    ]


def test_every_mistake_of_a_file_is_named_at_once(fail: Fail) -> None:
    found = fail(
        """\
        titel: x
        base: b
        base: c
        depth: 010
        width: wide
        backbone:
          - {block: cnv.Conv, out: 64}
          - {block: conv.Conv, out: 64, kernal: 3}
          - {block: conv.Conv, out: -1, kernel: 0, stride: no}
          - {block: stage.Stage}
        """
    )

    assert [line.split(" ")[0] + line.split(" ")[2] for line in found] == [
        "f.yaml:1:1:E102:",
        "f.yaml:3:1:E002:",
        "f.yaml:4:8:E004:",
        "f.yaml:5:8:E101:",
        "f.yaml:7:13:E201:",
        "f.yaml:8:33:E202:",
        "f.yaml:9:29:E104:",
        "f.yaml:9:41:E202:",
        "f.yaml:9:52:E101:",
        "f.yaml:10:5:E103:",
    ]


LAYER_MISTAKES = [
    ("{out: 64}", "a layer needs `block`"),
    (
        "{block: conv.Conv, out: 64, kernal: 3}",
        "conv.Conv has no option 'kernal'; did you mean 'kernel'?",
    ),
    (
        "{block: conv.Conv, out: 64, repeet: 3}",
        "conv.Conv has no option 'repeet'; did you mean 'repeat'?",
    ),
    ("{block: conv.Conv}", "conv.Conv needs `out`, its channels"),
    ("{block: conv.Conv, out: 1.5}", "`out` is a whole number, not 1.5"),
    ("{block: conv.Conv, out: true}", "`out` is a whole number, not true"),
    ("{block: conv.Conv, out: 2147483648}", "`out` is from 1 to 16384"),
    ("{block: conv.Conv, out: 8, repeat: 0}", "`repeat` is from 1 to 256, not 0"),
    ("{block: conv.Conv, out: 8, stride: -2}", "`stride` is from 1 to 64, not -2"),
    (
        "{block: conv.Conv, out: 8, kernel: three}",
        "conv.Conv: kernel takes a whole number, not 'three'",
    ),
    ("{block: conv.Conv, out: 8, kernel: 3.0}", "conv.Conv: kernel takes a whole number, not 3.0"),
    (
        "{block: conv.Conv, out: 8, kernel: true}",
        "conv.Conv: kernel takes a whole number, not True",
    ),
    (
        "{block: conv.Conv, out: 8, padding: same}",
        "conv.Conv: padding takes int | None, not 'same'",
    ),
    ("{block: stage.Stage, out: 8, ratio: half}", "stage.Stage: ratio takes a number, not 'half'"),
    (
        "{block: stage.Stage, out: 8, shortcut: 1}",
        "stage.Stage: shortcut takes true or false, not 1",
    ),
    (
        "{block: stage.Stage, out: 8, act: gelu}",
        "stage.Stage: act takes Literal['relu', 'silu'], not 'gelu'",
    ),
    (
        "{block: stage.Stage, out: 8, widths: [1, x]}",
        "stage.Stage: widths takes tuple[int, ...], not [1, 'x']",
    ),
    ("{block: stage.Merge, out: 8}", "stage.Merge needs the option 'power'"),
    (
        "{block: stage.Enlarge, out: 8}",
        "stage.Enlarge decides its channels itself and takes no `out`",
    ),
    ("{block: conv.Slim, out: 8, stride: 2}", "conv.Slim takes no `stride`"),
    ("{block: grid.Grid, anchors: [1]}", "grid.Grid is a head; it belongs into `head`"),
    ("{block: dynamic.Dynamic, out: 8}", "dynamic.Dynamic is an operator"),
    ("{block: conv.Conv, out: 8, in_channels: 3}", "conv.Conv has no option 'in_channels'"),
    ("{block: conv.Conv, out: 8, make: 3}", "conv.Conv has no option 'make'"),
    ("{block: conv.Conv, out: 8, tag: last}", "'last' means the line above and cannot be a tag"),
    ("{block: conv.Conv, out: 8, tag: a, tags: {b: 1}}", "a layer has either `tag` or `tags`"),
    ("{block: conv.Conv, out: 8, inputs: []}", "`inputs` names no tag"),
    ("{block: conv.Conv, out: 8, inputs: [3]}", "an input is a word, not 3"),
    ("conv.Conv", "a layer is a mapping, not the word 'conv.Conv'"),
    ("[-1, 1, conv.Conv, [64]]", "a layer is a mapping, not a list"),
    ("{block: \"__import__('os').system('x')\", out: 8}", "no block"),
]


@pytest.mark.parametrize(("line", "message"), LAYER_MISTAKES)
def test_a_mistake_in_a_layer_is_named(fail: Fail, line: str, message: str) -> None:
    found = fail(f"base: b\nbackbone:\n  - {line}\n")

    assert len(found) == 1
    assert message in found[0]
    assert found[0].startswith("f.yaml:3:")


FILE_MISTAKES = [
    ("base: [b]", "a variant's name is a word, not a list"),
    ("base: null", "a variant's name is a word, not empty"),
    ("title: x", "without `base`, a variant needs `backbone`, `neck`, `head`"),
    ("base: b\nwidth: 0", "`width` is above 0, not 0"),
    ("base: b\nwidth: -1", "`width` is from 0 to 64, not -1"),
    ("base: b\ndepth: 1000000", "`depth` is from 0 to 64"),
    ("base: b\nbackbone: []", "`backbone` has no layers"),
    ("base: b\nbackbone: {name: x}", "unknown key 'name'; there are: of"),
    ("base: b\nfreeze: [stem]", "`freeze` cannot be 'stem'; there are: backbone, head, neck"),
    ("base: b\ncontrol: brocken", "`control` cannot be 'brocken'; did you mean 'broken'?"),
    ("base: b\nexpect: {param: 3}", "unknown key 'param'; did you mean 'params'?"),
    ("base: b\nexpect: {params: 1.5}", "`params` is a whole number, not 1.5"),
    ('base: b\ntitle: "a\\e[31mb"', "`title` is one line of printable text"),
    ("base: b\nschedules: [{block: conv.Conv, set: t}]", "a schedule needs `from`, `to`, `over`"),
    (
        "base: b\nschedules: [{block: cnv.C, set: t, from: 1, to: 2, over: 1}]",
        "no block file 'cnv'",
    ),
    (
        "base: b\nschedules: [{block: conv.Conv, set: t, from: 1, to: 2, over: 2}]",
        "`over`, a share of the run, is from 0 to 1",
    ),
    ("base: b\nedits: [{}]", "an edit needs exactly one of: replace, insert, remove, set"),
    ("base: b\nedits: [{remove: {}, set: {}}]", "an edit needs exactly one of"),
    (
        "base: b\nedits: [{remove: {part: body}}]",
        "`part` cannot be 'body'; there are: backbone, head, neck",
    ),
    ("base: b\nedits: [{remove: {kernle: 3}}]", "unknown key 'kernle'; did you mean 'kernel'?"),
    ("base: b\nedits: [{remove: {}, with: {}}]", "unknown key 'with'"),
    ("base: b\nedits: [{replace: {}}]", "`replace` needs `with`"),
    (
        "base: b\nedits: [{replace: {}, with: {block: dynamic.Dynamic, out: 3}}]",
        "is an operator and has no `out` here",
    ),
    (
        "base: b\nedits: [{set: {}, to: {block: conv.Conv}}]",
        "`to` changes a layer's options, not its block; use `replace`",
    ),
    ("base: b\nedits: [{insert: {block: conv.Conv}}]", "`insert` needs either `before` or `after`"),
    (
        "base: b\nedits: [{insert: {block: conv.Conv}, before: {}, after: {}}]",
        "`insert` needs either",
    ),
    ("base: b\nedits: [{replace: {count: 0}, with: {block: conv.Conv}}]", "`count` is from 1"),
]


@pytest.mark.parametrize(("text", "message"), FILE_MISTAKES)
def test_a_mistake_in_a_file_is_named(fail: Fail, text: str, message: str) -> None:
    found = fail(text)

    assert len(found) == 1
    assert message in found[0]


def test_a_value_that_yaml_refused_is_reported_once(fail: Fail) -> None:
    assert len(fail("base: b\nbackbone:\n  - {block: conv.Conv, out: 010, kernel: 0x3}\n")) == 2


def test_a_mistake_shows_its_line(read: Read) -> None:
    with pytest.raises(SpecError) as caught:
        read("base: b\nwidht: 0.5\n")

    assert caught.value.problems[0].source_line == "widht: 0.5"


WORDS = [
    "block",
    "out",
    "repeat",
    "conv.Conv",
    "stage.Stage",
    "dynamic.Dynamic",
    "grid.Grid",
    "kernel",
    "tag",
    "tags",
    "inputs",
    "last",
    "replace",
    "insert",
    "remove",
    "set",
    "with",
    "to",
    "before",
    "after",
    "of",
    "part",
    "count",
    "strides",
    "params",
    "0",
    "3",
    "-1",
    "1e9",
    "no",
    "010",
    "*a",
    "&a",
    "!x",
    "null",
    "true",
    "''",
    "\x00",
]
words = st.sampled_from([*FILE_KEYS, *WORDS])
nodes = st.recursive(
    words,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(words, inner), max_size=5).map(
            lambda es: "{" + ", ".join(f"{k}: {v}" for k, v in es) + "}"
        )
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(st.tuples(words, nodes), max_size=8).map(
        lambda es: "\n".join(f"{k}: {v}" for k, v in es)
    )
    | st.text()
)
def test_no_text_makes_the_decoder_raise_anything_but_spec_error(
    signatures: Signatures, text: str
) -> None:
    with suppress(SpecError):
        decode(text, "f.yaml", "f", signatures)


@pytest.mark.parametrize(
    ("edit", "word", "right"),
    [
        ("repalce: {tag: p3}, with: {block: conv.Conv}", "repalce", "replace"),
        ("Replace: {tag: p3}, with: {block: conv.Conv}", "Replace", "replace"),
        ("instert: {block: conv.Conv}, after: {tag: p3}", "instert", "insert"),
        ("add: {block: conv.Conv}, after: {tag: p3}", "add", "insert"),
        ("delete: {tag: p3}", "delete", "remove"),
        ("remov: {tag: p3}", "remov", "remove"),
        ("change: {tag: p3}, to: {out: 8}", "change", "set"),
        ("replace: {tag: p3}, by: {block: conv.Conv}", "by", "with"),
        ("replace: {tag: p3}, to: {block: conv.Conv}", "to", "with"),
        ("set: {tag: p3}, with: {out: 8}", "with", "to"),
        ("set: {tag: p3}, by: {out: 8}", "by", "to"),
        ("insert: {block: conv.Conv}, afer: {tag: p3}", "afer", "after"),
        ("insert: {block: conv.Conv}, at: {tag: p3}", "at", "after"),
        ("insert: {block: conv.Conv}, after: {tag: p3}, keeptag: true", "keeptag", "keep_tag"),
        ("remove: {tga: p3}", "tga", "tag"),
        ("remove: {layer: c}", "layer", ""),
    ],
)
def test_a_wrong_word_of_an_edit_gets_the_nearest_right_one(
    signatures: Signatures, edit: str, word: str, right: str
) -> None:
    with pytest.raises(SpecError) as caught:
        decode(f"base: b\nedits: [{{{edit}}}]", "f.yaml", "f", signatures)

    hint = f"did you mean '{right}'?" if right else "there are: "
    assert f"error E102: unknown key '{word}'; {hint}" in str(caught.value)


def test_an_edit_with_a_wrong_verb_is_one_problem(signatures: Signatures) -> None:
    with pytest.raises(SpecError) as caught:
        decode("base: b\nedits: [{delete: {tag: p3}}]", "f.yaml", "f", signatures)

    assert len(caught.value.problems) == 1
