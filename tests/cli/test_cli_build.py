"""`build` as a user calls it: a file that computes what the network does, or none."""

import copy
import json

import pytest
import torch
from torch import nn

from suite.cli.build import command as build
from suite.cli.build import writing
from suite.cli.main import main
from suite.nn.deploy import deploy
from suite.nn.detector import build as build_detector
from suite.protocols.setups import Offer, offers
from suite.spec.library import Library

SMALL = ["yolov5p", "--classes", "3", "--imgsz", "64"]


def test_a_torch_file_runs_without_this_suite_and_says_what_it_is(tmp_path, capsys):
    file = tmp_path / "folder" / "mine.pt2"

    assert main(["build", *SMALL, "--to", "torch", "--output", str(file), "--json"]) == 0

    data = json.loads(capsys.readouterr().out)["data"]
    facts: dict[str, str] = {"variant": ""}
    images = torch.rand(1, 3, 64, 64)
    found = torch.export.load(file, extra_files=facts).module()(images)
    model = deploy(build_detector(Library().load("yolov5p"), 3, seed=0))
    assert torch.allclose(found, model.predict(images), rtol=1e-4, atol=1e-4)
    assert (data["file"], data["largest_error"] < 1e-4) == (str(file), True)
    assert (facts["variant"], facts["classes"], facts["image_size"]) == ("yolov5p", "3", "64")
    assert [f.name for f in file.parent.iterdir()] == ["mine.pt2"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "files"), [("onnx", {"a.onnx"}), ("openvino", {"a.xml", "a.bin"})]
)
def test_files_for_other_runtimes_are_tried_in_them(tmp_path, target, files):
    pytest.importorskip("onnxruntime" if target == "onnx" else "openvino")

    first = next(iter(sorted(files, reverse=True)))
    assert main(["build", *SMALL, "--to", target, "--output", str(tmp_path / first)]) == 0

    assert {file.name for file in tmp_path.iterdir()} == files


def test_a_file_that_computes_something_else_is_not_kept(tmp_path, monkeypatch, capsys):
    def wrong(source, path):
        path.write_text("wrong")
        return 1.01 * source.model.predict(source.images)

    monkeypatch.setattr(writing, "WRITERS", {"torch": wrong})

    assert main(["build", *SMALL, "--to", "torch", "--output", str(tmp_path / "a.pt2")]) == 1
    assert "yolov5p: the torch file differs from the network: boxes by " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_one_wrong_layer_is_not_kept(tmp_path, monkeypatch, capsys):
    """At its start values the network would hide it: its output hardly depends on the image."""

    def wrong(source, path):
        path.write_text("wrong")
        other = copy.deepcopy(source.model)
        first = next(m for m in other.backbone.modules() if isinstance(m, nn.Conv2d))
        with torch.no_grad():
            first.weight *= 1.05
        return other.predict(source.images)

    monkeypatch.setattr(writing, "WRITERS", {"torch": wrong})

    assert main(["build", *SMALL, "--to", "torch", "--output", str(tmp_path / "a.pt2")]) == 1
    assert "nothing is written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_scores_are_judged_as_they_are_and_not_by_the_largest_box(tmp_path, monkeypatch, capsys):
    def wrong(source, path):
        path.write_text("wrong")
        predictions = source.model.predict(source.images)
        return torch.cat((predictions[..., :4], predictions[..., 4:] + 1e-3), -1)

    monkeypatch.setattr(writing, "WRITERS", {"torch": wrong})

    assert main(["build", *SMALL, "--to", "torch", "--output", str(tmp_path / "a.pt2")]) == 1
    assert "and scores by 1.0e-03, where" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--imgsz", "100"], "--imgsz 100: yolov5p needs a multiple of 32"),
        (["--output", "a.onnx"], "a.onnx: a file for torch ends in .pt2"),
        (["--weights", "none.safetensors"], "no such file"),
    ],
)
def test_mistakes_are_refused_before_anything_is_written(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)

    assert main(["build", "yolov5p", "--to", "torch", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_format_whose_library_is_not_here_says_how_to_get_it(monkeypatch, capsys):
    absent = Offer(
        "onnxruntime", {"cpu": ("fp32",)}, ("native",), {"no_such_module": "pip install it"}, {}
    )
    monkeypatch.setattr(build, "offers", lambda: {**offers(), "onnxruntime": absent})

    assert main(["build", "yolov5p", "--to", "onnx"]) == 5
    assert "--to onnx: no_such_module is not here: pip install it" in capsys.readouterr().err
