"""`calibrate` as a user calls it, with repetitions that are known."""

import json

import pytest

from suite.cli.main import main
from suite.metrics.speed import aa_test
from suite.metrics.speed.aa_test import Repetition
from suite.metrics.speed.rounds import Round, Rounds, Visit


class FakeRepetitions:
    """Rounds in which the copy is a thousandth slower than the base and the planted ones as much as they should be."""

    def __init__(self):
        self.asked = []

    def __call__(self, variant, settings, planted):
        self.asked.append(settings.seed)
        times = {
            "base": 10.0,
            "copy": 10.01,
            **{f"planted {share:g}": 10.0 * (1 + share) for share in planted},
        }
        visits = {role: Visit((ms,), (ms,), 0) for role, ms in times.items()}
        rounds = tuple(Round(visits, {}, "") for _ in range(40))
        counted = dict.fromkeys(times, 1)
        return Repetition(Rounds(rounds, counted, {}, "cap", 1.0, 1.0, 12), sequential=1.05)


@pytest.fixture
def repetitions(monkeypatch):
    fake = FakeRepetitions()
    monkeypatch.setattr(aa_test, "repeat", fake)
    return fake


def rows(text):
    heading, *lines = (line.split("\t") for line in text.splitlines())
    return [dict(zip(heading, line, strict=True)) for line in lines]


def test_errors_are_shown_beside_those_of_timing_one_after_the_other(repetitions, tmp_path, capsys):
    main(
        [
            "calibrate",
            "yolov5p",
            "--repetitions",
            "3",
            "--conditions",
            "quiet",
            "--out",
            str(tmp_path / "c.jsonl"),
        ]
    )

    wall, cpu = rows(capsys.readouterr().out)
    assert (wall["CLOCK"], cpu["CLOCK"]) == ("wall", "cpu")
    assert (wall["HOLDS 1"], wall["MEAN ERROR"], wall["ONE AFTER THE OTHER"]) == (
        "3 of 3",
        "0.10 %",
        "5.00 %",
    )
    assert wall["FACTOR"] == "50.0"
    assert wall["FOUND"] == "5 %: 3 of 3 (5.0 %), 3 %: 3 of 3 (3.0 %)"


def test_what_was_interrupted_goes_on(repetitions, tmp_path, capsys):
    out = tmp_path / "c.jsonl"
    command = ["calibrate", "yolov5p", "--conditions", "quiet", "--out", str(out), "--repetitions"]
    main([*command, "3"])
    lines = out.read_text().splitlines(keepends=True)
    out.write_text("".join(lines[:2]) + lines[2][:30])  # cut off in the middle of the third
    repetitions.asked.clear()

    main([*command, "4"])

    assert repetitions.asked == [2, 3]
    assert [json.loads(line)["number"] for line in out.read_text().splitlines()] == [0, 1, 2, 3]


def test_repetitions_of_other_settings_do_not_count(repetitions, tmp_path, capsys):
    command = [
        "calibrate",
        "yolov5p",
        "--conditions",
        "quiet",
        "--repetitions",
        "2",
        "--out",
        str(tmp_path / "c.jsonl"),
    ]
    main([*command, "--seconds", "5"])
    main([*command, "--seconds", "6"])

    assert repetitions.asked == [0, 1, 0, 1]


def test_conditions_take_turns_and_the_loaded_one_has_burners(
    repetitions, tmp_path, monkeypatch, capsys
):
    entered = []

    class Load:
        def __enter__(self):
            entered.append(len(repetitions.asked))

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(aa_test, "burners", Load)

    main(["calibrate", "yolov5p", "--repetitions", "2", "--out", str(tmp_path / "c.jsonl")])

    assert repetitions.asked == [0, 0, 1, 1]
    assert entered == [1, 3]


def test_the_document_has_every_figure(repetitions, tmp_path, capsys):
    out = str(tmp_path / "c.jsonl")
    main(
        [
            "calibrate",
            "yolov5p",
            "--repetitions",
            "2",
            "--conditions",
            "quiet",
            "--planted",
            "10",
            "--out",
            out,
            "--json",
        ]
    )

    (wall, _) = json.loads(capsys.readouterr().out)["data"]["rows"]
    assert (wall["held"], wall["repetitions"]) == (2, 2)
    assert wall["mean_error"] == pytest.approx(0.001)
    assert wall["found"]["0.1"] == {"times": 2, "mean": pytest.approx(0.1)}
    assert wall["simulated"]["series"] == 2000


@pytest.mark.parametrize(
    "options", [["--planted", "few"], ["--planted", "-3"], ["--conditions", "windy"]]
)
def test_what_cannot_be_tried_is_a_usage_error(options):
    assert main(["calibrate", "yolov5p", *options]) == 2
