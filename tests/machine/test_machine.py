"""The machine's description, from files written here."""

import json
import platform
import subprocess
import sys

import pytest

from suite import machine
from suite.machine.description import container_limits, cpu_model
from suite.machine.eight_bits import weight_bits


def test_the_description_is_plain_json_with_a_class():
    described = machine.describe({"OMP_NUM_THREADS": "1", "HOME": "/nowhere"})

    assert json.loads(json.dumps(described)) == described
    assert described["threads"] == {"OMP_NUM_THREADS": "1"}
    assert f"{described['cores']} cores" in str(described["class"])


def test_the_description_says_how_many_bits_an_int8_weight_has():
    assert machine.describe()["int8_weight_bits"] == weight_bits()


def test_a_class_never_says_no_gpu_where_cards_cannot_be_asked(monkeypatch):
    monkeypatch.setattr("suite.machine.description.gpus", tuple)
    monkeypatch.setattr("suite.machine.description.hides_cards", lambda: True)

    assert str(machine.describe()["class"]).endswith(
        ", unknown GPU (nvidia-ml-py is not installed)"
    )


def test_the_class_is_the_same_every_time():
    assert machine.describe()["class"] == machine.describe()["class"]


def test_the_description_does_not_import_torch():
    code = "import sys; from suite import machine; machine.describe(); sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_processors_of_one_name_are_told_apart(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(
        "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\nmodel\t: 99\n"
    )

    assert cpu_model(cpuinfo) == "AMD EPYC (25/17)"


def test_a_processor_without_a_model_name_is_called_by_its_kind(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nBogoMIPS\t: 50.00\n")

    assert cpu_model(tmp_path / "cpuinfo") == platform.machine()


def test_limits_of_a_version_2_container(tmp_path):
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "memory.max").write_text(f"{4 * 2**30}\n")

    assert container_limits(tmp_path) == {"cores": 1.5, "memory_gib": 4.0}


def test_limits_of_a_version_1_container(tmp_path):
    for name, value in {
        "cpu/cpu.cfs_quota_us": "200000",
        "cpu/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": str(2**31),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(value + "\n")

    assert container_limits(tmp_path) == {"cores": 2.0, "memory_gib": 2.0}


def test_a_container_without_limits_limits_nothing(tmp_path):
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")

    assert container_limits(tmp_path) == {}


@pytest.fixture
def repository(tmp_path):
    for command in (
        ["init", "-q"],
        [
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "First",
        ],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    return tmp_path


def test_a_clean_checkout_is_not_dirty(repository):
    (repository / "untracked").write_text("")

    commit = machine.checkout(repository)

    assert commit["dirty"] is False
    assert len(str(commit["commit"])) == 40


def test_a_changed_file_makes_a_checkout_dirty(repository):
    (repository / "file").write_text("new")
    subprocess.run(["git", "-C", str(repository), "add", "file"], check=True)

    assert machine.checkout(repository)["dirty"] is True


def test_a_folder_outside_git_has_no_commit(tmp_path):
    assert machine.checkout(tmp_path) == {}


def test_an_installed_wheel_is_no_checkout():
    assert machine.checkout(None) == {}
