import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from suite.cli.main import main


def test_layers_are_listed_with_shapes_and_costs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "yolov5s", "--layers"]) == 0

    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["ADDRESS", "BLOCK", "INPUTS", "OUT", "STRIDE", "PARAMS", "MACS"]
    # 3 x 32 x 6 x 6 weights and a norm of 2 x 32; each weight once for each of 320 x 320 places
    assert lines[1] == [
        "backbone.0",
        "conv.Conv",
        "last",
        "32x320x320",
        "2",
        "3520",
        str(3 * 32 * 36 * 320 * 320),
    ]
    assert lines[13][:5] == ["neck.2", "c3.C3", "last p4", "256x40x40", "16"]
    # three levels of 1x1 convolutions to 3 x (5 + 80) channels
    macs = 255 * (128 * 80 * 80 + 256 * 40 * 40 + 512 * 20 * 20)
    assert lines[-2] == [
        "head",
        "anchor.AnchorHead",
        "n3 n4 n5",
        "",
        "8 16 32",
        "229245",
        str(macs),
    ]
    assert lines[-1][5] == "7235389"


def test_layers_as_json_are_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "yolov5n", "--layers", "--json"]) == 0

    layers = json.loads(capsys.readouterr().out)["data"]["layers"]
    assert sum(layer["params"] for layer in layers) == 1872157
    assert layers[0]["out"] == [[16, 320, 320]]


def test_a_block_with_several_outputs_lists_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("timm")

    main(["show", "yolov5s_timm_resnet50", "--layers"])

    row = capsys.readouterr().out.splitlines()[1].split("\t")
    shapes = "64x320x320 256x160x160 512x80x80 1024x40x40 2048x20x20"  # the stem and the four stages of a ResNet-50
    assert (row[1], row[3], row[4]) == ("timm.Backbone", shapes, "2 4 8 16 32")


def test_diff_to_the_base_lists_layers_and_totals(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "yolov5s_cbam", "--diff"]) == 0

    # the promises of both files: parameters and GMACs
    assert capsys.readouterr().out.splitlines() == [
        "yolov5s_cbam against yolov5s",
        *(f"+ backbone.{i} cbam.CBAM" for i in (3, 6, 9, 12)),
        "params 7,235,389 → 7,280,321 (+0.6 %)",
        "GMACs 8.217 → 8.22 (+0.0 %)",
    ]


def test_a_terminal_gets_colours_unless_it_asks_for_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("suite.cli.show.diff.fancy", lambda: True)
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    main(["show", "yolov5n", "--diff", "yolov5s_spp"])
    coloured = "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main(["show", "yolov5n", "--diff", "yolov5s_spp"])

    assert (coloured, "\x1b[" in capsys.readouterr().out) == (True, False)


def test_the_name_may_stand_after_diff(capsys: pytest.CaptureFixture[str]) -> None:
    main(["show", "--diff", "yolov5s_cbam"])

    assert capsys.readouterr().out.startswith("yolov5s_cbam against yolov5s\n")


def test_diff_lists_the_convolutions_that_an_edit_replaced(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["show", "yolov5p_odconv_down_k4", "--diff"])

    lines = capsys.readouterr().out.splitlines()
    start = lines.index("◆ odconv.ODConv in the place of 4 convolutions:")
    assert lines[start + 1 : start + 5] == [f"    backbone.{i}.conv" for i in (1, 3, 5, 7)]


def test_diff_to_another_variant_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "yolov5s_relu", "--diff", "yolov5s_spp", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)["data"]["diff"]
    assert found["against"] == "yolov5s_spp"
    assert [(c["kind"], c["old_block"], c["block"]) for c in found["layers"]] == [
        ("replaced", "spp.SPP", "sppf.SPPF")
    ]
    assert found["whole"] == [{"key": "activation", "before": None, "after": "relu"}]


def test_diff_of_a_variant_without_a_base_asks_for_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "yolov5l", "--diff"]) == 2
    assert "yolov5l has no base; name a variant: --diff OTHER" in capsys.readouterr().err


def test_show_without_a_name_says_what_it_wants(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show"]) == 2
    assert "name a variant or a file" in capsys.readouterr().err


def test_the_drawing_is_a_file_that_marks_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "graph.svg"

    assert main(["show", "yolov5s_cbam", "--svg", str(path)]) == 0

    assert capsys.readouterr().out == ""
    groups = [
        g.get("class") for g in ET.parse(path).getroot().iter("{http://www.w3.org/2000/svg}g")
    ]
    assert groups.count("box added") == 4
    assert groups.count("box") == 21


def test_a_plain_show_imports_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys; from suite.cli.main import main; main(['show', 'yolov5s']); sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode
        == 0
    )
