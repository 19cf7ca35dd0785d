"""The machine's description, from files and tool output written here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from suite import machine
from suite.machine.eight_bits import weight_bits


def stat(folder: Path, *, user: int, idle: int, steal: int = 0) -> Path:
    (folder / "stat").write_text(
        f"cpu  {user} 0 0 {idle} 0 0 0 {steal} 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"
    )
    return folder


def test_the_description_is_plain_json_with_a_class():
    described = machine.describe({"OMP_NUM_THREADS": "1", "HOME": "/nowhere"})

    assert json.loads(json.dumps(described)) == described
    assert described["threads"] == {"OMP_NUM_THREADS": "1"}
    assert f"{described['cores']} cores" in described["class"]


def test_the_description_says_how_many_bits_an_int8_weight_has():
    assert machine.describe()["int8_weight_bits"] == weight_bits()


def test_the_class_is_the_same_every_time():
    assert machine.describe()["class"] == machine.describe()["class"]


def test_the_description_does_not_import_torch():
    code = "import sys; from suite import machine; machine.describe(); sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_processors_of_one_name_are_told_apart(tmp_path):
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\nmodel\t: 99\n"
    )

    assert machine._cpu_model(tmp_path) == "AMD EPYC (25/17)"


def test_cards_are_read_from_the_drivers_tool():
    cards = machine.gpus(lambda: "NVIDIA H100 80GB HBM3, 81920, 570.86\nNVIDIA L4, 23034, 570.86\n")

    assert [card["name"] for card in cards] == ["NVIDIA H100 80GB HBM3", "NVIDIA L4"]
    assert cards[0]["memory_gib"] == 80.0


def test_no_tool_means_no_cards():
    assert machine.gpus(lambda: "") == ()


def test_limits_of_a_version_2_container(tmp_path):
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "memory.max").write_text(f"{4 * 2**30}\n")

    assert machine._container_limits(tmp_path) == {"cores": 1.5, "memory_gib": 4.0}


def test_limits_of_a_version_1_container(tmp_path):
    for name, value in {
        "cpu/cpu.cfs_quota_us": "200000",
        "cpu/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": str(2**31),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(value + "\n")

    assert machine._container_limits(tmp_path) == {"cores": 2.0, "memory_gib": 2.0}


def test_a_container_without_limits_limits_nothing(tmp_path):
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")

    assert machine._container_limits(tmp_path) == {}


def test_load_is_the_share_of_ticks_between_two_readings(tmp_path):
    before = machine.cpu_times(stat(tmp_path, user=100, idle=100))

    load = machine.load_since(before, stat(tmp_path, user=125, idle=170, steal=5))

    assert load.busy == pytest.approx(0.30)
    assert load.steal == pytest.approx(0.05)


def test_an_idle_machine_has_no_unrest(tmp_path):
    stat(tmp_path, user=100, idle=100)

    assert (
        machine.unrest(1, sleep=lambda _: stat(tmp_path, user=101, idle=199), proc=tmp_path) == ()
    )


def test_a_busy_machine_says_how_busy_it_is(tmp_path):
    stat(tmp_path, user=100, idle=100)

    reasons = machine.unrest(
        1, sleep=lambda _: stat(tmp_path, user=150, idle=145, steal=5), proc=tmp_path
    )

    assert reasons == (
        "the cores are 55% busy; allowed 10%",
        "the host takes 5% of the time away; allowed 1%",
    )


def test_a_system_without_proc_is_neither_busy_nor_idle(tmp_path):
    assert machine.unrest(1, sleep=lambda _: None, proc=tmp_path) == ()
    assert machine.load_since(None, tmp_path).busy is None


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

    found = machine.checkout(repository)

    assert found["dirty"] is False
    assert len(str(found["commit"])) == 40


def test_a_changed_file_makes_a_checkout_dirty(repository):
    (repository / "file").write_text("new")
    subprocess.run(["git", "-C", str(repository), "add", "file"], check=True)

    assert machine.checkout(repository)["dirty"] is True


def test_a_folder_outside_git_has_no_commit(tmp_path):
    assert machine.checkout(tmp_path) == {}


def test_an_installed_wheel_is_no_checkout():
    assert machine.checkout(None) == {}
