import json

import pytest

from suite.cli.main import main
from suite.datasets.shapes import ensure


@pytest.fixture
def arguments(tmp_path):
    data = ensure(tmp_path / "data", train=4, val=2, size=64)
    return ["train", "yolov5p", "--data", str(data), "--steps", "2", "--batch", "2", "--imgsz", "64"]


def test_train_writes_a_checkpoint_with_its_facts(arguments, tmp_path, capsys):
    checkpoint = tmp_path / "mine.safetensors"
    code = main([*arguments, "--out", str(checkpoint), "--json"])

    document = json.loads(capsys.readouterr().out)
    facts = json.loads((tmp_path / "mine.safetensors.json").read_text())
    assert code == 0
    assert document["data"]["checkpoint"] == str(checkpoint)
    assert {"ap", "ap50"} <= document["data"]["accuracy"].keys()
    assert (facts["variant"], facts["steps"], facts["image_size"]) == ("yolov5p", 2, 64)
    assert checkpoint.exists()


def test_train_says_how_far_it_is(arguments, tmp_path, capsys):
    main([*arguments, "--out", str(tmp_path / "mine.safetensors")])

    out, err = capsys.readouterr()
    assert "[2/2]" in err
    assert out.startswith("AP ")


def test_train_without_usable_data_gives_exit_code_4(tmp_path, capsys):
    assert main(["train", "yolov5p", "--data", str(tmp_path)]) == 4
