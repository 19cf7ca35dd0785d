"""Words of the command line as selectors, blocks and options, and the text that is made of them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.spec.views.draft import (
    Draft,
    DraftEdit,
    read_block,
    read_options,
    read_selector,
    without_keys,
)
from suite.yaml.errors import SpecError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c3.C3", {"block": "c3.C3"}),
        ("c3.*", {"block": "c3.*"}),
        ("backbone", {"part": "backbone"}),
        ("c3.C3,neck,stage=16", {"block": "c3.C3", "part": "neck", "stage": 16}),
        (" kernel = 3 , part = neck ", {"kernel": 3, "part": "neck"}),
        ("tag=p3,tag=p4", {"tag": ["p3", "p4"]}),
        ("stage=[8, 16],stage=32", {"stage": [8, 16, 32]}),
        ("backbone,neck", {"part": ["backbone", "neck"]}),
        ("path=*.3", {"path": "*.3"}),
    ],
)
def test_a_selector_is_conditions_with_commas_between_them(text: str, expected: dict) -> None:
    assert read_selector(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cbam.CBAM", {"block": "cbam.CBAM"}),
        (
            "odconv.ODConv,kernels=4,reduction=0.25",
            {"block": "odconv.ODConv", "kernels": 4, "reduction": 0.25},
        ),
        ("spp.SPP,kernels=[3, 5]", {"block": "spp.SPP", "kernels": [3, 5]}),
        ("timm.Backbone,name=resnet18", {"block": "timm.Backbone", "name": "resnet18"}),
        (
            "x.X,flag=true,word=no,nothing=null",
            {"block": "x.X", "flag": True, "word": "no", "nothing": None},
        ),
    ],
)
def test_a_block_is_an_address_and_options_as_yaml_reads_them(text: str, expected: dict) -> None:
    assert read_block(text) == expected


@pytest.mark.parametrize("text", ["", ",", "=3", "kernel=", "c3", "colour=3", "kernel=[3"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_selector(text)


@given(st.text() | st.text(alphabet="=,[]{}.c3C:*&! \n"))
def test_whatever_is_typed_only_value_errors_are_raised(text: str) -> None:
    for read in (read_selector, read_block, read_options):
        with suppress(ValueError):
            read(text)


def test_a_draft_is_written_in_the_order_of_the_language() -> None:
    edits = (
        DraftEdit(
            "insert", {"block": "c3.C3", "part": "backbone"}, {"block": "cbam.CBAM"}, "after"
        ),
        DraftEdit("remove", {"tag": ["p3", "p4"]}),
        DraftEdit("set", {"block": "sppf.SPPF"}, {"kernel": 7}),
    )

    assert Draft("yolov5s", "Mine: a title", "none", ("./a.py",), ("{of: yolov5m}",), edits).text(
        [4, None, 1]
    ) == (
        'title: "Mine: a title"\n'
        "paper: none\n"
        "base: yolov5s\n"
        'blocks: ["./a.py"]\n'
        "backbone: {of: yolov5m}\n"
        "edits:\n"
        "  - insert: {block: cbam.CBAM}\n"
        "    after: {part: backbone, block: c3.C3, count: 4}\n"
        "  - remove: {tag: [p3, p4]}\n"
        "  - set: {block: sppf.SPPF, count: 1}\n"
        "    to: {kernel: 7}\n"
    )


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (DraftEdit("insert", {"tag": "p3"}, {"block": "a.A"}, "before"), "with a.A before tag p3"),
        (
            DraftEdit("replace", {"block": "c.C", "stage": 16}, {"block": "a.A", "k": 2}),
            "with a.A (k 2) in place of c.C stage 16",
        ),
        (DraftEdit("remove", {"block": "c.C", "part": "neck"}), "without c.C of the neck"),
        (DraftEdit("set", {"block": ["c.C", "d.D"]}, {"repeat": 2}), "with repeat 2 at c.C or d.D"),
    ],
)
def test_an_edit_says_in_words_what_it_does(edit: DraftEdit, words: str) -> None:
    assert edit.phrase() == words


COPIED = """\
# yaml-language-server: $schema=../x.json
# what it is for
title: One
paper: Two
base: yolov5s
# about the edits
edits:
  - remove: {block: sppf.SPPF}

# kept
expect: {params: 3,
  gmacs: 1}
"""


def test_a_copy_is_without_some_keys_and_keeps_its_comments() -> None:
    assert without_keys(COPIED, "one.yaml", ["title", "expect", "absent"]) == [
        "# what it is for",
        "paper: Two",
        "base: yolov5s",
        "# about the edits",
        "edits:",
        "  - remove: {block: sppf.SPPF}",
        "",
        "# kept",
    ]


def test_a_file_that_is_one_mapping_in_braces_cannot_be_copied() -> None:
    with pytest.raises(SpecError, match="with a key a line"):
        without_keys("{base: yolov5s}\n", "one.yaml", ["title"])
