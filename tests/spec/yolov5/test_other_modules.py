"""Rows of modules that people add to YOLOv5: taken over as blocks of the suite, or named with the way to get them."""

import pytest

from suite.spec.blocks.signatures import default_signatures
from suite.spec.records.variant import Layer
from suite.spec.yolov5.importer import Imported, import_model
from suite.spec.yolov5.tables import ALIASES, BLOCKS, KEEPERS, MODULES
from suite.yaml.errors import SpecError

WIDE = "[-1, 1, Conv, [512]]\n  - "


def text_of(row: str, *, head: str = "Detect", more: str = "") -> str:
    return (
        f"anchors: [[10, 13, 16, 30]]\nwidth_multiple: 0.5\n{more}"
        f"backbone:\n  - {WIDE}{row}\nhead:\n  - [[-1], 1, {head}, [nc, anchors]]\n"
    )


def imported(row: str, *, head: str = "Detect", more: str = "") -> Imported:
    return import_model(
        text_of(row, head=head, more=more), "model.yaml", "model", default_signatures()
    )


def line_of(row: str) -> Layer:
    """The row as a line; 256 channels come in, and every stated one is halved."""
    return imported(row).variant.layers[1]


def complaint(row: str) -> str:
    with pytest.raises(SpecError) as caught:
        imported(row)
    return str(caught.value)


@pytest.mark.parametrize("module", [name for name in KEEPERS if name not in {"CARAFE", "DySample"}])
@pytest.mark.parametrize("arguments", ["[]", "[512]", "[256]", "[512, 512]"])
def test_a_block_that_keeps_its_channels_may_name_them(module: str, arguments: str) -> None:
    line = line_of(f"[-1, 1, {module}, {arguments}]")

    assert (line.block, line.out, line.options) == (KEEPERS[module].block, None, {})


@pytest.mark.parametrize(
    ("row", "block", "options"),
    [
        ("[-1, 1, CARAFE, []]", "carafe.CARAFE", {}),
        ("[-1, 1, CARAFE, [4]]", "carafe.CARAFE", {"scale": 4}),
        (
            "[-1, 1, CARAFE, [512, 1, 7, 32, 2]]",
            "carafe.CARAFE",
            {"encoder": 1, "kernel": 7, "hidden": 32},
        ),
        ("[-1, 1, DySample, [2]]", "dysample.DySample", {}),
        ("[-1, 1, C3STR, [512, False]]", "c3str.C3STR", {"window": 8}),
        ("[-1, 1, BoT3, [512]]", "bot3.BoT3", {"squeeze": 1.0}),
        ("[-1, 1, BoT3, [512, 0.25, 0.5]]", "bot3.BoT3", {"squeeze": 0.5, "expansion": 0.25}),
        ("[-1, 1, CNeB, [512]]", "c3convnext.C3ConvNeXt", {}),
        ("[-1, 1, C2f, [512]]", "c2f.C2f", {"shortcut": False}),
        ("[-1, 1, C2f, [512, True]]", "c2f.C2f", {}),
        ("[-1, 1, GSConv, [512, 3, 2]]", "gsconv.GSConv", {"kernel": 3}),
        ("[-1, 1, VoVGSCSP, [512, False]]", "gsconv.VoVGSCSP", {}),
        ("[-1, 1, SPPCSPC, [512]]", "sppcspc.SPPCSPC", {}),
        ("[-1, 1, SimSPPF, [512, 5]]", "simsppf.SimSPPF", {}),
        ("[-1, 1, RepConv, [512, 3, 1]]", "yolov7.Rep", {}),
        ("[-1, 1, Conv_maxpool, [512]]", "shufflenetv2.Stem", {}),
        ("[-1, 1, conv_bn_relu_maxpool, [512]]", "shufflenetv2.Stem", {}),
        ("[-1, 1, Shuffle_Block, [512, 2]]", "shufflenetv2.Unit", {}),
        ("[-1, 1, ShuffleNetV2_Model, [512, 1]]", "shufflenetv2.Unit", {}),
        ("[-1, 1, MobileOne, [512, 4, 1, False]]", "mobileone.MobileOne", {}),
        ("[-1, 1, MobileOneBlock, [512, 2, 1, False]]", "mobileone.MobileOne", {"branches": 2}),
        ("[-1, 1, MP, []]", "maxpool.MaxPool", {}),
        ("[-1, 1, SP, [5]]", "maxpool.MaxPool", {"kernel": 5, "padding": 2}),
    ],
)
def test_a_row_with_known_arguments_becomes_the_suites_block(
    row: str, block: str, options: dict[str, object]
) -> None:
    line = line_of(row)

    assert (line.block, line.options) == (block, options)
    assert line.out == (256 if "[512" in row and block != "carafe.CARAFE" else None)


