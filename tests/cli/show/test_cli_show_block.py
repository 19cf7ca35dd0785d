import json
from pathlib import Path

import pytest

from suite.cli.main import main
from suite.spec.blocks.signatures import default_signatures

OWN = '''\
"""Own: mine."""


class Own(Module):
    """Does nothing."""

    def __init__(self, in_channels: tuple[int, ...], out_channels: int, *, rate: float = 0.5):
        pass

    def forward(self, maps):
        """Maps to a map."""
'''


def test_show_of_a_block_tells_options_types_shapes_and_source(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["show", "sppf.SPPF"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "sppf.SPPF: a block, for lines of backbone and neck"
    assert "shapes: (B, in, H, W) to (B, out, H, W)." in lines
    assert "OPTION\tTYPE\tDEFAULT" in lines
    assert "out\ta whole number\tneeded" in lines
    assert "kernel\ta whole number\t5" in lines
    assert any(line.startswith("source: ") and "sppf.py:" in line for line in lines)
    assert lines[-1] == "- {block: sppf.SPPF, out: 64}"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("odconv.ODConv", "an operator, which takes the place of convolutions inside blocks"),
        ("anchor.AnchorHead", "a head, for the one line of `head`"),
        ("bifpn.Fuse", "inputs: several maps, handed over as a list in the order of `inputs`"),
        ("conv.Conv", "stride\ta whole number\t1"),
        ("c3.C3", "repeat\ta whole number; handed to the block\t1"),
        ("cbam.CBAM", "repeat\ta whole number; so many copies are stacked\t1"),
    ],
)
def test_each_kind_of_block_is_told_from_the_others(
    name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", name]) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("name", ["CBAM", "cbam", "cbam.CBAM"])
def test_a_block_may_be_called_by_its_class_or_its_file(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", name]) == 0
    assert capsys.readouterr().out.startswith("cbam.CBAM: ")


def test_a_file_of_several_blocks_shows_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "convnext", "--json"]) == 0

    blocks = json.loads(capsys.readouterr().out)["data"]["blocks"]
    assert [block["address"] for block in blocks] == ["convnext.ConvNeXt", "convnext.Downsample"]
    assert blocks[1]["takes"] == {"out": True, "repeat": False, "stride": True}


def test_a_class_that_several_files_have_is_asked_for_by_its_address(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["show", "Downsample"]) == 2
    assert (
        "several blocks are called Downsample: convnext.Downsample, repvit"
        in capsys.readouterr().err
    )


def test_a_block_file_of_ones_own_is_shown_without_being_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.py"
    path.write_text(OWN + "\nraise SystemExit\n")

    assert main(["show", str(path)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "own.Own: a block, for lines of backbone and neck"
    assert f"source: {path}:4" in lines
    assert "rate\ta number\t0.5" in lines


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sppf.SPPD", "sppf.py has no block 'SPPD'; did you mean 'SPPF'?"),
        ("no_such", "no variant 'no_such'"),
        ("no_such.py", "cannot be read"),
    ],
)
def test_what_is_no_block_is_an_error(
    name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", name]) == 2
    assert said in capsys.readouterr().err


def test_a_variant_goes_before_a_block_of_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cbam.yaml").write_text("base: yolov5n\nfreeze: [backbone]\n")

    assert main(["show", "cbam", "--variants", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("# cbam: based on yolov5n")


def test_list_blocks_has_a_line_for_every_block(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--blocks"]) == 0

    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading == "BLOCK\tKIND\tWHAT IT IS"
    assert [line.split("\t")[0] for line in lines] == list(default_signatures().addresses())


def test_list_blocks_takes_patterns_of_addresses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--blocks", "convnext.*", "odconv.ODConv", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)["data"]
    assert [(block["address"], block["kind"]) for block in found] == [
        ("convnext.ConvNeXt", "block"),
        ("convnext.Downsample", "block"),
        ("odconv.ODConv", "operator"),
    ]


def test_list_blocks_of_a_pattern_that_fits_nothing_is_exit_code_4(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["list", "--blocks", "zz*"]) == 4
    assert "no block fits 'zz*'" in capsys.readouterr().err
