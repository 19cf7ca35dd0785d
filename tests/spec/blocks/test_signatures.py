import pytest

from suite.spec.blocks.signatures import REQUIRED, Default, Signatures, default_signatures
from suite.yaml.errors import SpecError


def test_options_are_what_the_builder_does_not_give(signatures: Signatures) -> None:
    found = signatures.get("conv.Conv")

    assert found.options == {"kernel": 1, "padding": None, "groups": 1}
    assert found.types["padding"] == "int | None"
    assert (found.kind, found.takes_out, found.takes_stride, found.takes_repeat) == (
        "block",
        True,
        True,
        False,
    )


def test_a_constructor_is_inherited_within_the_file(signatures: Signatures) -> None:
    found = signatures.get("stage.Stage")

    assert found.takes_repeat
    assert found.options["widths"] == [1, 2]


def test_a_default_that_only_running_could_tell_is_marked(signatures: Signatures) -> None:
    assert signatures.get("stage.Stage").options["limit"] is Default.COMPUTED


def test_an_option_without_default_is_required(signatures: Signatures) -> None:
    assert signatures.get("stage.Merge").options == {"power": REQUIRED}


def test_a_block_of_several_maps_says_so_in_its_annotation(signatures: Signatures) -> None:
    assert signatures.get("stage.Merge").multi_input
    assert not signatures.get("conv.Conv").multi_input


def test_an_operator_is_known_by_its_seven_parameters(signatures: Signatures) -> None:
    found = signatures.get("dynamic.Dynamic")

    assert found.kind == "operator"
    assert found.options == {"kernels": 4}


def test_a_head_is_known_by_its_folder(signatures: Signatures) -> None:
    found = signatures.get("grid.Grid")

    assert found.kind == "head"
    assert found.options == {"anchors": REQUIRED}


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("cnv.Conv", "no block file 'cnv'; did you mean 'conv'?"),
        ("conv.Cnv", "conv.py has no block 'Cnv'; did you mean 'Conv'?"),
        ("conv._Hidden", "conv.py has no block '_Hidden'"),
        ("conv.Tool", "conv.Tool is no block"),
        ("conv", "'conv' is no block; write file.Class, such as conv.Conv"),
        ("../conv.Conv", "no block"),
        ("conv.Conv()", "no block"),
        ("", "no block"),
    ],
)
def test_an_address_that_leads_nowhere_is_an_error(
    signatures: Signatures, address: str, message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        signatures.get(address)

    assert message in str(caught.value)


def test_addresses_lists_blocks_operators_and_heads(signatures: Signatures) -> None:
    expected = (
        "conv.Conv conv.Slim dynamic.Dynamic grid.Free grid.Grid "
        "stage.Backbone stage.Enlarge stage.Merge stage.Stage"
    )

    assert " ".join(signatures.addresses()) == expected


def test_the_parts_of_yolov5_are_among_the_blocks_of_the_suite() -> None:
    parts = {"conv.Conv", "c3.C3", "sppf.SPPF", "upsample.Upsample", "anchor.AnchorHead"}

    assert parts <= set(default_signatures().addresses())