@pytest.mark.parametrize(("module", "stride"), [("MP, []", 2), ("SP, []", 1), ("MP, [4]", 4)])
def test_a_named_pooling_has_its_own_stride(module: str, stride: int) -> None:
    assert line_of(f"[-1, 1, {module}]").stride == stride


@pytest.mark.parametrize(
    ("row", "factor"),
    [
        ("Conv_maxpool, [512]", 4),
        ("Shuffle_Block, [512, 2]", 2),
        ("Shuffle_Block, [512, 1]", 1),
        ("MobileOne, [512, 4, 2, False]", 2),
    ],
)
def test_a_block_of_a_mobile_network_strides_as_its_row_says(row: str, factor: int) -> None:
    signatures = default_signatures()
    line = line_of(f"[-1, 1, {row}]")

    assert (line.stride or signatures.get(line.block).stride) == factor


def test_an_upsampling_of_the_suite_halves_the_stride_of_what_follows() -> None:
    row = "[-1, 1, Conv, [512, 3, 8]]\n  - [-1, 1, CARAFE, []]\n  - [-1, 1, CBAM, []]\n  - [-2, 1, CBAM, []]"

    layers = imported(row).variant.layers

    assert "b2" in layers[2].tags  # 8 / 2 = 4 = 2 to the power of 2; the backbone's last is p2


def test_a_repeated_block_gets_its_repeats() -> None:
    assert line_of("[-1, 3, C3STR, [512]]").repeat == 3


def test_yolov7s_head_is_the_implicit_one() -> None:
    assert imported("[-1, 1, MP, []]", head="IDetect").variant.layers[-1].block == (
        "implicit.ImplicitHead"
    )


