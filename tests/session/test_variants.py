"""The library that a session works with, and what is told of it."""

import pytest

from suite.session.variants import final, finals, open_library, open_match
from suite.spec.records.cost import Solution
from suite.spec.records.variant import Variant
from tests.narrowing import present

MATCHED = "as_yolov5p_convnext"


@pytest.fixture
def with_blocks(tmp_path):
    """A folder with a variant whose block lies beside it."""
    (tmp_path / "blocks.py").write_text(
        '"""Nothing."""\n\nfrom torch import nn\n\n\n'
        "class Same(nn.Module):\n"
        '    """Gives what it is given."""\n\n'
        "    def __init__(self, in_channels, out_channels):\n"
        "        super().__init__()\n\n"
        "    def forward(self, x):\n        return x\n"
    )
    (tmp_path / "mine.yaml").write_text(
        "title: mine\nbase: yolov5p\nblocks: [./blocks.py]\n"
        "edits:\n  - {insert: {block: blocks.Same}, after: {block: sppf.SPPF}}\n"
    )
    return tmp_path


def test_a_variant_without_a_match_is_final_as_it_is_and_nothing_is_told():
    library = open_library()
    told: list[str] = []
    variant = library.load("yolov5p")

    assert final(variant, library, tell=told.append) is variant
    assert told == []


def test_what_came_of_a_match_is_told(tmp_path):
    library = open_library()
    told: list[str] = []

    (matched,) = finals([library.load(MATCHED)], library, tmp_path, told.append)

    assert isinstance(matched, Variant)
    solution = present(matched.match).solution
    assert isinstance(solution, Solution)
    (line,) = told
    assert line.startswith(f"{MATCHED}: width {solution.width:g} costs ")


def test_a_width_that_is_not_known_yet_is_described():
    variant = open_library().load(MATCHED)

    assert open_match(variant.match) == (
        "matched at build to the multiply-adds of yolov5p_convnext, by width, to 2 %"
    )
    assert open_match(None) == ""


def test_a_folders_variants_join_the_shipped_ones(with_blocks):
    names = open_library([with_blocks]).names()

    assert {"mine", "yolov5p"} <= {*names}


def test_specs_that_are_only_read_need_no_leave_for_their_code(with_blocks):
    told: list[str] = []

    assert open_library([with_blocks], tell=told.append).load("mine").name == "mine"
    assert told == []
