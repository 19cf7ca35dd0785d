import json

import pytest

from suite.cli.main import main
from suite.cli.train.progress import ProgressPrinter
from suite.datasets.builtin.shapes import ensure
from suite.train.curve import CurvePoint
from suite.train.engine import Engine
from suite.train.loop import Progress


@pytest.fixture
def arguments(tmp_path):
    data = ensure(tmp_path / "data", train=4, val=2, size=64)
    return [
        "train",
        "yolov5p",
        "--data",
        str(data),
        "--steps",
        "2",
        "--batch",
        "2",
        "--imgsz",
        "64",
    ]


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


def test_train_prints_what_it_used_and_keeps_the_curve(arguments, tmp_path, capsys):
    main([*arguments, "--out", str(tmp_path / "mine.safetensors")])

    assert "trained: 2 steps, 4 images, " in capsys.readouterr().out
    lines = (tmp_path / "mine.curve.csv").read_text().splitlines()
    assert [lines[0], lines[1].split(",")[:2]] == ["step,images,lr,box,obj,cls,ap,ap50", ["2", "4"]]


def test_an_interrupted_training_is_resumed_and_ends_like_an_uninterrupted_one(
    arguments, tmp_path, capsys, monkeypatch
):
    whole, later = tmp_path / "whole.safetensors", tmp_path / "later.safetensors"
    often = [*arguments, "--steps", "4", "--checkpoint-every", "2"]
    step = Engine.step

    def interrupted(engine, number, batch):
        if number == 3:
            raise KeyboardInterrupt
        step(engine, number, batch)

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "step", interrupted)
        codes = [main([*often, "--out", str(later)])]
    told = capsys.readouterr().err
    codes += [main([*often, "--out", str(later)]), main([*often, "--out", str(later), "--resume"])]
    codes += [main([*often, "--out", str(whole)])]

    assert codes == [130, 2, 0, 0]
    assert "the same command with --resume goes on" in told
    assert whole.read_bytes() == later.read_bytes()
    assert (
        whole.with_suffix(".curve.csv").read_text() == later.with_suffix(".curve.csv").read_text()
    )
    assert not list(tmp_path.glob("later.checkpoint*"))


def test_two_budgets_are_a_usage_error(arguments, capsys):
    assert main([*arguments, "--epochs", "2"]) == 2
    assert "a training has one budget, not --steps and --epochs" in capsys.readouterr().err


def test_a_training_starts_from_weights_that_train_wrote(arguments, tmp_path, capsys):
    first, second = str(tmp_path / "first.safetensors"), str(tmp_path / "second.safetensors")
    main([*arguments, "--out", first])
    capsys.readouterr()

    assert main([*arguments, "--out", second, "--weights", first]) == 0
    assert "from weights" in (out := capsys.readouterr().out)
    assert "100 % of parameters loaded" in out


def test_without_tensorboard_its_option_is_answered_once(arguments, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("suite.train.journal.find_spec", lambda name: None)

    assert (
        main(
            [
                *arguments,
                "--out",
                str(tmp_path / "a.safetensors"),
                "--tensorboard",
                str(tmp_path / "board"),
            ]
        )
        == 0
    )
    assert capsys.readouterr().err.count("tensorboard is not installed") == 1


class Told:
    """A clock that is read once a line."""

    def __init__(self, *times):
        self.times = iter(times)

    def __call__(self):
        return next(self.times)


def test_progress_tells_speed_and_the_time_that_is_left(capsys):
    printer = ProgressPrinter(batch=8, quiet=False, clock=Told(10.0, 11.0, 20.0))
    for step, seconds in ((10, 5.0), (20, 6.0), (30, 15.0)):
        printer.listen(Progress(step, 130, seconds, CurvePoint(step, 0.5, 0.25, 0.25, 0.01)))

    assert capsys.readouterr().err.splitlines() == [
        "[10/130] loss 1.000",
        "[30/130] loss 1.000, 16 img/s, 0:00:50 left",
    ]


def test_train_without_usable_data_gives_exit_code_4(tmp_path, capsys):
    assert main(["train", "yolov5p", "--data", str(tmp_path)]) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--cache", "tape:4G"],
            "'tape:4G' is no cache; it is 'ram:4G', 'disk:DIR', 'disk:DIR:100G' or 'none'",
        ),
        (["--workers", "many"], "it is 'auto' or a whole number from 0 to 64, not 'many'"),
    ],
)
@pytest.mark.parametrize("command", [("train", "yolov5p"), ("run", "--dry-run")])
def test_a_wrong_way_of_loading_is_a_usage_error(command, words, said, capsys):
    assert main([*command, *words]) == 2

    assert said in " ".join(capsys.readouterr().err.split())


def test_train_says_which_boxes_the_anchors_can_take(arguments, tmp_path, capsys):
    main([*arguments, "--out", str(tmp_path / "mine.safetensors")])

    assert "the anchors of yolov5p can take " in capsys.readouterr().err