def test_what_forks_write_differently_is_told_by_rows() -> None:
    found = imported("[-1, 1, CBAM, [512]]\n  - [-1, 1, SPPCSPC, [512]]\n  - [-1, 1, CBAM, []]")

    (warning,) = found.warnings
    assert warning.startswith("rows 1, 3: CBAM is taken as cbam.CBAM, which goes by its paper;")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "[-1, 1, CARAFE, [512, 3, 2]]",
            "[512, 3, 2], is not read; import the file without the row, then `edits` that insert {block: carafe.",
        ),
        ("[-1, 1, CBAM, [1024]]", "row 1: CBAM on 256 channels, with the arguments [1024]"),
        ("[-1, 1, DySample, [128]]", "row 1: DySample on 256 channels"),
        ("[-1, 1, RepConv, [512, 3, 2]]", "RepConv with its stride 2 has no counterpart here"),
        ("[-1, 1, Shuffle_Block, [512]]", "Shuffle_Block takes 2 arguments, not 1"),
        ("[-1, 1, MobileOneBlock, [512, 3, 2]]", "MobileOneBlock takes 4 arguments, not 3"),
        (
            "[-1, 1, MobileOne, [512, 4, 1, True]]",
            "MobileOne with deploy True has no counterpart here",
        ),
        (
            "[-1, 1, Involution, [128, 3, 2]]",
            "has involution.Involution, whose arguments are not read from rows; import the file with Conv in its pl",
        ),
        ("[-1, 1, ConvNeXt, [512]]", "the suite has convnext.ConvNeXt, whose arguments"),
        ("[-1, 1, SwinTransformer, [512]]", "the suite has swin.Stage"),
        ("[-1, 1, ODConv2d, [512]]", "the suite has odconv.ODConv"),
        ("[-1, 1, GAMAttention, [512, 512]]", "the suite has gam.GAM"),
        ("[-1, 1, ECA, [3]]", "the suite has eca.ECA"),
        ("[-1, 1, ASPP, [512]]", "the suite has aspp.ASPP"),
        (
            "[-1, 1, SPPCSP, [512]]",
            "no counterpart here; it is YOLOv4's, another block than YOLOv7's",
        ),
        (
            "[-1, 1, mobilev3_bneck, [16, 16, 3, 1, 0, 0]]",
            "the suite has mobilenetv3.InvertedResidual, whose arguments are not read from rows",
        ),
        (
            "[-1, 1, MobileNetV3_InvertedResidual, [16, 16, 3, 1, 0, 0]]",
            "the suite has mobilenetv3.InvertedResidual",
        ),
        ("[-1, 1, conv_bn_hswish, [16, 2]]", "the suite has mobilenetv3.Conv"),
        ("[-1, 1, SimSPF, [512]]", "which has no counterpart here; did you mean 'SimSPPF'?"),
        ("[-1, 1, Sppf, [512]]", "which has no counterpart here; did you mean 'SPPF'?"),
        ("[-1, 1, C3HB, [512]]", "has no counterpart here; docs/language.md lists"),
        ("[-1, 1, Downsample, [512]]", "has no counterpart here; docs/language.md lists"),
        (
            "[-1, 1, nn.ConvTranspose2d, [512, 4, 2, 1]]",
            "with kernel 4, stride 2 and padding [1] has no counterpart here; only one that keeps its 256 channels",
        ),
        ("[-1, 1, nn.Conv2d, [255, 1]]", "before v3.0 the read-outs of the head were rows"),
    ],
)
def test_a_row_that_is_not_read_leads_to_the_way(row: str, said: str) -> None:
    assert said in complaint(row)


@pytest.mark.parametrize("module", ["C3STRX", "ConvNeX", "Convs", "SPPXY", "FocusX", "CBAMs"])
def test_no_hint_leads_to_a_shorter_name(module: str) -> None:
    said = complaint(f"[-1, 1, {module}, [512]]")

    assert "did you mean" not in said


def test_every_table_names_blocks_that_there_are() -> None:
    signatures = default_signatures()
    modules = [module.block for module in (*MODULES.values(), *BLOCKS.values())]
    keepers = [keeper.block for keeper in KEEPERS.values()]

    for address in (*modules, *keepers, *ALIASES.values()):
        assert signatures.get(address).address == address
    for module in BLOCKS.values():
        assert set(module.defaults) <= set(signatures.get(module.block).options)


def test_channels_written_with_a_point_are_channels() -> None:
    assert line_of("[-1, 1, Conv, [128.0, 3]]").out == 64


@pytest.mark.parametrize("arguments", ["[None, 2]", "[None, 2.0, 'nearest']"])
def test_an_upsampling_by_torchs_own_mode_is_read(arguments: str) -> None:
    line = line_of(f"[-1, 1, nn.Upsample, {arguments}]")

    assert (line.block, line.options) == ("upsample.Upsample", {"scale": 2})


def test_a_transposed_convolution_may_state_that_it_has_no_padding() -> None:
    assert line_of("[-1, 1, nn.ConvTranspose2d, [512, 4, 4, 0]]").options == {"scale": 4}


def test_a_head_from_before_v3_is_told_its_new_form() -> None:
    text = text_of("[-1, 1, Conv, [8]]").replace("[[-1], 1, Detect", "[[], 1, Detect")

    with pytest.raises(SpecError) as caught:
        import_model(text, "model.yaml", "model", default_signatures())

    assert "row 2 reads nothing; before v3.0 the read-outs of the head were rows" in str(
        caught.value
    )


def test_an_old_file_without_activation_is_told_which_it_gets() -> None:
    old = "[-1, 1, BottleneckCSP, [512]]"

    assert "up to v3.1 the activations were Hardswish" in imported(old).warnings[0]
    assert imported(old, more="activation: nn.Hardswish()\n").warnings == ()
