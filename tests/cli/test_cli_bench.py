"""`bench` as a user calls it, with times that are known."""

import json

import pytest

from suite import machine
from suite.cli import bench
from suite.cli.main import main
from suite.metrics.latency import LatencyError
from suite.record import Measurement
from suite.runtimes import RuntimeUnfitError


class Stopwatch:
    """Says that every variant takes 1.2 times as long as its base; writes down what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, variant, base, settings):
        self.asked.append((variant.name, base.name, settings))
        if variant.name == "yolov5p_repvit":
            raise LatencyError("yolov5p_repvit: 1 of 2 outputs are not finite in fp16; time it in fp32")
        times = {"": 12.0, "base_": 10.0, "copy_": 10.0}
        return tuple(
            Measurement(f"latency_{role}{clock}_ms", 1, "ms", "deployed", (time,) * 20, {}, {"stopped_by": "precision"})
            for role, time in times.items()
            for clock in ("wall", "cpu")
        )


@pytest.fixture
def stopwatch(monkeypatch) -> Stopwatch:
    watch = Stopwatch()
    monkeypatch.setattr(bench, "measure_latency", watch)
    monkeypatch.setattr(machine, "unrest", lambda: ())
    return watch


def test_bench_prints_the_ratio_to_the_baseline_with_its_interval(stopwatch, capsys):
    assert main(["bench", "yolov5p_convnext"]) == 0

    heading, row = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    found = dict(zip(heading, row, strict=True))
    assert (found["NAME"], found["BASELINE"], found["MS"], found["BASE MS"]) == (
        "yolov5p_convnext",
        "yolov5p",
        "12.0",
        "10.0",
    )
    assert (found["RATIO"], found["95 %"]) == ("1.2", "1.194 to 1.206")  # one process is never surer than 0.5 %
    assert (found["ROUNDS"], found["ENDED BY"]) == ("20", "precision")


def test_every_replica_has_its_own_seed(stopwatch, capsys):
    main(["bench", "yolov5p_convnext", "--replicas", "3", "--json"])

    assert [settings.seed for _, _, settings in stopwatch.asked] == [0, 1, 2]
    (found,) = json.loads(capsys.readouterr().out)["data"]
    assert found["ratio"]["wall"]["replicas"] == 3
    assert found["replicas"][0][0]["samples"] == [12.0] * 20


def test_the_settings_are_the_users(stopwatch):
    main(["bench", "yolov5p_convnext", "--imgsz", "128", "--threads", "2", "--seconds", "5", "--half-width", "0.02"])

    ((_, _, settings),) = stopwatch.asked
    assert (settings.image_size, settings.threads, settings.cap_seconds, settings.half_width) == (128, 2, 5.0, 0.02)


def test_a_variant_may_be_timed_against_any_other(stopwatch):
    main(["bench", "yolov5s", "--against", "yolov5n"])

    assert stopwatch.asked[0][:2] == ("yolov5s", "yolov5n")


def test_a_baseline_is_timed_against_itself(stopwatch):
    main(["bench", "yolov5p"])

    assert stopwatch.asked[0][:2] == ("yolov5p", "yolov5p")


def test_a_variant_that_cannot_be_timed_leaves_the_others_timed(stopwatch, capsys):
    assert main(["bench", "yolov5p_repvit", "yolov5p_convnext", "--json"]) == 1

    document = json.loads(capsys.readouterr().out)
    assert [found["name"] for found in document["data"]] == ["yolov5p_convnext"]
    assert document["errors"][0]["variant"] == "yolov5p_repvit"


def test_a_restless_machine_is_named_on_stderr(stopwatch, monkeypatch, capsys):
    monkeypatch.setattr(machine, "unrest", lambda: ("the cores are 55% busy; allowed 10%",))

    assert main(["bench", "yolov5p_convnext"]) == 0

    assert "warning: the cores are 55% busy" in capsys.readouterr().err


def test_a_restless_machine_is_refused_when_strict(stopwatch, monkeypatch):
    monkeypatch.setattr(machine, "unrest", lambda: ("the cores are 55% busy; allowed 10%",))

    assert main(["bench", "yolov5p_convnext", "--strict"]) == 5
    assert stopwatch.asked == []


def test_a_device_that_is_not_here_exits_5(monkeypatch, capsys):
    def unfit(*_):
        raise RuntimeUnfitError("eager: no device 'cuda' here; there is: cpu")

    monkeypatch.setattr(bench, "measure_latency", unfit)
    monkeypatch.setattr(machine, "unrest", lambda: ())

    assert main(["bench", "yolov5p_convnext", "--device", "cuda"]) == 5
    assert "no device 'cuda' here" in capsys.readouterr().err


def test_a_glob_that_fits_nothing_exits_4(stopwatch):
    assert main(["bench", "nothing_like_this*"]) == 4
