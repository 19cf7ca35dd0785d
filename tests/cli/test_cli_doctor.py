"""`doctor` as a user calls it, and what it says of machines that lack things."""

import importlib
import json
import shutil

import pytest

from suite import machine
from suite.cli import doctor
from suite.cli.doctor import Finding, examine
from suite.cli.main import main
from suite.protocols.setups import Offer


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(machine, "unrest", lambda: ())


def found(what: str) -> Finding:
    return next(finding for finding in examine() if finding.what == what)


def test_a_machine_that_runs_the_tests_lacks_nothing_essential(capsys):
    assert main(["doctor"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "WHAT\tSTATUS\tFOUND\tMEND"
    assert all("\tmissing\t" not in line for line in lines)


def test_doctor_as_json_describes_the_machine_too(capsys):
    main(["doctor", "--json"])

    data = json.loads(capsys.readouterr().out)["data"]
    assert data["machine"]["class"] == machine.describe()["class"]
    assert {
        "python",
        "torch",
        "GPU",
        "runtime eager",
        "runtime onnxruntime",
        "runtime openvino",
        "runtime tensorrt",
        "pynvml",
        "data",
        "disk",
        "threads",
        "Chromium",
    } <= {finding["what"] for finding in data["findings"]}


def test_everything_that_is_absent_says_how_to_mend_it():
    assert all(finding.mend for finding in examine() if finding.status != "ok")


def test_something_essential_that_is_missing_exits_5(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_has", lambda module: module != "thop")

    assert main(["doctor"]) == 5
    assert "packages\tmissing\twithout thop\tpip install -e ." in capsys.readouterr().out


def installed(monkeypatch, tmp_path, **versions: str) -> Finding:
    """What is said of these versions, where numpy 2.4.6, thop 0.1.1.post2 and types-PyYAML 6.0 were tested together."""
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("# a comment\nnumpy==2.4.6\nthop==0.1.1.post2\ntypes-PyYAML==6.0\n")
    monkeypatch.setattr(doctor, "installed_version", {"types-PyYAML": "6.0", **versions}.get)
    (finding,) = doctor._versions(constraints)
    return finding


def test_versions_that_were_tested_together_are_counted(monkeypatch, tmp_path):
    assert installed(monkeypatch, tmp_path, numpy="2.4.6") == Finding(
        "versions", "ok", "2 as tested together"
    )


def test_versions_never_tested_together_are_named_and_no_failure(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    assert installed(monkeypatch, tmp_path, numpy="2.5.0", thop="0.2") == Finding(
        "versions",
        "absent",
        "never tested together: numpy 2.5.0 (tested: 2.4.6), thop 0.2 (tested: 0.1.1.post2)",
        "pip install -c constraints.txt numpy thop",
    )


def test_a_version_that_is_written_otherwise_is_the_same(monkeypatch, tmp_path):
    assert installed(monkeypatch, tmp_path, thop="0.1.1-2").status == "ok"


def test_a_package_that_nobody_tested_is_not_judged(monkeypatch, tmp_path):
    assert installed(monkeypatch, tmp_path, torch="99.0").found == "1 as tested together"


def test_the_shipped_versions_are_compared_with_those_installed():
    assert found("versions").status in {"ok", "absent"}
    assert "tested together" in found("versions").found


def test_a_runtime_that_is_absent_is_no_failure_and_says_how_to_get_it():
    absent = Offer(
        "mine", {"cpu": ("fp32", "bf16")}, ("default",), {"no_such_module": "pip install it"}, {}
    )

    assert doctor._runtime(absent, gpu=False) == Finding(
        "runtime mine", "absent", "cpu (fp32, bf16)", "no_such_module is not here: pip install it"
    )


def test_a_runtime_for_gpus_is_absent_where_there_is_none():
    graphs = Offer("mine", {"cuda": ("fp16",)}, ("default",), {}, {})

    assert [doctor._runtime(graphs, gpu=gpu).status for gpu in (False, True)] == ["absent", "ok"]


def test_an_optional_package_that_is_absent_is_no_failure(monkeypatch):
    monkeypatch.setattr(doctor, "_has", lambda module: module != "timm")

    assert found("timm") == Finding("timm", "absent", "not installed", "pip install timm")


def test_a_broken_torch_is_missing(monkeypatch):
    def fail(name):
        raise ImportError("libcudart.so.13: cannot open shared object file\nmore")

    monkeypatch.setattr(importlib, "import_module", fail)

    (finding,) = doctor._torch()
    assert (finding.status, finding.found) == (
        "missing",
        "libcudart.so.13: cannot open shared object file",
    )


def test_a_full_disk_is_missing_room(monkeypatch, tmp_path):
    class Usage:
        free = 2**30

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage)

    room, folder = doctor._disk(tmp_path)
    assert (room.status, room.found, room.mend) == (
        "missing",
        "1.0 GiB free",
        "free 2 GiB or run elsewhere",
    )
    assert folder.status == "ok"


def test_data_sets_are_named(tmp_path):
    (tmp_path / "shapes").mkdir()

    assert doctor._data(tmp_path) == [Finding("data", "ok", "shapes")]


def test_a_card_that_torch_cannot_use_is_named(monkeypatch):
    card = {"name": "NVIDIA L4", "memory_gib": 22.5, "driver": "570.86"}
    monkeypatch.setattr(machine, "gpus", lambda: (card,))
    monkeypatch.setattr(doctor, "_has", lambda _: False)

    (finding,) = doctor._gpus()
    assert finding.found == "NVIDIA L4 (22.5 GiB, driver 570.86), unseen by torch"
    assert finding.status == "absent"
