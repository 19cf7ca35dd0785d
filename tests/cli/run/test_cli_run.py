import json
import os
import signal
from pathlib import Path

import pytest

from suite import machine
from suite.cli.main import main
from suite.cli.run import running
from suite.runner import Summary
from suite.session import runs
from suite.session.options import RunOptions
from suite.store import Store
from tests.narrowing import opened
from tests.reports import fixture_store
from tests.small_runs import FakeExecutor, protocol_text

PROTOCOL = protocol_text()
JOBS = 2 + 2 + 4


@pytest.fixture(autouse=True)
def executor(monkeypatch):
    monkeypatch.setattr(runs, "LocalExecutor", FakeExecutor)
    monkeypatch.setattr(FakeExecutor, "done", [])
    return FakeExecutor


@pytest.fixture
def protocol(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(PROTOCOL)
    return str(file)


@pytest.fixture
def run(tmp_path, protocol, capsys):
    def invoke(*arguments, command="run"):
        code = main([command, *arguments, "--protocol", protocol, "--out", str(tmp_path / "out")])
        return code, *capsys.readouterr()

    return invoke


def test_a_run_ends_with_a_table_and_the_path_of_the_report(run, tmp_path):
    code, out, _ = run()

    lines = out.splitlines()
    assert code == 0
    assert [line.split("\t")[0] for line in lines[:3]] == ["VARIANT", "yolov5p", "yolov5p_wide"]
    assert "0.500 ± 0.000\t2" in lines[1]
    assert lines[-2] == f"{JOBS} done, 0 stored before, 0 failed"
    assert lines[-1] == f"report: {tmp_path / 'out' / 'report' / 'index.html'}"
    assert (tmp_path / "out" / "report" / "index.html").exists()


def test_progress_is_one_line_an_event_on_stderr(run):
    _, _, err = run("--no-report")

    assert f"[1/{JOBS}] count yolov5p ..." in err
    assert f"[{JOBS}/{JOBS}] train yolov5p_wide, seed 1: done in 2.0 s" in err
    assert len(err.splitlines()) == 2 * JOBS


def test_a_recipe_that_stops_early_is_refused_where_budgets_have_to_be_equal(
    run, tmp_path, protocol
):
    recipe = tmp_path / "hasty.yaml"
    recipe.write_text("title: hasty\nevaluate_every: 10\npatience: 2\n")
    Path(protocol).write_text(PROTOCOL.replace("recipe: tiny", f"recipe: {recipe}"))
    code, _, err = run()

    assert code == 2
    assert "has `patience`, which ends variants after different numbers of steps" in err


def test_a_second_run_measures_nothing(run, executor):
    run("--no-report")
    code, out, _ = run("--no-report")

    assert code == 0
    assert f"0 done, {JOBS} stored before, 0 failed" in out


def test_force_measures_again(run):
    run("--no-report")

    assert f"{JOBS} done, 0 stored before" in run("--no-report", "--force")[1]


def test_a_failing_variant_gives_exit_code_1_and_a_report(run, executor, monkeypatch, tmp_path):
    monkeypatch.setattr(executor, "failing", "train-yolov5p_wide")
    code, out, err = run()

    assert code == 1
    assert "failed: train oom" in out
    assert "train yolov5p_wide, seed 0: failed in train (oom): no memory" in err
    assert (tmp_path / "out" / "report" / "index.html").exists()


def test_names_seeds_and_baselines_decide_what_is_done(run, executor):
    run("yolov5p_wide", "--seeds", "7", "--no-report")

    assert executor.done == [
        "static-yolov5p",
        "static-yolov5p_wide",
        "latency-yolov5p-cpu-eager-fp32-0",
        "latency-yolov5p_wide-cpu-eager-fp32-0",
        "train-yolov5p-seed7",
        "train-yolov5p_wide-seed7",
    ]


def test_every_variant_of_a_folder_of_ones_own_takes_part(run, executor, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "fat.yaml").write_text("title: fat\nbase: yolov5p\nwidth: 2\n")
    run("--variants", str(folder), "--no-report")

    assert "train-fat-seed0" in executor.done
    assert "train-yolov5p_wide-seed0" in executor.done


def test_json_is_one_document(run):
    code, out, _ = run("--json", "--no-report")

    document = json.loads(out)
    assert (code, document["command"], document["errors"]) == (0, "run", [])
    assert document["data"]["jobs"] == {"done": JOBS, "reused": 0, "failed": 0}
    assert document["data"]["variants"][1]["ap50_mean"] == 0.5
    assert document["data"]["report"] is None


def test_a_dry_run_tells_the_jobs_and_makes_no_store(run, tmp_path):
    code, out, _ = run("--dry-run")

    assert code == 0
    assert len([line for line in out.splitlines() if "to do" in line]) == JOBS
    assert not (tmp_path / "out" / "store.sqlite").exists()


def test_a_dry_run_knows_what_is_stored(run):
    run("--no-report")

    states = [job["stored"] for job in json.loads(run("--dry-run", "--json")[1])["data"]["jobs"]]
    assert states == [True] * JOBS


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("no_such_variant",), 2, "no variant 'no_such_variant'"),
        (("no_such_*",), 4, "no_such_*"),
        (("--seeds", "1,x"), 2, "seeds are whole numbers"),
        (("--seeds", "1,1"), 2, "a seed is named twice"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_made(
    run, tmp_path, arguments, code, message
):
    found, _, err = run(*arguments)

    assert (found, message in err) == (code, True)
    assert not (tmp_path / "out").exists()


def test_a_folder_without_data_gives_exit_code_4(run, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()

    assert run("--data", str(empty))[0] == 4


def test_a_protocol_without_data_asks_for_some(tmp_path, capsys):
    code = main(["run", "--protocol", "coco", "yolov5p", "--out", str(tmp_path / "out")])

    assert code == 4
    assert "name a --data DIR" in capsys.readouterr().err


def test_a_store_in_use_gives_exit_code_5_with_the_holder(run, tmp_path):
    with Store.open(tmp_path / "out" / "store.sqlite"):
        code, _, err = run()

    assert code == 5
    assert f"in use by process {os.getpid()}" in err


def test_a_run_may_wait_for_the_one_before_it(run, tmp_path, monkeypatch):
    holder = Store.open(tmp_path / "out" / "store.sqlite")
    told = []

    def say_and_end_the_first(line):
        told.append(line)
        holder.close()

    monkeypatch.setattr(running, "say", say_and_end_the_first)

    assert run("--wait", "--no-report")[0] == 0
    assert told[0].startswith(f"waiting for process {os.getpid()}")


def test_a_damaged_store_gives_exit_code_5_and_is_left_alone(run, tmp_path):
    store = tmp_path / "out" / "store.sqlite"
    store.parent.mkdir()
    store.write_bytes(b"no store" * 1000)

    code, _, err = run()
    assert (code, "cannot be read as a store" in err) == (5, True)
    assert store.read_bytes() == b"no store" * 1000


@pytest.fixture
def interruptible():
    """SIGINT raises KeyboardInterrupt, also where a shell that ran the tests in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.usefixtures("interruptible")
def test_a_signal_ends_the_run_with_its_code_and_keeps_what_is_done(
    run, executor, monkeypatch, tmp_path, number, code
):
    def interrupted(self, tasks, *, parallel):
        yield from list(plain(self, tasks[:1], parallel=parallel))
        os.kill(os.getpid(), number)
        yield from plain(self, tasks[1:], parallel=parallel)

    plain = executor.run
    monkeypatch.setattr(executor, "run", interrupted)
    found, _, err = run()

    with Store.open_readonly(tmp_path / "out" / "store.sqlite") as store:
        statuses = [job.status for job in store.run().jobs]
    assert found == code
    assert "resumes" in err
    assert statuses == ["done"] + ["missing"] * (JOBS - 1)


def test_nightly_says_only_the_result_and_logs_the_rest(run, tmp_path):
    code, out, err = run(command="nightly")

    (log,) = (tmp_path / "out" / "log").glob("nightly-*.log")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("report: ")
    assert f"[{JOBS}/{JOBS}] train yolov5p_wide, seed 1: done in 2.0 s" in log.read_text()


def test_nightly_has_the_exit_code_of_the_worst(run, executor, monkeypatch, tmp_path):
    monkeypatch.setattr(executor, "failing", "static-yolov5p_wide")

    assert run(command="nightly")[0] == 1
    with Store.open(tmp_path / "out" / "store.sqlite"):
        assert run(command="nightly")[0] == 5


def test_nightly_logs_what_ended_it(run, tmp_path):
    code, _, err = run("no_such_variant", command="nightly")

    (log,) = (tmp_path / "out" / "log").glob("nightly-*.log")
    assert code == 2
    assert "no variant 'no_such_variant'" in err
    assert "no variant 'no_such_variant'" in log.read_text()


def test_export_writes_every_record_sorted_by_key(run, tmp_path, capsys):
    run("--no-report")
    code = main(["export", "--out", str(tmp_path / "out")])

    records = json.loads(capsys.readouterr().out)
    keys = [record["key"] for record in records]
    assert code == 0
    assert (len(keys), keys) == (JOBS, sorted(set(keys)))
    assert [m["samples"] for r in records if r["kind"] == "train" for m in r["measurements"]] == [
        [0.5]
    ] * 4


def test_export_as_csv_has_one_line_a_sample(run, tmp_path, capsys):
    run("--no-report")
    main(["export", "--out", str(tmp_path / "out"), "--format", "csv"])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("key,kind,variant,")
    assert len(lines) == 1 + 4
    assert all(",ap50," in line and ",0.5," in line for line in lines[1:])


def test_export_without_a_store_gives_exit_code_5(tmp_path):
    assert main(["export", "--out", str(tmp_path)]) == 5


@pytest.mark.parametrize(("busy", "threads"), [(("the cores are 55% busy",), 1), ((), 4)])
def test_threads_left_to_the_machine_are_settled_before_anything_is_planned(
    tmp_path, monkeypatch, busy, threads
):
    protocol = tmp_path / "mine.yaml"
    protocol.write_text(PROTOCOL.replace("threads: 1", "threads: auto"))
    monkeypatch.setattr(machine, "unrest", lambda: busy)
    monkeypatch.setattr("suite.machine.threads.usable_cores", lambda: 4)

    prepared = running.prepare(RunOptions((), str(protocol), None, (), tmp_path / "out"))

    assert prepared.plan.conditions.protocol.latency.threads == threads


@pytest.mark.parametrize(
    ("floor", "strict", "code"), [(0.02, True, 0), (0.0001, True, 5), (0.0001, False, 0)]
)
def test_a_machine_that_cannot_tell_copies_apart_is_an_exit_code_when_strict(
    tmp_path, capsys, floor, strict, code
):
    verdict = {**opened(fixture_store.PROTOCOL["verdict"]), "latency_floor": floor}
    made = fixture_store.Plan(
        variants=fixture_store.VARIANTS[:1],
        train=False,
        protocol={**fixture_store.PROTOCOL, "verdict": verdict},
    )
    options = RunOptions((), "demo", None, (), tmp_path)
    fixture_store.build(options.store, made)

    assert running.exit_code(Summary("latest", 0, 1, ()), options, strict=strict) == code
    assert ("The machine is refused" in capsys.readouterr().err) == (code == 5)


@pytest.fixture
def broken(tmp_path):
    """A folder with one variant, which has a mistake."""
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "wrong.yaml").write_text("base: yolov5p\nwidht: 2\n")
    return str(folder)


@pytest.mark.parametrize("command", ["run", "nightly"])
def test_a_broken_file_of_a_folder_is_left_out_and_gives_exit_code_1(run, broken, command):
    code, out, err = run("--variants", broken, command=command)

    assert code == 1
    assert err.splitlines()[0].startswith(f"left out of this run: {broken}/wrong.yaml:2:1: ")
    assert f"{JOBS} done, 0 stored before, 0 failed, 1 file left out" in out.splitlines()


@pytest.mark.parametrize("command", ["run", "nightly"])
def test_a_broken_file_that_is_named_is_exit_code_2(run, executor, broken, command):
    code, _, err = run("wrong", "--variants", broken, command=command)

    assert code == 2
    assert "unknown key 'widht'" in err
    assert executor.done == []


def test_what_is_left_out_stands_among_the_errors_of_the_document(run, broken):
    code, out, _ = run("--variants", broken, "--json", "--no-report")

    [error] = json.loads(out)["errors"]
    assert (code, error["code"], error["line"]) == (1, "E102", 2)


def test_a_dry_run_tells_what_would_be_left_out(run, broken):
    code, out, _ = run("--variants", broken, "--dry-run", "--json")

    assert code == 1
    assert [error["code"] for error in json.loads(out)["errors"]] == ["E102"]


def test_the_log_of_a_night_names_what_was_left_out(run, broken, tmp_path):
    run("--variants", broken, command="nightly")

    [log] = (tmp_path / "out" / "log").glob("nightly-*.log")
    assert "left out: " in log.read_text()


def keys(run, *arguments):
    """The key of each job of a dry run."""
    jobs = json.loads(run(*arguments, "--dry-run", "--json")[1])["data"]["jobs"]
    return {job["job"]: job["key"] for job in jobs}


def test_a_setting_becomes_part_of_the_keys_that_it_concerns(run):
    plain, longer = keys(run), keys(run, "--set", "budget.steps=3")

    assert plain["count yolov5p"] == longer["count yolov5p"]
    assert plain["train yolov5p, seed 0"] != longer["train yolov5p, seed 0"]


def test_several_settings_may_be_given(run):
    plain = keys(run)
    set_ = keys(run, "--set", "latency.seconds=0.2", "--set", "seeds=[5]")

    timed = "time yolov5p by cpu-eager-fp32, replica 0"
    assert plain[timed] != set_[timed]
    assert "train yolov5p, seed 5" in set_


def test_a_wrong_setting_is_exit_code_2(run, executor):
    code, _, err = run("--set", "budget.stepz=3")

    assert (code, executor.done) == (2, [])
    assert "unknown key 'stepz'; did you mean 'steps'?" in err


def test_a_run_is_kept_under_the_name_of_the_protocol_with_its_settings(run, tmp_path):
    run("--set", "budget.steps=3", "--no-report")

    with Store.open_readonly(tmp_path / "out" / "store.sqlite") as store:
        kept = store.run()
    assert kept.protocol == "mine[budget.steps=3]"
    assert opened(kept.protocol_json["budget"])["steps"] == 3


def test_a_variant_may_be_set_where_it_is_named(run, executor, tmp_path):
    code, out, _ = run("yolov5p[width=0.5]")

    assert code == 0
    assert "train-yolov5p[width=0.5]-seed0" in executor.done
    assert "train-yolov5p-seed0" in executor.done  # what it is compared with
    assert "yolov5p[width=0.5]" in out
    assert "yolov5p[width=0.5]" in (tmp_path / "out" / "report" / "index.html").read_text()


def test_a_dry_run_says_how_long_the_run_will_take_and_how_sure_that_is(run):
    out = run("--dry-run")[1]

    last = out.splitlines()[-1]
    assert last.startswith("estimate: ")
    assert last.endswith(f"; jobs judged: {JOBS} by FLOPs and an assumed speed")


def test_the_estimate_stands_in_the_document(run):
    found = json.loads(run("--dry-run", "--json")[1])["data"]["estimate"]

    assert found["low"] < found["seconds"] < found["high"]
    assert found["sources"] == {"same": 0, "others": 0, "guess": JOBS}
